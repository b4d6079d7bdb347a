"""What an import would do, told before it is done, and the import itself: all or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.db import IntegrityError, OperationalError, transaction

from access.audit import Actor, event, record
from access.models import AuditEvent
from connections.exceptions import InvalidConnection, PatchbayError, SecretsUnreadable
from connections.models import Connection
from connections.portability.entries import Entry
from connections.redaction import refuse_exposure
from connections.services import changed_extras, draft_of, stage
from connections.types.base import COLUMNS, LoadedConnection
from connections.unmasking import unmasked
from connections.validation import Draft, check, doubts

#: What happens to an entry whose ID is taken: it is refused, left out, or it replaces all.
EXISTING = ("fail", "skip", "overwrite")
KINDS = ("added", "changed", "same", "skipped", "refused")
_BATCH = 500
_COLUMNS = ("conn_type", "description", *COLUMNS, "is_disabled", "expires_at", "max_sessions")


@dataclass(frozen=True)
class Change:
    """What becomes of one entry: its ``kind``, and the ``fields`` that it sets or changes.

    Fields are named, never told: ``host``, ``extra.project``. ``reason`` says
    why an entry is refused or skipped, ``warning`` what may not work in one that
    is taken as it is, because it may have worked where it comes from.
    """

    conn_id: str
    kind: str
    fields: tuple[str, ...] = ()
    reason: str = ""
    warning: str = ""


@dataclass(frozen=True)
class Plan:
    """What becomes of every entry, in the file's order."""

    changes: tuple[Change, ...]

    def count(self, kind: str) -> int:
        return self._counts[kind]

    @property
    def _counts(self) -> Counter[str]:
        return Counter(change.kind for change in self.changes)

    @property
    def summary(self) -> str:
        """``3 added, 1 changed, 2 refused``; for nothing at all ``nothing``."""
        counts = self._counts
        return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind]) or "nothing"


class ImportRefused(PatchbayError):
    """Nothing was written, because ``plan`` has refused entries."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(f"Nothing was imported: {plan.count('refused')} refused.")
        self.plan = plan


@dataclass(frozen=True)
class _Step:
    """A change, and what is needed to make it: the row as it is, and the draft to make of it."""

    change: Change
    row: Connection | None = None
    draft: Draft | None = field(default=None, repr=False)
    before: LoadedConnection | None = field(default=None, repr=False)


def plan(entries: Sequence[Entry], *, existing: str) -> Plan:
    """A dry run: what ``carry_out`` would do now. Nothing is written."""
    return Plan(tuple(step.change for step in _steps(entries, existing=existing)))


def carry_out(entries: Sequence[Entry], *, existing: str, skip_bad: bool, actor: Actor) -> Plan:
    """Import all in one transaction; with ``skip_bad`` all but the refused.

    Raise ``ImportRefused``, and write nothing, when an entry is refused.
    """
    try:
        return _carry_out(entries, existing=existing, skip_bad=skip_bad, actor=actor)
    except (IntegrityError, OperationalError):
        # Somebody created one of them just now, or two imports stood in each other's way: this
        # time what there is, is seen.
        return _carry_out(entries, existing=existing, skip_bad=skip_bad, actor=actor)


def _carry_out(entries: Sequence[Entry], *, existing: str, skip_bad: bool, actor: Actor) -> Plan:
    with transaction.atomic():
        steps = list(_steps(entries, existing=existing, lock=True))
        found = Plan(tuple(step.change for step in steps))
        if found.count("refused") and not skip_bad:
            raise ImportRefused(found)
        _write(steps, actor=actor)
        counts = {kind: found.count(kind) for kind in KINDS if found.count(kind)}
        record(actor, "imported", what="connections", name=found.summary, **counts)
    return found


def _write(steps: Sequence[_Step], *, actor: Actor) -> None:
    added: list[Connection] = []
    changed: list[Connection] = []
    events: list[AuditEvent] = []
    for step in steps:
        if step.draft is None:
            continue
        row = step.row or Connection(conn_id=step.draft.conn_id)
        fields = stage(row, step.draft, actor=actor, before=step.before)
        (changed if step.row else added).append(row)
        action = "changed" if step.row else "created"
        events.append(event(actor, action, what="connection", name=row.conn_id, fields=fields))
    # In one order, so that two imports at once can't wait for each other.
    added.sort(key=lambda row: row.conn_id)
    Connection.objects.bulk_create(added, batch_size=_BATCH)
    _update_all(changed)
    AuditEvent.objects.bulk_create(events, batch_size=_BATCH)


def _update_all(rows: list[Connection]) -> None:
    """Write rows that are there, and locked: ``bulk_update`` would encrypt their secrets anew."""
    names = [
        each.name
        for each in Connection._meta.concrete_fields
        if each.name not in ("id", "conn_id", "created_at", "created_by")
    ]
    Connection.objects.bulk_create(
        rows,
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["conn_id"],
        update_fields=names,
    )


def _steps(entries: Sequence[Entry], *, existing: str, lock: bool = False) -> Iterator[_Step]:
    stored = _stored([entry.conn_id for entry in entries if entry.draft], lock=lock)
    for entry in entries:
        if entry.draft is None:
            yield _refused(entry, entry.problem)
        else:
            yield _step(entry, entry.draft, stored.get(entry.conn_id), existing=existing)


def _step(entry: Entry, draft: Draft, row: Connection | None, *, existing: str) -> _Step:
    conn_id = entry.conn_id
    if row is not None and existing == "fail":
        return _refused(entry, f"There is a connection {conn_id} already.")
    if row is not None and existing == "skip":
        return _Step(Change(conn_id, "skipped", reason=f"There is a connection {conn_id} already."))
    try:
        before = row.load() if row else None
        stored = draft_of(row, loaded=before) if row else None
        wanted = unmasked(draft, stored=stored)
        check(wanted, is_moved=True)
        if stored is not None:
            refuse_exposure(wanted, before=stored)
    except SecretsUnreadable:
        return _refused(entry, "Its stored secrets can't be decrypted with the configured keys.")
    except InvalidConnection as error:
        return _refused(entry, " ".join(_sentence(*pair) for pair in error.errors.items()))
    fields = _fields(stored, wanted)
    if row is not None and not fields:
        return _Step(Change(conn_id, "same"))
    warning = " ".join(_sentence(*pair) for pair in doubts(wanted).items())
    change = Change(conn_id, "changed" if row else "added", fields, warning=warning)
    return _Step(change, row, wanted, before)


def _refused(entry: Entry, reason: str) -> _Step:
    return _Step(Change(entry.conn_id, "refused", reason=reason))


def _sentence(name: str, words: str) -> str:
    return words if name in ("conn_id", "conn_type") else f"{name}: {words}"


def _stored(conn_ids: list[str], *, lock: bool) -> dict[str, Connection]:
    found: dict[str, Connection] = {}
    rows = Connection.objects.select_for_update() if lock else Connection.objects.all()
    for start in range(0, len(conn_ids), _BATCH):
        batch = sorted(conn_ids)[start : start + _BATCH]
        found |= {row.conn_id: row for row in rows.filter(conn_id__in=batch).order_by("conn_id")}
    return found


def _fields(old: Draft | None, new: Draft) -> tuple[str, ...]:
    """The names of what differs; of a new one, what is set."""
    before = old or Draft(new.conn_id, "")
    columns = [name for name in _COLUMNS if getattr(before, name) != getattr(new, name)]
    extras = (f"extra.{name}" for name in changed_extras(before.extra, new.extra))
    return (*columns, *extras)
