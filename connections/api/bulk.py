"""Many connections in one call: each act is one transaction, and one that fails writes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.http import HttpRequest

from access.audit import Actor
from access.bearer import Bearer
from access.problems import refusals
from access.rights import Right, caller_of
from connections import services
from connections.api import writing
from connections.api.routing import airflow
from connections.api.schemas import (
    Action,
    BulkBody,
    BulkResponse,
    ConnectionBody,
    CreateAction,
    DeleteAction,
    UpdateAction,
)
from connections.diagnosis import explain
from connections.exceptions import InvalidConnection, PatchbayError, SecretsUnreadable
from connections.models import Connection


class _Failed(PatchbayError):
    """An act that writes nothing: its words and its status."""

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        self.answer = {"error": words, "status_code": status}


@airflow.patch(
    "",
    auth=Bearer(Right.WRITE_CONNECTIONS),
    summary="Create, change and delete many",
    response={200: BulkResponse, **refusals()},
)
def bulk_connections(request: HttpRequest, body: BulkBody) -> dict[str, Any]:
    """The acts are done in their order, each whole or not at all. A fault in the shape of any
    refuses the whole call; what else is wrong fails its own act, and the others are done."""
    actor = caller_of(request).actor
    answer: dict[str, Any] = {"create": None, "update": None, "delete": None}
    for action in body.actions:
        of_kind = answer[action.action] or {"success": [], "errors": []}
        answer[action.action] = of_kind
        try:
            with transaction.atomic():
                of_kind["success"] += _do(action, actor=actor)
        except _Failed as error:
            of_kind["errors"].append(error.answer)
    return answer


def _do(action: Action, *, actor: Actor) -> list[str]:
    if isinstance(action, CreateAction):
        return _create(action, actor=actor)
    if isinstance(action, UpdateAction):
        return _update(action, actor=actor)
    return _delete(action, actor=actor)


def _create(action: CreateAction, *, actor: Actor) -> list[str]:
    there = _locked(body.connection_id for body in action.entities)
    mode = action.action_on_existence
    if there and mode == "fail":
        raise _Failed(
            f"The connections with these connection_ids: {_set(there)} already exist.", 409
        )
    done = []
    for body in action.entities:
        conn_id = body.connection_id
        if conn_id in there and mode == "skip":
            continue
        _write(body, actor=actor, is_there=conn_id in there and mode == "overwrite")
        there.add(conn_id)
        done.append(conn_id)
    return list(dict.fromkeys(done))


def _write(body: ConnectionBody, *, actor: Actor, is_there: bool) -> None:
    try:
        (writing.overwrite if is_there else writing.create)(body, actor=actor)
    except (InvalidConnection, SecretsUnreadable) as error:
        raise _failed(error, body.connection_id) from None


def _update(action: UpdateAction, *, actor: Actor) -> list[str]:
    there = _locked(body.connection_id for body in action.entities)
    missing = {body.connection_id for body in action.entities} - there
    if missing and action.action_on_non_existence == "fail":
        raise _not_found(missing)
    done = [body for body in action.entities if body.connection_id in there]
    for body in done:
        try:
            writing.change(body, mask=action.update_mask, actor=actor)
        except (InvalidConnection, SecretsUnreadable) as error:
            raise _failed(error, body.connection_id) from None
    return list(dict.fromkeys(body.connection_id for body in done))


def _delete(action: DeleteAction, *, actor: Actor) -> list[str]:
    wanted = dict.fromkeys(
        entity if isinstance(entity, str) else entity.connection_id for entity in action.entities
    )
    there = _locked(wanted)
    if len(there) < len(wanted) and action.action_on_non_existence == "fail":
        raise _not_found(wanted.keys() - there)
    done = [conn_id for conn_id in wanted if conn_id in there]
    for conn_id in done:
        services.delete_connection(conn_id, actor=actor)
    return done


def _locked(conn_ids: Iterable[str]) -> set[str]:
    """Those that are there, held for this act; always in one order, so that no two acts stall."""
    # No ID holds a NUL, and PostgreSQL refuses to look for one.
    wanted = {conn_id for conn_id in conn_ids if "\0" not in conn_id}
    rows = Connection.objects.filter(conn_id__in=wanted).order_by("conn_id")
    return set(rows.select_for_update().values_list("conn_id", flat=True))


def _not_found(conn_ids: Iterable[str]) -> _Failed:
    words = f"The connections with these connection_ids: {_set(conn_ids)} were not found."
    return _Failed(words, 404)


def _failed(error: InvalidConnection | SecretsUnreadable, conn_id: str) -> _Failed:
    if isinstance(error, SecretsUnreadable):
        return _Failed(f"{conn_id}: {explain(error.code, error.facts).happened}", 409)
    words = "; ".join(f"{name}: {words}" for name, words in error.errors.items())
    return _Failed(f"{conn_id}: {words}", 409 if writing.is_taken(error, conn_id) else 422)


def _set(conn_ids: Iterable[str]) -> str:
    """As Airflow writes it."""
    return "{" + ", ".join(f"'{conn_id}'" for conn_id in sorted(conn_ids)) + "}"
