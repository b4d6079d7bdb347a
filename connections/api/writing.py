"""Creates, changes and deletes connections, one or many, as Airflow does."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Query, Status

from access.audit import Actor
from access.bearer import Bearer
from access.problems import Problem, Refused, refusals
from access.rights import Right, caller_of
from connections import services
from connections.api.reading import not_found, refuse_impossible, shown_all
from connections.api.routing import airflow
from connections.api.schemas import ConnectionBody, ConnectionResponse
from connections.exceptions import InvalidConnection
from connections.models import Connection
from connections.unmasking import unmasked
from connections.validation import Draft, wrong_conn_id

UpdateMask = Annotated[
    list[str] | None,
    Query(description="Only these fields are changed. Repeats; what it doesn't know is ignored."),
]
#: The keys of a body that are fields of a draft, by the same name.
SETTABLE = frozenset(
    ("conn_type", "description", "host", "login", "schema", "port", "password", "extra")
)


@airflow.post(
    "",
    auth=Bearer(Right.WRITE_CONNECTIONS),
    summary="Create a connection",
    response={201: ConnectionResponse, **refusals(409)},
    by_alias=True,
)
def post_connection(request: HttpRequest, response: HttpResponse, body: ConnectionBody) -> Any:
    """The type is checked by its declaration; a type that nothing declares is taken as it is."""
    try:
        connection = create(body, actor=caller_of(request).actor)
    except InvalidConnection as error:
        if not is_taken(error, body.connection_id):
            raise
        return JsonResponse({"detail": conflict(body.connection_id)}, status=409)
    return Status(201, shown_all([connection], response)[0])


@airflow.patch(
    "/{connection_id}",
    auth=Bearer(Right.WRITE_CONNECTIONS),
    summary="Change a connection",
    response={200: ConnectionResponse, 400: Problem, **refusals(404, 409)},
    by_alias=True,
)
def patch_connection(
    request: HttpRequest,
    response: HttpResponse,
    connection_id: str,
    body: ConnectionBody,
    update_mask: UpdateMask = None,
) -> dict[str, Any]:
    """What is sent is changed: null clears, an absent key keeps. `extra` is replaced whole;
    `***` under a secret in it keeps that secret."""
    if body.connection_id != connection_id:
        words = "The connection_id in the request body does not match the URL parameter"
        raise Refused(400, words)
    try:
        connection = change(body, mask=update_mask, actor=caller_of(request).actor)
    except Connection.DoesNotExist:
        raise not_found(connection_id) from None
    return shown_all([connection], response)[0]


@airflow.delete(
    "/{connection_id}",
    auth=Bearer(Right.WRITE_CONNECTIONS),
    summary="Delete a connection",
    response={204: None, **refusals(404)},
)
def delete_connection(request: HttpRequest, connection_id: str) -> Status[None]:
    """Also one that DAGs name: ask `used-by` first. Their next runs fail without it."""
    refuse_impossible(connection_id)
    try:
        services.delete_connection(connection_id, actor=caller_of(request).actor)
    except Connection.DoesNotExist:
        raise not_found(connection_id) from None
    return Status(204, None)


def create(body: ConnectionBody, *, actor: Actor) -> Connection:
    """Raise ``InvalidConnection``, also for an ID that is taken."""
    return services.create_connection(unmasked(draft_of(body), stored=None), actor=actor)


def change(body: ConnectionBody, *, mask: list[str] | None, actor: Actor) -> Connection:
    """Set the keys that were sent, and of those only what ``mask`` names, if there is one."""

    def changed(stored: Draft) -> Draft:
        return changed_by(body, stored, mask=mask)

    return services.change_connection(body.connection_id, changed, actor=actor)


def changed_by(body: ConnectionBody, stored: Draft, *, mask: list[str] | None = None) -> Draft:
    """Raise ``InvalidConnection`` for a ``***`` that stands for nothing."""
    names = sent_names(body) if mask is None else sent_names(body) & set(mask)
    wanted = draft_of(body)
    fields = {name: getattr(wanted, name) for name in names if name in SETTABLE}
    return unmasked(replace(stored, **fields), stored=stored)


def sent_names(body: ConnectionBody) -> set[str]:
    """The keys that stood in the body, whatever their values."""
    fields = type(body).model_fields
    return {fields[name].alias or name for name in body.model_fields_set}


def overwrite(body: ConnectionBody, *, actor: Actor) -> Connection:
    """Replace all that is stored; what wasn't sent is empty then."""

    def replaced(stored: Draft) -> Draft:
        draft = replace(
            draft_of(body),
            is_disabled=stored.is_disabled,
            expires_at=stored.expires_at,
            max_sessions=stored.max_sessions,
        )
        return unmasked(draft, stored=stored)

    return services.change_connection(body.connection_id, replaced, actor=actor)


def draft_of(body: ConnectionBody) -> Draft:
    """All of it: what is absent or null is empty."""
    return Draft(
        conn_id=body.connection_id,
        conn_type=body.conn_type,
        description=body.description or "",
        host=body.host or "",
        schema=body.schema_ or "",
        login=body.login or "",
        password=body.password or "",
        port=body.port,
        extra=body.extra_object,
    )


def is_taken(error: InvalidConnection, conn_id: str) -> bool:
    """Whether all that is wrong is that there is a connection of this ID already."""
    return set(error.errors) == {"conn_id"} and not wrong_conn_id(conn_id)


def conflict(conn_id: str) -> dict[str, str]:
    """Airflow's ``detail`` for an ID that is taken."""
    return {
        "reason": "Unique constraint violation",
        "statement": "hidden",
        "orig_error": "hidden",
        "message": f"There is a connection {conn_id} already.",
    }
