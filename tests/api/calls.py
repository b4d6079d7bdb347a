"""Calls the API as a program does: with a token, and JSON."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from access.audit import Actor
from access.models import AuditEvent
from access.tokens import create_token, password_token
from connections.models import Connection
from connections.services import create_connection
from connections.validation import Draft
from tests.roles import user_of

CONNECTIONS = "/api/v2/connections"
OWN = "/api/patchbay/v1"
BY = Actor("tester")


class Caller:
    """A program of a user of ``role``, with a password token or one with ``scopes``."""

    def __init__(self, role: str = "Admin", *, scopes: tuple[str, ...] = ()) -> None:
        self.user = user_of(role, f"a-{role.lower() or 'nobody'}")
        self.token = password_token(self.user)
        if scopes:
            _, self.token = create_token(
                self.user, name="t", scopes=scopes, expires_at=None, actor=BY
            )
        self.client = Client()

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """``query`` and ``headers`` as Django's test client takes them."""
        return self.client.generic(
            method,
            path,
            body if isinstance(body, bytes | str) else "" if body is None else json.dumps(body),
            "application/json",
            headers={"Authorization": f"Bearer {self.token}", **more.pop("headers", {})},
            query_params=more.pop("query", None) or None,
        )

    def get(self, path: str, **query: Any) -> Any:
        return self("GET", path, query=query)

    def post(self, path: str, body: Any = None) -> Any:
        return self("POST", path, body)

    def patch(self, path: str, body: Any, **query: Any) -> Any:
        return self("PATCH", path, body, query=query)

    def delete(self, path: str) -> Any:
        return self("DELETE", path)

    def bulk(self, *actions: dict[str, Any]) -> Any:
        return self("PATCH", CONNECTIONS, {"actions": list(actions)})


def stored(conn_id: str = "pg", conn_type: str = "postgres", **fields: Any) -> Connection:
    """A connection that is there already."""
    return create_connection(Draft(conn_id, conn_type, **fields), actor=BY)


def everything() -> Any:
    """All rows with their ciphertexts, and all that is audited: equal if nothing changed."""
    rows = [tuple(row.items()) for row in Connection.objects.order_by("conn_id").values()]
    return rows, list(AuditEvent.objects.order_by("pk").values_list("action", "object_id"))


def faults(answer: Any) -> list[tuple[str, list[Any]]]:
    """The kinds and places of what is wrong."""
    assert answer.status_code == 422, answer.content
    return [(fault["type"], fault["loc"]) for fault in answer.json()["detail"]]
