"""Lists and single connections, in Airflow's shape and without a secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connections.fields import Ciphertext
from tests.api.calls import CONNECTIONS, Caller, stored

KEYS = [
    "connection_id",
    "conn_type",
    "description",
    "host",
    "login",
    "schema",
    "port",
    "password",
    "extra",
    "team_name",
]


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [each["connection_id"] for each in answer.json()["connections"]]


@pytest.fixture
def some(db: None) -> None:
    """Four connections, made in this order."""
    stored("zeta", "http", host="b.example.com", port=80)
    stored("aws_default", "aws", description="the usual")
    stored("awsXdefault", "aws", host="a.example.com")
    stored("MySQL_1", "mysql", host="c.example.com", port=3306)


def test_an_object_has_all_of_airflows_keys_in_their_order(admin: Caller) -> None:
    stored("empty", "postgres")
    answer = admin.get(f"{CONNECTIONS}/empty")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert list(answer.json()) == KEYS
    others = dict.fromkeys(KEYS) | {"connection_id": "empty", "conn_type": "postgres"}
    assert answer.json() == others


def test_secrets_are_stars_by_declaration_first_and_then_by_name(admin: Caller) -> None:
    extra = {
        "project": "acme-reports",
        "client_secret": "s1",
        "credential_config_file": "/etc/w.json",
        "idp_issuer_url": "https://idp.example.com/token",
        "my_token": "s2",
        "nested": {"api_key": "s3", "plain": 1, "list": [{"password": "s4"}]},
    }
    stored("gcp", "google_cloud_platform", password="s5", extra=extra)
    found = admin.get(f"{CONNECTIONS}/gcp").json()
    assert found["password"] == "***"
    assert isinstance(found["extra"], str)
    assert json.loads(found["extra"]) == {
        **extra,
        "client_secret": "***",
        "my_token": "***",
        "nested": {"api_key": "***", "plain": 1, "list": [{"password": "***"}]},
    }
    assert list(json.loads(found["extra"])) == list(extra)


def test_what_is_not_there_is_404_in_airflows_words(admin: Caller) -> None:
    answer = admin.get(f"{CONNECTIONS}/nope")
    assert answer.status_code == 404
    assert answer.json() == {"detail": "The Connection with connection_id: `nope` was not found"}


@pytest.mark.parametrize("conn_id", ["test", "defaults"])
def test_a_connection_may_be_called_like_a_call(admin: Caller, conn_id: str) -> None:
    stored(conn_id)
    assert admin.get(f"{CONNECTIONS}/{conn_id}").json()["connection_id"] == conn_id
    assert admin.delete(f"{CONNECTIONS}/{conn_id}").status_code == 204


@pytest.mark.usefixtures("some")
def test_a_list_is_ordered_by_age_and_counts_all(admin: Caller) -> None:
    answer = admin.get(CONNECTIONS, limit=2, offset=1)
    assert ids(answer) == ["aws_default", "awsXdefault"]
    assert answer.json()["total_entries"] == 4
    assert list(answer.json()) == ["connections", "total_entries"]


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        (["connection_id"], {"aws_default", "awsXdefault", "MySQL_1"}),
        (["-conn_id"], {"zeta"}),
        (["conn_type", "-id"], {"awsXdefault"}),
        (["-host"], {"MySQL_1"}),
        (["port", "host"], {"zeta", "aws_default"}),
        (["-conn_type"], {"MySQL_1"}),
        (["team_name"], {"zeta"}),
        (["-team_name"], {"MySQL_1"}),
    ],
)
def test_a_list_may_be_ordered_by_several_columns(
    admin: Caller, order_by: list[str], expected: set[str]
) -> None:
    assert ids(admin.get(CONNECTIONS, order_by=order_by, limit=1))[0] in expected


@pytest.mark.parametrize("name", ["password", "login", "extra", "schema", "", "-", "conn_id; x"])
def test_other_orders_are_refused(admin: Caller, name: str) -> None:
    answer = admin.get(CONNECTIONS, order_by=name)
    assert answer.status_code == 400
    words = "is disallowed or the attribute does not exist on the model"
    assert answer.json() == {"detail": f"Ordering with '{name.lstrip('-')}' {words}"}


def test_no_more_than_ten_orders_are_taken(admin: Caller) -> None:
    assert admin.get(CONNECTIONS, order_by=["id"] * 11).status_code == 400


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("aws", ["aws_default", "awsXdefault"]),
        ("AWS", ["aws_default", "awsXdefault"]),
        ("s_d", ["aws_default", "awsXdefault"]),
        ("a%t", ["aws_default", "awsXdefault"]),
        ("aws|mysql", ["aws_default", "awsXdefault", "MySQL_1"]),
        ("aws | mysql", ["aws_default", "awsXdefault", "MySQL_1"]),
        ("~", ["zeta", "aws_default", "awsXdefault", "MySQL_1"]),
        ("", ["zeta", "aws_default", "awsXdefault", "MySQL_1"]),
        ("%", ["zeta", "aws_default", "awsXdefault", "MySQL_1"]),
        ("~|aws", ["aws_default", "awsXdefault"]),
        ("aws|", ["aws_default", "awsXdefault"]),
        ("|", []),
        (" aws ", []),
        ("\\_", []),
        ("'", []),
        ("\0", []),
    ],
)
def test_patterns_mean_what_they_mean_in_airflow(
    admin: Caller, pattern: str, expected: list[str]
) -> None:
    answer = admin.get(CONNECTIONS, connection_id_pattern=pattern)
    assert ids(answer) == expected
    assert answer.json()["total_entries"] == len(expected)


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("aws", 2), ("AWS", 0), ("~", 4), ("aws|My", 3), ("%", 4), ("default", 0), ("aws_", 1)],
)
def test_a_prefix_is_taken_literally_and_in_its_case(
    admin: Caller, pattern: str, expected: int
) -> None:
    answer = admin.get(CONNECTIONS, connection_id_prefix_pattern=pattern)
    assert answer.json()["total_entries"] == expected


@pytest.mark.parametrize(("name", "value"), [("limit", -1), ("offset", -1), ("limit", "x")])
def test_a_page_that_can_not_be_is_refused_at_its_parameter(
    admin: Caller, name: str, value: Any
) -> None:
    fault = admin.get(CONNECTIONS, **{name: value}).json()["detail"][0]
    assert fault["loc"] == ["query", name]
    assert fault["input"] == str(value)


def test_a_page_holds_at_most_100_whatever_is_asked_for(admin: Caller) -> None:
    for number in range(101):
        stored(f"c{number:03}", "http")
    assert len(ids(admin.get(CONNECTIONS))) == 50
    assert len(ids(admin.get(CONNECTIONS, limit=1000))) == 100
    assert ids(admin.get(CONNECTIONS, limit=0)) == []
    assert ids(admin.get(CONNECTIONS, offset=10**20)) == []
    assert ids(admin.get(CONNECTIONS, limit=1000, offset=100)) == ["c100"]


def test_a_list_takes_as_many_queries_for_100_as_for_one(admin: Caller) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            database,
        ) as found:
            assert admin.get(CONNECTIONS, limit=100).status_code == 200
        return len(found)

    stored("first", password="p", extra={"a": 1})
    few = queries()
    for number in range(40):
        stored(f"c{number}", password="p", extra={"a": 1})
    assert queries() == few


def test_a_list_decrypts_no_password_and_no_row_of_another_page(
    admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        stored(f"c{number}", login="l", password="p", extra={"a": 1})
    seen: list[Ciphertext] = []
    decrypt = Ciphertext.decrypt

    def counted(token: Ciphertext) -> str:
        seen.append(token)
        return decrypt(token)

    monkeypatch.setattr(Ciphertext, "decrypt", counted)
    assert len(ids(admin.get(CONNECTIONS, limit=2))) == 2
    assert len(seen) == 2 * 2


@pytest.fixture
def lose_keys(settings: Any) -> Callable[[], None]:
    def lose() -> None:
        settings.FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode()]

    return lose


def test_a_connection_that_can_not_be_read_does_not_hide_the_others(
    admin: Caller, lose_keys: Callable[[], None]
) -> None:
    stored("locked", host="h.example.com", login="l", password="p", extra={"a": 1})
    lose_keys()
    stored("open", password="p", extra={"a": 1})
    answer = admin.get(CONNECTIONS)
    assert ids(answer) == ["locked", "open"]
    locked, other = answer.json()["connections"]
    assert list(locked) == KEYS
    assert (locked["host"], locked["password"]) == ("h.example.com", "***")
    assert (locked["login"], locked["extra"]) == (None, None)
    assert other["extra"] == '{"a": 1}'
    assert answer["Patchbay-Unreadable"] == "locked"
    assert admin.get(f"{CONNECTIONS}/locked")["Patchbay-Unreadable"] == "locked"
    assert "Patchbay-Unreadable" not in admin.get(f"{CONNECTIONS}/open")
