"""Many connections in one call."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet

from connections.models import Connection
from tests.api.calls import Caller, everything, stored


def loaded(conn_id: str) -> Any:
    return Connection.objects.get(conn_id=conn_id).load()


def ok(*names: str) -> dict[str, Any]:
    return {"success": list(names), "errors": []}


def bad(status: int, words: str) -> dict[str, Any]:
    return {"success": [], "errors": [{"error": words, "status_code": status}]}


def entity(conn_id: str, **fields: Any) -> dict[str, Any]:
    return {"connection_id": conn_id, "conn_type": "postgres", **fields}


def create(*entities: Any, **more: Any) -> dict[str, Any]:
    return {"action": "create", "entities": list(entities), **more}


def update(*entities: Any, **more: Any) -> dict[str, Any]:
    return {"action": "update", "entities": list(entities), **more}


def delete(*entities: Any, **more: Any) -> dict[str, Any]:
    return {"action": "delete", "entities": list(entities), **more}


TAKEN = "The connections with these connection_ids: {'a'} already exist."
MISSING = "The connections with these connection_ids: {'x', 'y'} were not found."


def test_an_act_that_fails_writes_nothing_and_the_others_are_done(admin: Caller) -> None:
    stored("a", password="p")
    answer = admin.bulk(
        create(entity("b"), entity("a")),
        create(entity("c")),
        update(entity("a", host="h"), entity("y"), entity("x")),
        delete("x", "a", "y"),
    )
    assert answer.status_code == 200
    assert answer.json() == {
        "create": {**bad(409, TAKEN), "success": ["c"]},
        "update": bad(404, MISSING),
        "delete": bad(404, MISSING),
    }
    assert sorted(Connection.objects.values_list("conn_id", "host")) == [("a", ""), ("c", "")]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (create(entity("a", host="n"), entity("b"), action_on_existence="skip"), ok("b")),
        (create(entity("a", host="n"), action_on_existence="overwrite"), ok("a")),
        (update(entity("a", host="n"), entity("x"), action_on_non_existence="skip"), ok("a")),
        (delete("x", "a", action_on_non_existence="skip"), ok("a")),
        (delete("a", "a"), ok("a")),
        (delete(entity("a")), ok("a")),
        (create(), ok()),
    ],
)
def test_every_way_with_what_is_there_and_what_is_not(
    admin: Caller, action: dict[str, Any], expected: dict[str, Any]
) -> None:
    stored("a", password="p", login="l")
    answer = admin.bulk(action)
    assert answer.json()[action["action"]] == expected
    assert {key for key, value in answer.json().items() if value} == {action["action"]}


def test_overwriting_replaces_all_but_what_stars_keep(admin: Caller) -> None:
    stored("a", password="p", login="l", extra={"k_token": "t", "b": 1})
    stored("b", password="p", login="l")
    entities = [entity("a", password="***", extra='{"k_token": "***"}'), entity("b")]
    assert admin.bulk(create(*entities, action_on_existence="overwrite")).json()["create"] == ok(
        "a", "b"
    )
    assert (loaded("a").password, loaded("a").login) == ("p", "")
    assert loaded("a").extra == {"k_token": "t"}
    assert (loaded("b").password, loaded("b").login) == ("", "")


def test_stars_that_stand_for_nothing_fail_their_act_alone(admin: Caller) -> None:
    stored("a", password="p")
    before = Connection.objects.get(conn_id="a").version
    answer = admin.bulk(
        create(entity("new", password="***")),
        create(entity("a", host="h"), entity("b", password="***"), action_on_existence="overwrite"),
        delete("a"),
    ).json()
    assert [error["status_code"] for error in answer["create"]["errors"]] == [422, 422]
    assert before == 1
    assert answer["delete"] == ok("a")
    assert not Connection.objects.exists()


def test_the_mask_holds_in_bulk_too(admin: Caller) -> None:
    stored("a", password="p", login="l")
    admin.bulk(update(entity("a", host="h", login="n", password=None), update_mask=["host"]))
    assert (loaded("a").host, loaded("a").login, loaded("a").password) == ("h", "l", "p")


def test_one_id_twice_in_an_act_fails_it(admin: Caller) -> None:
    answer = admin.bulk(create(entity("a"), entity("a"))).json()
    assert answer["create"]["errors"][0]["status_code"] == 409
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    "action",
    [
        {"action": "nonsense", "entities": []},
        {"entities": []},
        {"action": None, "entities": []},
        5,
        {"action": "create"},
        {"action": "create", "entities": [], "x": 1},
        create(entity("a b")),
        create(entity("b", extra="{")),
        create(action_on_existence="nonsense"),
        update(action_on_non_existence="overwrite"),
        delete(1),
    ],
)
def test_a_fault_in_the_shape_of_one_act_refuses_all(admin: Caller, action: Any) -> None:
    before = everything()
    assert admin.bulk(create(entity("fine")), action).status_code == 422
    assert everything() == before


def test_what_nobody_can_be_called_is_only_missing(admin: Caller) -> None:
    words = "The connections with these connection_ids: {'no such'} were not found."
    assert admin.bulk(delete("no such")).json()["delete"] == bad(404, words)


def test_an_unreadable_connection_fails_its_act(admin: Caller, settings: Any) -> None:
    stored("a", password="p")
    settings.FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode()]
    before = everything()
    answer = admin.bulk(update(entity("a", host="h"))).json()
    assert answer["update"]["errors"][0]["status_code"] == 409
    assert everything() == before
