"""What may be stored for a field of each kind, how it is read, and that it stays as it came."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from access.audit import Actor
from connections.exceptions import InvalidConnection
from connections.models import Connection
from connections.services import create_connection
from connections.types import TYPES
from connections.types.base import ConnectionType, Method, TypeField
from connections.types.values import WrongKind, read, truth
from connections.validation import Draft, check, check_values, values_of
from tests.connections.conftest import key_file

YES: tuple[Any, ...] = (True, "true", "True", "TRUE", "yes", "on", "1", 1)
NO: tuple[Any, ...] = (False, "false", "False", "no", "off", "0", 0)


def of(*fields: TypeField, **more: Any) -> ConnectionType:
    return ConnectionType("x", "X", "Other", "", fields, **more)


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (
            "text",
            [("a", "a"), (5, "5"), (0.5, "0.5"), (True, "true"), (["a", "b", 1], "a,b,1")],
            [{"a": 1}, [["a"]], [{}]],
        ),
        ("lines", [("a\nb", "a\nb")], [{}]),
        ("secret", [("a", "a"), (12345, "12345"), ({"a": 1}, '{"a": 1}'), ([1], "[1]")], []),
        ("pem", [("-----BEGIN", "-----BEGIN"), ({"a": 1}, '{"a": 1}')], []),
        (
            "integer",
            [(5, 5), ("5", 5), (" 5 ", 5), ("-5", -5), ("+5", 5), ("007", 7), (0, 0)],
            ["5.0", 5.0, "five", "1e3", "1_000", "٣", "9" * 19, True, [5], {}],
        ),
        (
            "number",
            [(5, 5), (0.5, 0.5), ("0.5", 0.5), ("5", 5.0), ("1e3", 1000.0), (".5", 0.5)],
            ["nan", "inf", "1e999", "1_0", "half", "0x1", True, [0.5], float("nan"), float("inf")],
        ),
        (
            "boolean",
            [
                *((each, True) for each in YES),
                *((each, False) for each in NO),
            ],
            ["perhaps", 2, 0.0, [], {}],
        ),
        ("json", [({"a": 1}, {"a": 1}), ('{"a": 1}', {"a": 1}), ({}, {})], ["[]", [1], "oops", 5]),
        ("json_value", [([1], [1]), ("[1]", [1]), ({"a": 1}, {"a": 1})], ["oops", "5", 5, True]),
        ("key_json", [("{", "{"), ({"a": 1}, {"a": 1})], [5, [1], True]),
    ],
)
def test_a_kind_takes_what_airflow_stores_for_it_and_nothing_else(
    kind: str, right: list[tuple[Any, Any]], wrong: list[Any]
) -> None:
    for stored, found in right:
        answer = read(kind, stored)
        assert (answer, type(answer)) == (found, type(found)), stored
    for stored in wrong:
        with pytest.raises(WrongKind) as error:
            read(kind, stored)
        assert repr(stored) not in str(error.value)


def test_a_value_that_is_no_boolean_is_neither() -> None:
    neither: tuple[Any, ...] = (None, "", "maybe", 2, [], 1.0)
    assert {truth(value) for value in neither} == {None}


@pytest.mark.parametrize(
    "extra",
    [
        {"num_retries": "5", "connect_timeout": "2.5", "is_anonymous": "true"},
        {"keyfile_dict": key_file(), "is_anonymous": False, "scope": None},
        {"impersonation_chain": ["a@p.iam.gserviceaccount.com", "b@p.iam.gserviceaccount.com"]},
        {"idp_extra_parameters": None, "project": None, "unheard_of": None, "null": {"a": None}},
    ],
)
def test_what_is_stored_stays_as_it_came(extra: dict[str, Any], db: None) -> None:
    create_connection(Draft("c", "google_cloud_platform", extra=extra), actor=Actor("ann"))
    kept = Connection.objects.get().load().extra
    assert repr(kept) == repr(extra)


def test_a_check_gets_the_value_as_it_is_read() -> None:
    seen: list[Any] = []

    def keep(value: Any) -> str:
        seen.append(value)
        return ""

    fields = (
        TypeField("n", "N", kind="integer", check=keep),
        TypeField("b", "B", kind="boolean", check=keep),
        TypeField("j", "J", kind="json", check=keep),
        TypeField("empty", "Empty", check=keep),
    )
    assert check_values(of(*fields), {"n": "5", "b": "no", "j": "{}", "empty": ""}) == {}
    assert seen == [5, False, {}]


def test_all_values_together_are_looked_at_without_the_wrong_ones() -> None:
    seen: list[dict[str, Any]] = []

    def look(values: dict[str, Any]) -> dict[str, str]:
        seen.append(values)
        return {"a": "Not beside b.", "n": "Lost: the field's own words count."}

    fields = (TypeField("a", "A"), TypeField("n", "N", kind="integer"), TypeField("b", "B"))
    errors = check_values(of(*fields, check=look), {"a": "1", "n": "many"})
    assert errors == {"a": "Not beside b.", "n": "A whole number."}
    assert seen == [{"a": "1", "n": None, "b": None}]


def test_choices_are_enforced_in_any_case_unless_they_are_open() -> None:
    closed = TypeField("mode", "Mode", choices=("require", "verify-full"))
    assert check_values(of(closed), {"mode": "Require"}) == {}
    assert check_values(of(closed), {"mode": ""}) == {}
    assert check_values(of(closed), {"mode": "never"}) == {"mode": "One of: require, verify-full."}
    assert check_values(of(replace(closed, is_open=True)), {"mode": "never"}) == {}
    for declared in TYPES.values():
        if declared.origin == "catalogue":
            assert all(field.is_open for field in declared.fields if field.choices)


# Booleans, plain and as the card of a method


VERIFY = TypeField("verify", "Verify", kind="boolean", required=True)
CARD = TypeField("is_anonymous", "Anonymous", kind="boolean", methods=("anonymous",))
BESIDE = TypeField("use_tls", "TLS", kind="boolean", methods=("password",))
PASSWORD = TypeField("secret", "Secret", kind="secret", secret=True, methods=("password",))
CARDS = of(
    VERIFY,
    CARD,
    BESIDE,
    PASSWORD,
    methods=(
        Method("anonymous", "Anonymous", needs=("is_anonymous",)),
        Method("password", "Password", needs=("secret",)),
    ),
)


def test_a_plain_boolean_is_stored_when_it_is_false_and_a_card_is_not() -> None:
    values = {"verify": False, "is_anonymous": False, "use_tls": False}
    assert Draft("c", "x").with_values(CARDS, values).extra == {"verify": False, "use_tls": False}
    assert Draft("c", "x", extra={"is_anonymous": False}).with_values(CARDS, values).extra == {
        "is_anonymous": False,
        "verify": False,
        "use_tls": False,
    }
    assert check_values(CARDS, {"secret": "s", **values}) == {}
    assert check_values(CARDS, {"secret": "s"}) == {"verify": "This is needed."}


@pytest.mark.parametrize(
    ("value", "method"),
    [(True, "anonymous"), ("True", "anonymous"), ("false", "password"), (0, "password")],
)
def test_a_card_that_is_kept_as_text_chooses_its_method(value: Any, method: str) -> None:
    assert CARDS.method_of({"is_anonymous": value, "secret": "s"}) == method


def test_a_boolean_of_another_method_is_in_the_way_only_when_it_is_true() -> None:
    values = {"verify": True, "is_anonymous": True}
    for off in (False, "false", "", None):
        assert check_values(CARDS, {**values, "use_tls": off}) == {}
    assert list(check_values(CARDS, {**values, "use_tls": "true"})) == ["use_tls"]


# Names of old versions of Airflow


PREFIX = "extra__google_cloud_platform__"
GOOGLE = TYPES["google_cloud_platform"]


def test_values_under_old_names_are_the_fields_values_and_stay_where_they_are() -> None:
    extra = {f"{PREFIX}project": "acme-reports", f"{PREFIX}num_retries": "3", "a": 1}
    draft = Draft("c", GOOGLE.name, extra=extra)
    values = values_of(draft, GOOGLE)
    assert (values["project"], values["num_retries"]) == ("acme-reports", "3")
    assert draft.with_values(GOOGLE, values).extra == extra


def test_another_value_goes_by_its_new_name_and_the_old_one_goes() -> None:
    extra = {f"{PREFIX}project": "acme-reports", f"{PREFIX}num_retries": 1, "a": 1}
    draft = Draft("c", GOOGLE.name, extra=extra)
    values = {**values_of(draft, GOOGLE), "project": "acme-billing"}
    changed = draft.with_values(GOOGLE, values)
    assert changed.extra == {f"{PREFIX}num_retries": 1, "a": 1, "project": "acme-billing"}
    cleared = draft.with_values(GOOGLE, {**values, "project": None, "num_retries": True})
    assert cleared.extra == {"a": 1, "num_retries": True}


def test_an_extra_is_found_by_its_old_name_and_a_column_is_no_extra() -> None:
    project = GOOGLE.field("project")
    assert GOOGLE.field_of_extra("project") is project
    assert GOOGLE.field_of_extra(f"{PREFIX}project") is project
    assert GOOGLE.field_of_extra(f"{PREFIX}nothing") is None
    salesforce = TYPES["salesforce"]
    assert salesforce.field("login")
    assert salesforce.field_of_extra("login") is None
    assert salesforce.read({"extra__salesforce__login": "x"}) == {"extra__salesforce__login": "x"}


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"a": [float("nan")]}, "a number in it isn't finite"),
        ({"a": {"b": float("-inf")}}, "a number in it isn't finite"),
        ({"a": date(2026, 11, 22)}, "it holds something that JSON doesn't have"),
        ({"a": {1, 2}}, "it holds something that JSON doesn't have"),
        ({"a": b"tulip"}, "it holds something that JSON doesn't have"),
    ],
)
def test_what_is_no_json_is_refused(extra: dict[str, Any], words: str, db: None) -> None:
    for conn_type in ("salesforce", "nobody_declares_this"):
        with pytest.raises(InvalidConnection) as error:
            create_connection(Draft("c", conn_type, extra=extra), actor=Actor("ann"))
        assert error.value.errors == {"extra": f"This can't be stored: {words}."}
    assert not Connection.objects.exists()


def test_an_error_stands_at_the_field_and_else_at_what_holds_it() -> None:
    wrong = Draft("c", "salesforce", host="a\0", extra={"version": "\0", "other": "\0"})
    with pytest.raises(InvalidConnection) as error:
        check(wrong)
    assert set(error.value.errors) == {"host", "version", "extra"}
