"""A connection of each type in the form: what isn't touched stays as it is stored."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from django.test import Client

from connections.forms import ConnectionForm
from connections.masking import secret_texts
from connections.models import Connection
from connections.services import create_connection, draft_of
from connections.types import TYPES
from connections.types.base import LoadedConnection, TypeField
from connections.validation import Draft, check_values
from tests.conftest import ACTOR
from tests.connections.conftest import audit, row_of
from tests.connections.pages import assert_unseen, form_on, send
from tests.connections.types.every_type import EVERY_TYPE, example_of, secrets_in

#: What an import may have put into columns that a type has no use for.
HIDDEN = {
    "host": "hidden.example\nsecond line ",
    "schema": " hidden",
    "login": "hidden-login",
    "password": "tulip hidden",
    "port": 4999,
}
every_type = pytest.mark.parametrize("name", EVERY_TYPE)

pytestmark = pytest.mark.django_db


def url(name: str) -> str:
    return f"/connections/example_{name}/edit/"


def store(draft: Draft) -> None:
    create_connection(draft, actor=ACTOR)


def stored(name: str) -> dict[str, Any]:
    """All of the stored draft. Its extra as text: order, types and emptiness count."""
    row = Connection.objects.get(conn_id=f"example_{name}")
    found = asdict(draft_of(row, loaded=row.load()))
    return {**found, "extra": json.dumps(found["extra"], ensure_ascii=False)}


def hidden_texts(secret: Any) -> set[str]:
    """What is secret in it; of a file or an object, not the names that frame it."""
    is_object = isinstance(secret, str) and secret.startswith("{")
    return secret_texts(json.loads(secret) if is_object else secret)


@every_type
def test_every_field_is_there_no_secret_is_and_sending_it_back_changes_nothing(
    admin_client: Client, name: str
) -> None:
    draft = example_of(name)
    store(draft)
    before, audited = row_of(f"example_{name}"), audit()
    page = admin_client.get(url(name))
    form = page.context["form"]
    shown = {row.declared.name for group in form.groups() for row in group.rows}
    declared = TYPES[name]
    cards = {field.name for field in declared.fields if declared.is_card(field)}
    assert shown == {field.name for field in declared.fields} - cards
    public = admin_client.get(f"/connections/new/?type={name}").content.decode()
    public += str([row.field.value() for group in form.groups() for row in group.rows])
    for secret in secrets_in(draft).values():
        assert_unseen(page, *(text for text in hidden_texts(secret) if text not in public))
    assert_unseen(page, f"tulip {name}")
    assert admin_client.post(url(name), form_on(page)).status_code == 302
    assert row_of(f"example_{name}") == before
    assert audit() == audited


@every_type
def test_editing_one_field_changes_nothing_else(admin_client: Client, name: str) -> None:
    """The description, then an undeclared extra, then a declared text."""
    store(example_of(name))
    before = stored(name)
    form = form_on(admin_client.get(url(name)))
    assert admin_client.post(url(name), {**form, "description": "changed"}).status_code == 302
    assert stored(name) == {**before, "description": "changed"}
    assert audit()[-1] == ("changed", f"example_{name}", {"fields": ["description"]})
    extra = json.loads(form["extra"])
    extra["undeclared"]["on"] = False
    assert send(admin_client, url(name), extra=json.dumps(extra)).status_code == 302
    new_extra = before["extra"].replace('"on": true', '"on": false')
    assert stored(name) == {**before, "description": "changed", "extra": new_extra}
    sent_name, declared = editable_text(name)
    if declared is None:
        return
    assert send(admin_client, url(name), **{sent_name: "changed-too"}).status_code == 302
    now = stored(name)
    if declared.column:
        assert now == {
            **before,
            "description": "changed",
            "extra": new_extra,
            declared.column: "changed-too",
        }
    else:
        values = {**json.loads(new_extra), declared.name: "changed-too"}
        expected = json.dumps(values, ensure_ascii=False)
        assert now == {**before, "description": "changed", "extra": expected}


def editable_text(name: str) -> tuple[str, TypeField | None]:
    """A field that takes any text, and its name in the form; some types have none."""
    form = ConnectionForm(TYPES[name], stored=example_loaded(name))
    for group in form.groups():
        for row in group.rows:
            field = row.declared
            is_free = field.kind == "text" and not field.secret and not field.choices
            changed = {**form.values, field.name: "changed-too"}
            if is_free and row.is_held and not check_values(TYPES[name], changed):
                return row.field.name, field
    return "", None


def example_loaded(name: str) -> LoadedConnection:
    return Connection.objects.get(conn_id=f"example_{name}").load()


@every_type
def test_what_is_stored_in_other_shapes_stays_as_it_is(admin_client: Client, name: str) -> None:
    """Empty texts, ``None``, texts of numbers and booleans, and columns that the type hides."""
    draft = example_of(name)
    odd = {
        key: _as_text(value) if isinstance(value, bool | int | float) else value
        for key, value in draft.extra.items()
    }
    declared = TYPES[name]
    unset = [field.name for field in declared.fields if not field.column and field.name not in odd]
    odd |= {key: ("", None)[place % 2] for place, key in enumerate(unset)}
    store(Draft(**{**asdict(draft), "extra": draft.extra}))
    columns = {field.column for field in declared.fields}
    hidden = {key: value for key, value in HIDDEN.items() if key not in columns}
    rows = Connection.objects.filter(conn_id=draft.conn_id)
    rows.update(extra=json.dumps(odd), **hidden)
    before = row_of(draft.conn_id)
    page = admin_client.get(url(name))
    assert_unseen(page, "tulip hidden")
    assert send(admin_client, url(name)).status_code == 302
    assert row_of(draft.conn_id) == before


def _as_text(value: Any) -> str:
    return json.dumps(value)


@every_type
def test_a_new_form_opens_with_nothing_in_it(admin_client: Client, name: str) -> None:
    page = admin_client.get(f"/connections/new/?type={name}")
    assert page.status_code == 200
    own = {"conn_type": name, "method": page.context["form"].initial["method"]}
    filled = {key: value for key, value in form_on(page).items() if value}
    del filled["csrfmiddlewaretoken"]
    assert filled == {key: value for key, value in own.items() if value}
