"""Planted secrets of every type stand on no page, in no answer and in no redacted file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from connections.command_line import showing
from connections.models import Connection
from connections.portability import export
from connections.redaction import redacted_extra
from connections.services import secrets_of
from connections.types import TYPES, type_of
from connections.types.base import JSON_KINDS, ConnectionType, LoadedConnection, TypeField
from connections.types.soundness import wrong_declaration
from connections.types.standard import host, login, schema
from tests.api.calls import CONNECTIONS, Caller
from tests.conftest import ACTOR
from tests.connections.types.every_type import EVERY_TYPE

pytestmark = pytest.mark.django_db
#: Stands in every secret, with the name of its place behind it, and nowhere else.
CANARY = re.compile(r"tulip[\w.-]*")
SHAPES = ("object", "text", "list", "broken")


def planted(place: str, shape: str) -> Any:
    """Data that holds a secret below a name that tells it."""
    inside = {"region": "EU", "deep": [{"aws_secret_access_key": f"tulip.{place}.{shape}"}]}
    whole = json.dumps(inside)
    return {"object": inside, "text": whole, "list": [inside, "EU"], "broken": whole[:-1]}[shape]


def extra_of(declared: ConnectionType, shape: str, prefix: str = "") -> dict[str, Any]:
    """A secret in each extra that may hold one; ``prefix`` stands before the declared names."""
    fields = [field for field in declared.fields if not field.column]
    data = {
        prefix + field.name: planted(field.name, shape)
        for field in fields
        if field.kind in JSON_KINDS
    }
    secret = {prefix + field.name: f"tulip.{field.name}" for field in fields if field.secret}
    undeclared = {f"undeclared_{each}": planted("undeclared", each) for each in SHAPES}
    return {**data, **secret, **undeclared, "undeclared_token": "tulip.undeclared_token"}


def store(declared: ConnectionType) -> list[Connection]:
    """Rows as they may lie there from older versions: nothing checks them."""
    holds_data = any(field.kind in JSON_KINDS and not field.column for field in declared.fields)
    columns = {field.column: f"tulip.{field.column}" for field in declared.fields if field.secret}
    columns.pop("", None)
    extras = {shape: extra_of(declared, shape) for shape in (SHAPES if holds_data else ["object"])}
    if declared.legacy_prefix:
        extras["legacy"] = extra_of(declared, "text", declared.legacy_prefix)
    return Connection.objects.bulk_create(
        Connection(
            conn_id=f"of_{shape}",
            conn_type=declared.name,
            extra=json.dumps(extra),
            **{"password": "tulip.password", **columns},
        )
        for shape, extra in extras.items()
    )


def doors(rows: list[Connection], viewer: Caller, admin: Client) -> Iterator[tuple[str, str]]:
    """(door, text) of all that shows a connection."""
    viewer.client.force_login(viewer.user)
    options = {"show_secrets": False, "output": "json"}
    for row in rows:
        pages = {
            "overview": viewer.client.get(f"/connections/{row.conn_id}/overview/"),
            "form": admin.get(f"/connections/{row.conn_id}/edit/"),
            "admin": admin.get(f"/admin/connections/connection/{row.pk}/change/"),
        }
        for door, page in pages.items():
            assert page.status_code == 200, (door, row.conn_id)
            yield f"{door} {row.conn_id}", page.content.decode()
        yield f"get {row.conn_id}", showing.get_connection({**options, "conn_id": row.conn_id})
    yield "list", viewer.client.get("/connections/").content.decode()
    answer = viewer.get(CONNECTIONS)
    assert answer.json()["total_entries"] == len(rows)
    yield "api", answer.content.decode()
    for file_format, form in (("json", "json"), ("env", "uri")):
        done = export(rows, file_format=file_format, serialization=form, redact=True, actor=ACTOR)
        yield f"export {file_format}", done.text


def leaks(declared: ConnectionType, admin: Client) -> dict[str, list[str]]:
    rows = store(declared)
    found = {door: CANARY.findall(text) for door, text in doors(rows, Caller("Viewer"), admin)}
    return {door: canaries for door, canaries in found.items() if canaries}


@pytest.mark.parametrize("name", [*EVERY_TYPE, "nobody_declares_this"])
def test_a_secret_of_a_type_is_shown_nowhere(admin_client: Client, name: str) -> None:
    assert leaks(type_of(name), admin_client) == {}


def test_a_column_that_its_type_declares_secret_is_shown_nowhere(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = (login(secret=True, kind="secret"), schema(secret=True, kind="secret"))
    declared = ConnectionType("flowers", "Flowers", "Other", "", fields)
    monkeypatch.setitem(TYPES._types, "flowers", declared)
    assert leaks(declared, admin_client) == {}


def test_a_column_that_lies_in_clear_cannot_be_declared_secret() -> None:
    declared = ConnectionType("flowers", "Flowers", "Other", "", (host(secret=True),))
    assert wrong_declaration(declared) == (
        "flowers.host: host and port are stored in clear, and hold no secret"
    )


def test_what_is_no_secret_is_shown_also_under_its_legacy_name(admin_client: Client) -> None:
    extra = {
        "extra__google_cloud_platform__key_secret_name": "reports-key",
        "extra__google_cloud_platform__project": "acme-reports",
        "labels": ["green"],
    }
    Connection.objects.create(
        conn_id="g", conn_type="google_cloud_platform", extra=json.dumps(extra)
    )
    text = admin_client.get("/connections/g/overview/").content.decode()
    for shown in ("reports-key", "acme-reports", "green", "extra.labels"):
        assert shown in text
    assert "extra.extra__" not in text


def test_a_secret_that_is_empty_is_not_told_as_set(admin_client: Client) -> None:
    extra = {"keyfile_dict": "", "extra__google_cloud_platform__keyfile_dict": "tulip"}
    Connection.objects.create(
        conn_id="g", conn_type="google_cloud_platform", extra=json.dumps(extra)
    )
    page = admin_client.get("/connections/g/overview/")
    shown = [field for group in page.context["groups"] for field in group.fields]
    assert [(field.name, field.is_secret) for field in shown] == [("keyfile_dict", True)]
    Connection.objects.update(extra='{"keyfile_dict": ""}')
    assert admin_client.get("/connections/g/overview/").context["groups"] == []


def test_data_is_shown_without_what_is_secret_in_it() -> None:
    declared = ConnectionType(
        "flowers",
        "Flowers",
        "Other",
        "",
        (
            TypeField("options", "Options", kind="json"),
            TypeField("words", "Words"),
            TypeField("text", "Text", kind="json_value"),
            TypeField("pin", "PIN", secret=True),
        ),
        legacy_prefix="extra__flowers__",
    )
    extra = {
        "options": {"region": "EU", "password": "p"},
        "extra__flowers__options": '{"token": 7}',
        "text": '{"region": "EU"}',
        "words": {"token": "t"},
        "extra__flowers__words": "a word of a token",
        "extra__flowers__pin": "1234",
    }
    assert redacted_extra(declared, extra) == {
        "options": {"region": "EU", "password": "***"},
        "extra__flowers__options": "***",
        "text": '{"region": "EU"}',
        "words": {"token": "***"},
        "extra__flowers__words": "a word of a token",
        "extra__flowers__pin": "***",
    }


def test_what_pages_hide_is_masked_in_logs_too() -> None:
    """Also an extra named like a column, and a secret under its legacy name."""
    extra = {"host": {"password": "tulip-1-tulip"}, "extra__wasb__account_key": "tulip-2-tulip"}
    for conn_type, secret in (("postgres", "tulip-1-tulip"), ("wasb", "tulip-2-tulip")):
        assert secret in secrets_of(LoadedConnection("c", conn_type, extra=extra))
