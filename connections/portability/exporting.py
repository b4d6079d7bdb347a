"""Writes connections as the text of a file that imports again, here and in Airflow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from access.audit import Actor, record
from connections.models import Connection
from connections.portability.entries import value_of
from connections.portability.files import write_values
from connections.portability.for_airflow import can_read, fitted
from connections.redaction import redacted_draft
from connections.services import draft_of
from connections.validation import Draft

#: How a connection is written in the file. Not every one has a URI form: those stay objects.
SERIALIZATIONS = ("json", "uri")


@dataclass(frozen=True)
class Exported:
    """The file's ``text``, and how many connections it holds; the others by their IDs.

    For Airflow, ``left_out`` aren't in it, and ``shortened`` are without their
    description or date of expiry. Else Airflow can't read ``not_for_airflow``.
    """

    text: str = field(repr=False)
    count: int
    left_out: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()
    not_for_airflow: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What to tell of it: what isn't in it, or what Airflow can't read; or nothing."""
        if self.not_for_airflow:
            one = len(self.not_for_airflow) == 1
            return (
                f"{_entries(self.not_for_airflow)} {'is' if one else 'are'} for Patchbay only, "
                f"and Airflow can't read {'it' if one else 'them'}: an export for Airflow "
                "(--for-airflow) writes what it reads."
            )
        told = []
        if self.left_out:
            told.append(
                f"{_entries(self.left_out)} left out (disabled, expired, or of a type that a URI "
                f"can't say): {', '.join(self.left_out)}."
            )
        if self.shortened:
            told.append(
                f"{_entries(self.shortened)} without description or date of expiry: "
                f"{', '.join(self.shortened)}."
            )
        return "\n".join(told)


def _entries(conn_ids: tuple[str, ...]) -> str:
    return f"{len(conn_ids)} {'entry' if len(conn_ids) == 1 else 'entries'}"


def export(
    connections: Iterable[Connection],
    *,
    file_format: str,
    serialization: str,
    redact: bool,
    actor: Actor,
    for_airflow: bool = False,
) -> Exported:
    """The file; whoever calls it has checked the right, and keeps the file to its owner.

    ``for_airflow`` writes only what Airflow reads. It is audited. Raise
    ``SecretsUnreadable`` rather than leave one out.
    """
    drafts = [draft_of(each, loaded=each.load()) for each in connections]
    drafts = list(map(redacted_draft, drafts)) if redact else drafts
    found = _fitted(drafts, file_format=file_format) if for_airflow else drafts
    conn_ids = [draft.conn_id for draft in found]
    secrets = f"with {'its' if len(found) == 1 else 'their'} secrets"
    record(
        actor,
        "exported",
        what="connections",
        name=f"{len(found)} {'redacted' if redact else secrets}",
        file_format=file_format,
        redacted=redact,
        conn_ids=conn_ids,
    )
    form = "uri" if for_airflow and file_format == "env" else serialization
    values = [value_of(draft, serialization=form) for draft in found]
    text = write_values(
        zip(conn_ids, values, strict=True), file_format=file_format, for_airflow=for_airflow
    )
    if for_airflow:
        return _for_airflow(text, drafts, found)
    readable = [
        can_read(draft, value, file_format=file_format)
        for draft, value in zip(found, values, strict=True)
    ]
    alien = tuple(
        conn_id for conn_id, is_read in zip(conn_ids, readable, strict=True) if not is_read
    )
    return Exported(text, len(found), not_for_airflow=alien)


def _fitted(drafts: Iterable[Draft], *, file_format: str) -> list[Draft]:
    found = (fitted(draft, file_format=file_format) for draft in drafts)
    return [draft for draft in found if draft is not None]


def _for_airflow(text: str, drafts: list[Draft], found: list[Draft]) -> Exported:
    there = {draft.conn_id: draft for draft in found}
    left_out = tuple(draft.conn_id for draft in drafts if draft.conn_id not in there)
    shortened = tuple(draft.conn_id for draft in drafts if there.get(draft.conn_id, draft) != draft)
    return Exported(text, len(found), left_out=left_out, shortened=shortened)
