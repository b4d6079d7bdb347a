"""The JSON form of one connection."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connections.types.base import LoadedConnection
from connections.uri import NotAConnection, parse, parse_json, to_json

SECRET = "tulip-7"


def test_every_key_of_the_json_form_is_read() -> None:
    data = {
        "conn_type": "postgres",
        "description": "Reports",
        "host": "DB.example.com",
        "login": "u",
        "password": "5",
        "schema": "s",
        "port": "5432",
        "extra": '{"sslmode": "require", "n": 5}',
    }
    read = parse(json.dumps(data), conn_id="c")
    assert read == LoadedConnection(
        "c",
        "postgres",
        description="Reports",
        host="DB.example.com",
        login="u",
        password="5",
        schema="s",
        port=5432,
        extra={"sslmode": "require", "n": 5},
    )
    assert to_json(read) == {**data, "port": 5432, "extra": {"sslmode": "require", "n": 5}}


@pytest.mark.parametrize("empty", [None, ""])
def test_null_and_empty_are_the_same_as_absent(empty: Any) -> None:
    names = ("description", "host", "login", "password", "schema", "port", "extra", "uri")
    data = {"conn_type": "http", **dict.fromkeys(names, empty)}
    assert parse_json(data) == LoadedConnection("", "http")
    assert to_json(parse_json(data)) == {"conn_type": "http"}


def test_the_type_is_normalized_as_in_a_variable_but_kept_in_a_file() -> None:
    for written, read in (("postgresql", "postgres"), ("my-own-type", "my_own_type")):
        assert parse_json({"conn_type": written}).conn_type == read
        assert parse_json({"conn_type": written}, keep_type=True).conn_type == written


def test_a_uri_may_stand_for_all_but_the_description() -> None:
    read = parse_json({"uri": "http://u:p@h", "description": "API"})
    assert (read.conn_type, read.host, read.password, read.description) == (
        "http",
        "h",
        "p",
        "API",
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{", "not JSON: Expecting property name"),
        ("{}", "conn_type is missing"),
        ('{"conn_type": ""}', "conn_type is missing"),
        ({"conn_type": "http", "pasword": SECRET}, "pasword is no part"),
        ({"conn_type": "http", f"{SECRET}!": 1}, "A key in it is no part"),
        ({"conn_type": "http", "conn_id": "c"}, "conn_id is no part"),
        ({"conn_type": "http", "password": 5}, "password is not a text"),
        ({"conn_type": ["http"]}, "conn_type is not a text"),
        ({"conn_type": "http", "port": SECRET}, "port is not a whole number"),
        ({"conn_type": "http", "port": True}, "port is not a whole number"),
        ({"conn_type": "http", "port": 1.5}, "port is not a whole number"),
        ({"conn_type": "http", "port": -1}, "port is not a whole number"),
        ({"conn_type": "http", "port": "٥"}, "port is not a whole number"),
        ({"conn_type": "http", "extra": SECRET}, "extra is not JSON"),
        ({"conn_type": "http", "extra": "[]"}, "extra is not a JSON object"),
        ({"conn_type": "http", "extra": [SECRET]}, "extra is not a JSON object"),
        ({"conn_type": "http", "extra": {"a": float("nan")}}, "JSON doesn't have"),
        ({"conn_type": "http", "extra": {"a": {SECRET}}}, "JSON doesn't have"),
        ({"conn_type": "http", "password": f"{SECRET}\0"}, "password can't be stored"),
        ({"conn_type": "http", "extra": {"a": f"{SECRET}\ud800"}}, "surrogate"),
        ({"uri": f"http://{SECRET}", "host": "h"}, "uri and host"),
        ({"uri": f"{SECRET}"}, "begins with its type"),
        (f'{{"conn_type": "http", "{SECRET}": 1, "{SECRET}": 2}}', "twice"),
        (f'{{"conn_type": "http", "password": "{SECRET}}}', "not JSON"),
    ],
    ids=str,
)
def test_what_is_no_connection_is_refused_in_words_that_repeat_no_value(
    data: Any, words: str
) -> None:
    with pytest.raises(NotAConnection) as error:
        parse_json(data)
    assert words in str(error.value)
    assert SECRET not in str(error.value)
