"""Files of every format: what is read of them, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connections.portability import Unreadable, format_of, read
from connections.portability.entries import Entry
from connections.portability.files import LARGEST

SECRET = "tulip-7"
AIRFLOW_JSON = """{
  "my_db": {
    "conn_type": "postgres",
    "description": null,
    "login": "u",
    "password": "0123",
    "host": "DB.example.com",
    "port": 5432,
    "schema": null,
    "extra": "{\\"sslmode\\": \\"require\\"}"
  },
  "by_uri": "google-cloud-platform://?project=acme"
}"""
AIRFLOW_YAML = """by_uri: google-cloud-platform://?project=acme
my_db:
  conn_type: postgres
  description: null
  extra: '{"sslmode": "require"}'
  host: DB.example.com
  login: u
  password: '0123'
  port: 5432
  schema: null
"""
AIRFLOW_ENV = """# made by airflow connections export
by_uri=google-cloud-platform:///?project=acme

my_db={"conn_type": "postgres", "description": null, "login": "u", "password": "0123", "host": \
"DB.example.com", "port": 5432, "schema": null, "extra": "{\\"sslmode\\": \\"require\\"}"}
"""


def one(text: str, file_format: str) -> Entry:
    (entry,) = read(text, file_format=file_format)
    return entry


def problem(text: str, file_format: str) -> str:
    with pytest.raises(Unreadable) as error:
        read(text, file_format=file_format)
    assert SECRET not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "file_format"),
    [(AIRFLOW_JSON, "json"), (AIRFLOW_YAML, "yaml"), (AIRFLOW_ENV, "env")],
    ids=["json", "yaml", "env"],
)
def test_an_export_of_airflow_is_read_without_edits(text: str, file_format: str) -> None:
    found = {entry.conn_id: entry.draft for entry in read(text, file_format=file_format)}
    database, cloud = found["my_db"], found["by_uri"]
    assert database
    assert cloud
    assert (database.host, database.port, database.password) == ("DB.example.com", 5432, "0123")
    assert database.extra == {"sslmode": "require"}
    assert (cloud.conn_type, cloud.extra) == ("google_cloud_platform", {"project": "acme"})
    assert format_of("", text) == file_format


@pytest.mark.parametrize(
    ("name", "file_format"),
    [("a.json", "json"), ("A.YAML", "yaml"), ("a.yml", "yaml"), (".env", "env"), ("x.env", "env")],
)
def test_the_name_tells_the_format_first(name: str, file_format: str) -> None:
    assert format_of(name, "{}") == file_format


@pytest.mark.parametrize(
    ("line", "conn_id", "host"),
    [
        ("my_db=http://h", "my_db", "h"),
        ("MY_DB=http://h", "MY_DB", "h"),
        ("AIRFLOW_CONN_MY_DB=http://h", "my_db", "h"),
        ("PATCHBAY_CONN_MY_DB = http://h", "my_db", "h"),
        ("export AIRFLOW_CONN_MY_DB='http://h'", "my_db", "h"),
        ('  export my_db="http://h"  ', "my_db", "h"),
        ('"AIRFLOW_CONN_X"=http://h', "AIRFLOW_CONN_X", "h"),
        ('a.b-c={"conn_type": "http", "host": "h"}', "a.b-c", "h"),
        ('a=\'{"conn_type": "http", "host": "h=\\"1\\""}\'', "a", 'h="1"'),
        ('a="{\\"conn_type\\": \\"http\\", \\"host\\": \\"h\\"}"', "a", "h"),
    ],
)
def test_a_line_of_a_env_file_is_read_as_shells_and_airflow_write_it(
    line: str, conn_id: str, host: str
) -> None:
    entry = one(f"\n# comment\n{line}\r\n", "env")
    assert entry.draft
    assert (entry.conn_id, entry.draft.host) == (conn_id, host)


def test_a_type_is_normalized_only_under_a_variables_name() -> None:
    value = '{"conn_type": "my-type"}'
    kept, variable = one(f"a={value}", "env").draft, one(f"AIRFLOW_CONN_A={value}", "env").draft
    assert kept
    assert variable
    assert (kept.conn_type, variable.conn_type) == ("my-type", "my_type")


@pytest.mark.parametrize(
    ("text", "file_format", "words"),
    [
        ("", "json", "nothing in this file"),
        ("  \n", "env", "nothing in this file"),
        (f'{{"a": "{SECRET}', "json", "not JSON: Unterminated string"),
        ("[]", "json", "airflow connections export"),
        ('"x"', "json", "holds no connections"),
        ('{"a": "http://h", "a": "http://h"}', "json", "a stands in it twice"),
        (f'{{"a": {{"{SECRET} {SECRET}": 1, "{SECRET} {SECRET}": 1}}}}', "json", "a name stands"),
        ('{"conn_type": "http", "host": "h"}', "json", "without its ID"),
        ("a: http://h\na: http://h", "yaml", "twice, line 2"),
        (f"a: [{SECRET}", "yaml", "isn't YAML"),
        (f"a: \x01{SECRET}", "yaml", "character that YAML doesn't take"),
        (
            "a: &x {conn_type: http}\nb: *x",
            "yaml",
            "alias (*name) isn't read: write it out, line 2",
        ),
        ("a: {<<: {host: h}, conn_type: http}", "yaml", "merge (<<)"),
        ("a: !!python/object:os.system {}", "yaml", "tag"),
        ("a: !!binary aGk=", "yaml", "tag"),
        ("a: {1: x}", "yaml", "a name isn't a text: put it in quotes, line 1"),
        ("yes: http://h", "yaml", "a name isn't a text"),
        ("--- \na: http://h\n---\nb: http://h", "yaml", "second document"),
        (f"a: {'[' * 2000}", "yaml", "nested too deeply"),
        (f'{{"a": {"[" * 100}{"]" * 100}}}', "json", "nested too deeply"),
        (f"{SECRET}", "env", "Line 1 is not conn_id=value"),
        ("a=http://h\nexport\n", "env", "Line 2"),
        ("a=http://h\na=http://h", "env", "Line 2: a stands in this file twice"),
        ("a=http://h\nAIRFLOW_CONN_A=http://h", "env", "a stands in this file twice"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_file_of_which_nothing_can_be_taken_is_refused(
    text: str, file_format: str, words: str
) -> None:
    assert words in problem(text, file_format)


def test_too_large_a_file_and_too_many_connections_are_refused() -> None:
    assert "10 MB" in problem("é" * (LARGEST // 2 + 1), "env")
    many = "".join(f"c{number}=http://h\n" for number in range(20_001))
    assert "20,000" in problem(many, "env")
    assert len(read(many.partition("\n")[2], file_format="env")) == 20_000


def test_aliases_cost_nothing() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "alias" in problem("\n".join(lines), "yaml")


@pytest.mark.parametrize(
    "scalar",
    ["0123", "5", "yes", "off", "2020-01-01", "1.5", "0x1F", "12:30:45", "true", ".inf", "1_000"],
)
@pytest.mark.parametrize("name", ["password", "login", "host", "conn_type", "description"])
def test_a_text_that_yaml_takes_for_something_else_needs_quotes(name: str, scalar: str) -> None:
    fields = {"conn_type": "http", name: scalar}
    text = "a:\n" + "".join(f"  {key}: {value}\n" for key, value in fields.items())
    assert one(text, "yaml").problem == f"{name} is not a text. Put it in quotes."
    quoted = "a:\n" + "".join(f"  {key}: '{value}'\n" for key, value in fields.items())
    draft = one(quoted, "yaml").draft
    assert draft
    assert getattr(draft, name) == scalar


def test_in_extra_yaml_gives_what_json_has_and_nothing_else() -> None:
    text = "a: {conn_type: http, extra: {n: 5, f: 1.5, t: true, z: null, s: 1e5, l: [a, {b: c}]}}"
    draft = one(text, "yaml").draft
    assert draft
    assert draft.extra == {
        "n": 5,
        "f": 1.5,
        "t": True,
        "z": None,
        "s": "1e5",
        "l": ["a", {"b": "c"}],
    }
    for scalar in ("yes", "2020-01-01", "0123", ".nan"):
        found = one(f"a: {{conn_type: http, extra: {{l: [{scalar}]}}}}", "yaml")
        assert "Put it in quotes" in found.problem


@pytest.mark.parametrize(
    ("conn_id", "value", "words"),
    [
        ("a b", "http://h", "Only letters"),
        ("a" * 201, "http://h", "At most 200"),
        ("..", "http://h", "more than dots"),
        ("a", f"http://u:{SECRET}@h#", "%23"),
        ("a", 5, "neither a URI nor an object"),
        ("a", None, "neither a URI nor an object"),
        ("a", f'{{"conn_type": "{SECRET}', "not JSON"),
        ("a", {"conn_type": "http", "secret": SECRET}, "secret is no part"),
        ("a", {"conn_type": "http", "password": 5}, "Put it in quotes"),
        ("a", {"conn_type": "http", "conn_id": "b"}, "another than the name"),
        ("a", {"conn_type": "http", "team_name": "x"}, "team_name"),
        ("a", {"conn_type": "http", "extra": {}, "extra_dejson": {}}, "Give one of them"),
        ("a", {"conn_type": "http", "is_disabled": "yes"}, "neither true nor false"),
        ("a", {"conn_type": "http", "expires_at": "tomorrow"}, "its time zone"),
        ("a", {"conn_type": "http", "expires_at": "2027-01-31T00:00:00"}, "its time zone"),
        ("a", {"conn_type": "http", "expires_at": "2027-13-31T00:00:00Z"}, "its time zone"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_one_bad_entry_is_told_and_the_others_are_read(
    conn_id: str, value: Any, words: str
) -> None:
    text = json.dumps({conn_id: value, "good": "http://h"})
    bad, good = read(text, file_format="json")
    assert words in bad.problem
    assert bad.draft is None
    assert SECRET not in bad.problem + repr(bad)
    assert good.draft


def test_what_airflows_import_takes_beside_the_fields_is_taken() -> None:
    value = {"conn_type": "http", "conn_id": "a", "team_name": None, "extra_dejson": {"b": 1}}
    draft = one(json.dumps({"a": value}), "json").draft
    assert draft
    assert draft.extra == {"b": 1}
