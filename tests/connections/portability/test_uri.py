"""The URI form. The vectors are the answers of Airflow 3.3.2, core and task SDK."""

from __future__ import annotations

from typing import Any

import pytest

from connections.types.base import LoadedConnection
from connections.uri import NotAConnection, parse, parse_uri, survives_uri, to_uri

SECRET = "tulip-7"


def connection(**fields: Any) -> LoadedConnection:
    return LoadedConnection("c", fields.pop("conn_type"), **fields)


WRITTEN = [
    (
        {
            "conn_type": "postgres",
            "host": "db.example.com",
            "login": "u",
            "password": "p",
            "schema": "s",
            "port": 5432,
        },
        "postgres://u:p@db.example.com:5432/s",
    ),
    ({"conn_type": "google_cloud_platform"}, "google-cloud-platform://"),
    (
        {"conn_type": "http", "host": "https://api.example.com", "port": 443},
        "http://https://api.example.com:443",
    ),
    ({"conn_type": "http", "host": "http://h"}, "http://http%3A%2F%2Fh"),
    (
        {"conn_type": "http", "host": "http://h/Path?a=b"},
        "http://http%3A%2F%2Fh%2FPath%3Fa%3Db",
    ),
    ({"conn_type": "spark", "host": "k8s://h", "port": 443}, "spark://k8s://h:443"),
    ({"conn_type": "redis", "port": 6379}, "redis://@:6379"),
    ({"conn_type": "redis", "password": "p"}, "redis://:p@"),
    ({"conn_type": "redis", "login": "u"}, "redis://u@"),
    (
        {
            "conn_type": "mysql",
            "host": "h",
            "login": "a:b",
            "password": "p@/?#%",
            "schema": "a/b c",
        },
        "mysql://a%3Ab:p%40%2F%3F%23%25@h/a%2Fb%20c",
    ),
    (
        {
            "conn_type": "aws",
            "extra": {"region_name": "eu-west-1", "role_arn": "arn:aws:iam::1:r/x"},
        },
        "aws:///?region_name=eu-west-1&role_arn=arn%3Aaws%3Aiam%3A%3A1%3Ar%2Fx",
    ),
    ({"conn_type": "aws", "extra": {"a": "x y", "b": ""}, "schema": "s"}, "aws:///s?a=x+y&b="),
    ({"conn_type": "aws", "extra": {"n": 5}}, "aws:///?__extra__=%7B%22n%22%3A+5%7D"),
    (
        {"conn_type": "aws", "extra": {"a": {"b": [1, None]}}},
        "aws:///?__extra__=%7B%22a%22%3A+%7B%22b%22%3A+%5B1%2C+null%5D%7D%7D",
    ),
    ({"conn_type": "postgres", "host": "::1", "port": 5432}, "postgres://%3A%3A1:5432"),
]


@pytest.mark.parametrize(("fields", "uri"), WRITTEN, ids=[uri for _, uri in WRITTEN])
def test_a_connection_is_written_and_read_as_airflow_does(fields: dict[str, Any], uri: str) -> None:
    assert to_uri(connection(**fields)) == uri
    assert parse_uri(uri, conn_id="c") == connection(**fields)


READ = [
    ("postgres://", {"conn_type": "postgres"}),
    (
        "postgresql://u:p@h:5432/db",
        {
            "conn_type": "postgres",
            "host": "h",
            "schema": "db",
            "login": "u",
            "password": "p",
            "port": 5432,
        },
    ),
    ("HTTP://Host", {"conn_type": "http", "host": "host"}),
    (
        "http://https://h:443/s",
        {"conn_type": "http", "host": "https://h", "schema": "s", "port": 443},
    ),
    (
        "postgres://[::1]:5432/db",
        {"conn_type": "postgres", "host": "::1", "schema": "db", "port": 5432},
    ),
    (
        "postgres://User%20Name:p%40ss@DB.Example.com/My%2Fdb",
        {
            "conn_type": "postgres",
            "host": "db.example.com",
            "schema": "My/db",
            "login": "User Name",
            "password": "p@ss",
        },
    ),
    (
        "http://h/?a=1&b=true&c=x",
        {"conn_type": "http", "host": "h", "extra": {"a": "1", "b": "true", "c": "x"}},
    ),
    ("http://h?a=b", {"conn_type": "http", "host": "h", "extra": {"a": "b"}}),
    ("http://h//x", {"conn_type": "http", "host": "h", "schema": "/x"}),
    ("redis://:pw@h", {"conn_type": "redis", "host": "h", "password": "pw"}),
    ("redis://u:@h", {"conn_type": "redis", "host": "h", "login": "u"}),
    ("s3://%55pper", {"conn_type": "s3", "host": "Upper"}),
    ("http://HTTPS%3A%2F%2FHost", {"conn_type": "http", "host": "HTTPS://Host"}),
    ("aws://?__extra__=%7B%22n%22%3A+5%7D", {"conn_type": "aws", "extra": {"n": 5}}),
    ("aws://?__extra__=", {"conn_type": "aws"}),
    ("aws://?a=&b", {"conn_type": "aws", "extra": {"a": "", "b": ""}}),
    ("mysql://h/a/b/c", {"conn_type": "mysql", "host": "h", "schema": "a/b/c"}),
    ("my-own-type://h:0", {"conn_type": "my_own_type", "host": "h", "port": 0}),
    ("sqlite:///path/to/file.db", {"conn_type": "sqlite", "schema": "path/to/file.db"}),
    (
        "mysql://h/?charset=utf8&x=%2B+",
        {"conn_type": "mysql", "host": "h", "extra": {"charset": "utf8", "x": "+ "}},
    ),
    ("http://a%2Fb", {"conn_type": "http", "host": "a/b"}),
    ("\n http://h\r\n", {"conn_type": "http", "host": "h"}),
]


