"""Acts on many connections at once. Each act is done for all of them, or for none.

What was deleted meanwhile is left out, and named in the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from access.audit import Actor, record
from access.rights import Right
from connections.exceptions import InvalidConnection, PatchbayError, SecretsUnreadable
from connections.models import CONN_ID_MAX_LENGTH, Connection
from connections.services import create_connection, draft_of
from connections.testing import can_test, request_test
from connections.types.base import ENCRYPTED_COLUMNS

#: The most connections that one act takes.
AT_MOST = 1000


class BulkRefused(PatchbayError):
    """Nothing was done; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """``done`` names what was acted on, ``made`` what came of it.

    ``same`` was so already, ``untestable`` has a type that can't be tested yet,
    and ``gone`` was deleted meanwhile.
    """

    done: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    untestable: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


@dataclass(frozen=True)
class Act:
    """``run`` does it. ``asks`` says whether it is confirmed first; ``past`` is what was done."""

    name: str
    label: str
    past: str
    right: Right
    run: Callable[[Sequence[str], Actor], Outcome] | None = None
    asks: bool = False


def test(conn_ids: Sequence[str], actor: Actor) -> Outcome:
    """Ask workers to test each."""
    with transaction.atomic():
        types = dict(_rows(conn_ids).values_list("conn_id", "conn_type"))
        done = tuple(each for each in conn_ids if each in types and can_test(types[each]))
        for conn_id in done:
            request_test(None, conn_id=conn_id, actor=actor)
    untestable = tuple(each for each in conn_ids if each in types and each not in done)
    return Outcome(done, untestable=untestable, gone=_gone(conn_ids, types))


def duplicate(conn_ids: Sequence[str], actor: Actor) -> Outcome:
    """Copy each, with its secrets, to a free ID. Raise ``BulkRefused``."""
    with transaction.atomic():
        rows = {row.conn_id: row for row in _rows(conn_ids).select_for_update()}
        done = tuple(each for each in conn_ids if each in rows)
        made = tuple(_duplicate(rows[conn_id], actor) for conn_id in done)
    return Outcome(done, made, gone=_gone(conn_ids, rows))


def _duplicate(row: Connection, actor: Actor) -> str:
    name = free_name(row.conn_id)
    try:
        stored = draft_of(row, loaded=row.load())
        copy = create_connection(replace(stored, conn_id=name), actor=actor, before=stored)
    except SecretsUnreadable:
        raise BulkRefused(
            f"Nothing was duplicated: the secrets of {row.conn_id} can’t be decrypted with the "
            "configured keys. Bring its key back, or leave it out."
        ) from None
    except InvalidConnection as error:
        field, words = next(iter(error.errors.items()))
        raise BulkRefused(
            f"Nothing was duplicated: {row.conn_id} isn’t right as it is stored ({field}: {words}) "
            "Mend it, or leave it out."
        ) from None
    if row.team:
        Connection.objects.filter(pk=copy.pk).update(team=row.team)
    record(actor, "duplicated", what="connection", name=row.conn_id, copy=name)
    return name


def free_name(conn_id: str) -> str:
    """``<id>_copy``, or the first of ``<id>_copy_2``, ``_3``… that is free; long IDs are cut."""
    # Whatever number is free, the names before it begin with this.
    stem = conn_id[: CONN_ID_MAX_LENGTH - len("_copy_1000000")]
    taken = set(
        Connection.objects.filter(conn_id__startswith=stem).values_list("conn_id", flat=True)
    )
    number = 1
    while True:
        end = "_copy" if number == 1 else f"_copy_{number}"
        name = conn_id[: CONN_ID_MAX_LENGTH - len(end)] + end
        if name not in taken:
            return name
        number += 1


def disable(conn_ids: Sequence[str], actor: Actor) -> Outcome:
    return _set_disabled(conn_ids, actor, is_disabled=True)


def enable(conn_ids: Sequence[str], actor: Actor) -> Outcome:
    return _set_disabled(conn_ids, actor, is_disabled=False)


def _set_disabled(conn_ids: Sequence[str], actor: Actor, *, is_disabled: bool) -> Outcome:
    """Also what can't be decrypted, or isn't valid any more, can be put out of use."""
    with transaction.atomic():
        rows = dict(_rows(conn_ids).select_for_update().values_list("conn_id", "is_disabled"))
        done = tuple(each for each in conn_ids if rows.get(each) is (not is_disabled))
        _rows(done).update(
            is_disabled=is_disabled,
            version=F("version") + 1,
            updated_at=timezone.now(),
            updated_by_id=actor.user_id,
        )
        for conn_id in done:
            record(actor, "changed", what="connection", name=conn_id, fields=["is_disabled"])
    same = tuple(each for each in conn_ids if rows.get(each) is is_disabled)
    return Outcome(done, same=same, gone=_gone(conn_ids, rows))


def delete(conn_ids: Sequence[str], actor: Actor) -> Outcome:
    with transaction.atomic():
        found = set(_rows(conn_ids).select_for_update().values_list("conn_id", flat=True))
        done = tuple(each for each in conn_ids if each in found)
        _rows(done).delete()
        for conn_id in done:
            record(actor, "deleted", what="connection", name=conn_id)
    return Outcome(done, gone=_gone(conn_ids, found))


def existing(conn_ids: Sequence[str]) -> list[Connection]:
    """Those of them that are there, by ID, without their secrets."""
    return list(_rows(conn_ids).defer(*ENCRYPTED_COLUMNS, "extra"))


def _rows(conn_ids: Sequence[str]) -> QuerySet[Connection]:
    return Connection.objects.filter(conn_id__in=conn_ids)


def _gone(conn_ids: Sequence[str], found: Collection[str]) -> tuple[str, ...]:
    return tuple(each for each in conn_ids if each not in found)


ACTS = {
    act.name: act
    for act in (
        Act("test", "Test", "being tested", Right.TEST_CONNECTIONS, test),
        Act("duplicate", "Duplicate", "duplicated", Right.WRITE_CONNECTIONS, duplicate),
        Act("disable", "Disable", "disabled", Right.WRITE_CONNECTIONS, disable, asks=True),
        Act("enable", "Enable", "enabled", Right.WRITE_CONNECTIONS, enable),
        Act("export", "Export", "exported", Right.EXPORT_CONNECTIONS),
        Act("delete", "Delete", "deleted", Right.WRITE_CONNECTIONS, delete, asks=True),
    )
}
