"""Tests connections, on a worker, as Airflow's two calls ask for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Header, Status

from access.bearer import Bearer, demand
from access.problems import Refused, refusals
from access.rights import Right, caller_of
from connections.api.routing import airflow
from connections.api.schemas import (
    ConnectionBody,
    ConnectionTestQueued,
    ConnectionTestRequestBody,
    ConnectionTestResponse,
    ConnectionTestStatus,
)
from connections.api.writing import changed_by, draft_of
from connections.models import Connection, ConnectionTest, ConnectionTestState
from connections.services import draft_of as draft_of_stored
from connections.testing import can_test, find_test, refreshed, request_test, wait_for
from connections.types import type_of
from connections.unmasking import unmasked
from connections.validation import Draft

Token = Annotated[
    str,
    Header(alias="Airflow-Connection-Test-Token", description="Of the answer that began the test."),
]


@airflow.post(
    "/test",
    auth=Bearer(Right.TEST_CONNECTIONS),
    summary="Test a connection and wait",
    response={200: ConnectionTestResponse, **refusals(409)},
)
def test_connection(request: HttpRequest, body: ConnectionBody) -> dict[str, Any]:
    """A worker makes the test; the answer comes when it has ended, or after a setting's time."""
    if not can_test(body.conn_type):
        label = type_of(body.conn_type).label
        return {"status": False, "message": f"Connections of the type {label} can't be tested yet."}
    test, _ = _begun(request, body)
    seconds = settings.CONNECTION_TEST_WAIT
    test = wait_for(test, seconds=seconds)
    if not test.is_done:
        words = f"The test hasn't ended in {seconds:g} seconds. It goes on; ask again."
        return {"status": False, "message": words}
    return {
        "status": test.state == ConnectionTestState.SUCCESS,
        "message": test.message or "Connection works.",
    }


@airflow.post(
    "/enqueue-test",
    auth=Bearer(Right.TEST_CONNECTIONS),
    summary="Begin a test",
    response={202: ConnectionTestQueued, **refusals(409)},
)
def enqueue_connection_test(
    request: HttpRequest, body: ConnectionTestRequestBody
) -> Status[dict[str, Any]]:
    """The answer comes at once, with a token for asking how the test went."""
    _refuse_second(body.connection_id)
    test, token = _begun(request, body)
    return Status(202, {**_shown(test), "token": token})


@airflow.get(
    "/enqueue-test",
    auth=Bearer(Right.TEST_CONNECTIONS),
    summary="How a test went",
    response={200: ConnectionTestStatus, **refusals(404)},
)
def get_connection_test(request: HttpRequest, token: Token) -> dict[str, Any]:
    """The token stands in a header, never in the address."""
    test = find_test(token)
    if test is None:
        raise Refused(404, "No connection test found for this token")
    message = test.message or None if test.is_done else None
    return {
        **_shown(test),
        "token": token,
        "result_message": message,
        "created_at": test.created_at,
    }


def _refuse_second(conn_id: str) -> None:
    """As in Airflow: one test of an ID at a time."""
    states = (ConnectionTestState.PENDING, ConnectionTestState.RUNNING)
    for test in ConnectionTest.objects.filter(conn_id=conn_id, state__in=states):
        if not refreshed(test).is_done:
            words = f"An active connection test already exists for connection_id `{conn_id}`."
            raise Refused(409, words)


def _shown(test: ConnectionTest) -> dict[str, Any]:
    return {"connection_id": test.conn_id, "state": test.state}


def _begun(request: HttpRequest, body: ConnectionBody) -> tuple[ConnectionTest, str]:
    """As in Airflow, what isn't sent is taken from the connection that is stored, if one is.

    Who may only test tests what is stored: a draft of theirs could have the worker
    send stored secrets, or its own identity, to places of their choice.
    """
    connection = Connection.objects.filter(conn_id=body.connection_id).first()
    stored = None if connection is None else draft_of_stored(connection, loaded=connection.load())
    draft = changed_by(body, stored) if stored else unmasked(draft_of(body), stored=None)
    if stored is None or not _is_same(draft, stored):
        demand(request, Right.WRITE_CONNECTIONS)
    return request_test(draft, conn_id=body.connection_id, actor=caller_of(request).actor)


def _is_same(draft: Draft, stored: Draft) -> bool:
    return replace(draft, description=stored.description) == stored