@pytest.mark.parametrize(("uri", "fields"), READ, ids=[uri.strip() for uri, _ in READ])
def test_a_uri_is_read_as_airflow_reads_it(uri: str, fields: dict[str, Any]) -> None:
    assert parse_uri(uri, conn_id="c") == connection(**fields)
    assert parse(uri, conn_id="c") == connection(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"conn_type": "postgres", "host": "DB.Example.com"},
        {"conn_type": "postgres", "host": "Ärger.Example.com"},
        {"conn_type": "http", "host": "https://Host.example.com"},
        {"conn_type": "http", "host": "HTTPS://Host"},
        {"conn_type": "http", "host": "://h"},
        {"conn_type": "http", "host": "https://"},
        {"conn_type": "a", "host": "data://h"},
        {"conn_type": "aws", "extra": {"n": "5", "t": "true", "q": '"x"', "z": "NaN"}},
        {"conn_type": "aws", "extra": {"deep": "[" * 5000}},
        {"conn_type": "aws", "extra": {"__extra__": "x"}},
        {"conn_type": "aws", "login": "line\nbreak\t", "password": "日本 😀\x7f\u2028"},
    ],
    ids=lambda fields: str(fields)[:50],
)
def test_what_airflows_own_uri_would_lose_survives_in_ours(fields: dict[str, Any]) -> None:
    """A real Airflow reads each of these URIs as it was, core and SDK alike."""
    assert survives_uri(connection(**fields))
    assert parse_uri(to_uri(connection(**fields)), conn_id="c") == connection(**fields)


def test_a_text_that_looks_like_json_is_kept_from_airflows_eager_reading() -> None:
    assert "__extra__" in to_uri(connection(conn_type="aws", extra={"n": "5"}))
    assert "__extra__" not in to_uri(connection(conn_type="aws", extra={"n": "five"}))


@pytest.mark.parametrize(
    "fields",
    [
        {"conn_type": "http", "description": "said"},
        {"conn_type": "my-type"},
        {"conn_type": "My_Type"},
        {"conn_type": "postgresql"},
        {"conn_type": "5g"},
        {"conn_type": "ünknown"},
    ],
    ids=lambda fields: fields["conn_type"],
)
def test_what_no_uri_can_carry_is_known(fields: dict[str, Any]) -> None:
    assert not survives_uri(connection(**fields))


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("", "nothing in it"),
        ("postgres", "begins with its type"),
        (f"{SECRET}", "begins with its type"),
        (f"google_cloud_platform://u:{SECRET}@h", "- stands for _"),
        (f"postgres://u:{SECRET}/x@h", "port"),
        (f"postgres://u:p{SECRET}#x@h", "%23"),
        (f"postgres://u:p@h:{SECRET}", "port"),
        ("postgres://u:p@h:99999", "port"),
        (f"postgres://u:{SECRET}%FF@h", "UTF-8"),
        (f"postgres://u:{SECRET}\n@h", "line break"),
        (f"postgres://u:{SECRET}%00@h", "password can't be stored"),
        (f"postgres://[{SECRET}", "host"),
        (f"http://https://a://{SECRET}", "%3A%2F%2F"),
        (f"http://u:{SECRET}@https://h", "%3A%2F%2F"),
        (f"http://http://{SECRET}", "%3A%2F%2F"),
        (f"http://https://u:{SECRET}@", "no host"),
        (f"http://h/?a={SECRET}&a=x", "twice"),
        (f"http://h/?__extra__=%7B%7D&token={SECRET}", "another parameter"),
        (f"http://h/?__extra__={SECRET}", "extra is not JSON"),
        (f"http://h/?__extra__=%22{SECRET}%22", "extra is not a JSON object"),
        (f"http://h/?__extra__=%7B%22{SECRET}%22:1,%22{SECRET}%22:2%7D", "twice"),
    ],
)
def test_what_is_no_uri_is_refused_in_words_that_repeat_nothing_of_it(uri: str, words: str) -> None:
    with pytest.raises(NotAConnection) as error:
        parse_uri(uri)
    assert words in str(error.value)
    assert SECRET not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__ or error.value.__context__ is None
