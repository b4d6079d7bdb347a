"""Which values are refused, at which field, in which words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from connections.exceptions import InvalidConnection
from connections.types import TYPES
from connections.types.base import ConnectionType, Method, TypeField
from connections.types.json_text import NotJson, parse
from connections.types.validators import service_account_key
from connections.validation import Draft, check, check_values, wrong_conn_id
from tests.connections.conftest import key_file

WORKLOAD = {
    "type": "external_account",
    "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    "token_url": "https://sts.googleapis.com/v1/token",
    "credential_source": {"file": "/var/run/token"},
}
ONLY = "Only letters, digits, dashes, dots and underscores."
NO_TYPE = "A type has no spaces, no :// and no characters that can't be seen."
PORT = "A port is a number from 1 to 65535."
LEGACY = "extra__google_cloud_platform__"


def errors_of(**changes: Any) -> dict[str, str]:
    draft = Draft("my_gcp_conn", "google_cloud_platform")
    try:
        check(replace(draft, **changes))
    except InvalidConnection as error:
        return error.errors
    return {}


def wrong_extra(**extra: Any) -> dict[str, str]:
    return errors_of(extra=extra)


@pytest.mark.parametrize("conn_id", ["a", "my-conn_1.eu", "größe", "数据", "1", "_", "a" * 200])
def test_an_id_of_letters_digits_dashes_dots_and_underscores_is_right(conn_id: str) -> None:
    assert wrong_conn_id(conn_id) == ""
    assert errors_of(conn_id=conn_id) == {}


@pytest.mark.parametrize(
    ("conn_id", "words"),
    [
        ("", "A connection needs an ID: DAGs name it by this."),
        ("two words", ONLY),
        ("a/b", ONLY),
        ("a\n", ONLY),
        ("a\0", ONLY),
        ("a%20b", ONLY),
        ("a" * 201, "At most 200 characters."),
        (".", "An ID needs more than dots."),
        ("..", "An ID needs more than dots."),
    ],
)
def test_another_id_is_refused(conn_id: str, words: str) -> None:
    assert errors_of(conn_id=conn_id) == {"conn_id": words}


@pytest.mark.parametrize(
    "conn_type", ["hdfs", "my.type-2", "größe", "Google_Cloud_Platform", "a" * 500, "%40"]
)
def test_a_type_that_nobody_declares_is_right(conn_type: str) -> None:
    assert errors_of(conn_type=conn_type, port=1, extra={"any": [1, {"thing": None}]}) == {}
    assert errors_of(conn_type=conn_type, port=0) == {"port": PORT}


@pytest.mark.parametrize(
    ("conn_type", "words"),
    [
        ("", "A connection needs a type."),
        ("a" * 501, "At most 500 characters."),
        ("two words", NO_TYPE),
        ("a\n", NO_TYPE),
        ("a\0", NO_TYPE),
        ("a\u200b", NO_TYPE),
        ("spark://k8s", NO_TYPE),
        ("\ud800", NO_TYPE),
    ],
)
def test_what_no_type_is_called_is_refused(conn_type: str, words: str) -> None:
    assert errors_of(conn_type=conn_type) == {"conn_type": words}


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_a_port_that_cannot_be_is_refused(port: int) -> None:
    assert errors_of(port=port) == {"port": PORT}
    assert errors_of(conn_type="postgres", port=port) == {"port": PORT}


def test_texts_that_are_too_long_for_their_columns_are_refused() -> None:
    assert errors_of(host="h" * 501, schema="s" * 501, description="d" * 5001) == {
        "host": "At most 500 characters.",
        "schema": "At most 500 characters.",
        "description": "At most 5000 characters.",
    }


@pytest.mark.parametrize("column", ["description", "host", "schema", "login", "password"])
def test_a_nul_character_is_refused_at_its_field(column: str) -> None:
    words = {column: "This can't be stored: it holds a NUL character."}
    assert errors_of(**{column: "a\0b"}) == words


def test_characters_that_cannot_be_stored_are_refused_at_any_depth() -> None:
    nul = "This can't be stored: it holds a NUL character."
    assert wrong_extra(client_secret="a\0", idp_issuer_url="https://i.example/t")[
        "client_secret"
    ] == (nul)
    assert wrong_extra(more={"list": ["a\0"]}) == {"extra": nul}
    assert wrong_extra(more={"a\0": 1}) == {"extra": nul}
    half = "This can't be stored: it holds half of a surrogate pair."
    assert wrong_extra(more="\ud800") == {"extra": half}
    assert wrong_extra(regex="\\u0000") == {}


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        (
            "project",
            ["acme-reports", "example.com:acme-reports"],
            ["Acme", "acme", "acme-reports\n", "1acme-reports", "a" * 31, 7],
        ),
        (
            "api_endpoint",
            ["https://bigquery.googleapis.com", "http://127.0.0.1:9050", "http://[::1]:80/x"],
            [
                "bigquery.googleapis.com",
                "ftp://a.example",
                "https://",
                "https://a.example:port",
                "http://[::1",
                "https://a b.example",
                "https://a.example/x\n",
                "https://a.example?x=1",
                "https://a.example#x",
            ],
        ),
        ("connect_timeout", [10, 0.5, 3600, "10", "0.5"], [0, 0.0, -1, 3601, "3601", "ten", True]),
        ("read_timeout", [30], [0, float("nan"), float("inf")]),
        ("num_retries", [0, 5, 20, "5", " 5"], [-1, 21, 1.5, "21", "1.5", "five", True, [5]]),
        ("scope", ["https://www.googleapis.com/auth/bigquery, bigquery"], ["a b", "a,,b", "a\n,"]),
        (
            "impersonation_chain",
            ["a@p.iam.gserviceaccount.com, b@p.iam.gserviceaccount.com"],
            ["a", "a@b", "a@p.example,", "a@p.example b@p.example", "a@p..example"],
        ),
        ("quota_project_id", ["acme-reports"], ["No"]),
    ],
)
def test_each_field_is_checked(name: str, right: list[Any], wrong: list[Any]) -> None:
    for value in right:
        assert wrong_extra(**{name: value}) == {}, value
    for value in wrong:
        assert list(wrong_extra(**{name: value})) == [name], value


def test_a_url_with_a_password_is_refused_without_repeating_it() -> None:
    for url in ("https://ann:tulip@a.example", "https://tulip@a.example", "https://:@a.example"):
        errors = wrong_extra(api_endpoint=url)
        assert errors == {"api_endpoint": "A URL without a user name or password in it."}


@pytest.mark.timeout(60)
def test_a_chain_that_is_long_and_wrong_is_refused_at_once() -> None:
    assert wrong_extra(impersonation_chain="a@" + "a." * 50_000 + "@")


# Key files


def test_a_key_file_is_right_as_text_and_as_object() -> None:
    assert wrong_extra(keyfile_dict=json.dumps(key_file())) == {}
    assert wrong_extra(keyfile_dict=json.dumps(key_file(), indent=2)) == {}
    assert wrong_extra(keyfile_dict=key_file()) == {}
    escaped = key_file()["private_key"].replace("\n", "\\n")
    assert wrong_extra(keyfile_dict=key_file(private_key=escaped)) == {}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            "{",
            "This is not JSON: Expecting property name enclosed in double quotes, line 1, column",
        ),
        ('{\n "type": oops}', "This is not JSON: Expecting value, line 2, column 10."),
        ("", ""),
        ("[" * 50_000, "This is not JSON: nested too deeply."),
        ('{"type": NaN}', "This is not JSON: NaN is no number in JSON."),
        ("-----BEGIN PRIVATE KEY-----\nMII\n", "This is the private key alone."),
        ("[]", "This is not a key file: a JSON object is expected."),
        ('"text"', "This is not a key file: a JSON object is expected."),
        ({"web": {"client_id": "x"}}, "This is an OAuth client file"),
        ({"installed": {}}, "This is an OAuth client file"),
        (WORKLOAD, "This is a workload identity file. Choose the method Workload identity"),
        ({"type": "authorized_user"}, "This is a user's own login"),
        ({"type": "tulip"}, '"type" must be service_account.'),
        ({"project_id": "x"}, '"type" is missing.'),
        ({"type": ""}, '"type" is missing.'),
        (key_file(private_key=None), "This service account key has no private_key."),
        (key_file(private_key=""), "This service account key has no private_key."),
        (
            key_file(private_key=None, client_email=None),
            "This service account key has no private_key, client_email.",
        ),
        (key_file(project_id=None), "has no project_id."),
        (key_file(token_uri=None), "has no token_uri."),
        (key_file(private_key="tulip"), "private_key is not a PEM key"),
        (key_file(private_key={"a": 1}), "private_key is not a PEM key"),
        (key_file(client_email="tulip"), "client_email is not an e-mail address."),
        (key_file(client_email=["a@b.example"]), "client_email is not an e-mail address."),
        (key_file(token_uri="tulip"), "token_uri is not the URL of a token endpoint."),
        (key_file(token_uri=7), "token_uri is not the URL of a token endpoint."),
    ],
)
def test_what_is_not_a_service_account_key_is_told_apart(value: Any, words: str) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    for form in (text, value):
        errors = wrong_extra(keyfile_dict=form)
        if not words:
            assert errors == {}
            continue
        assert list(errors) == ["keyfile_dict"]
        assert words in errors["keyfile_dict"]
        assert "tulip" not in errors["keyfile_dict"]


def test_words_about_a_key_never_quote_it() -> None:
    broken = json.dumps(key_file())[:-1]
    words = service_account_key(broken)
    assert "line 1, column" in words
    assert "PRIVATE" not in words
    assert "iam.gserviceaccount" not in words


# Credential configurations


def test_a_credential_configuration_is_a_path_or_its_json() -> None:
    assert wrong_extra(credential_config_file="/etc/workload.json") == {}
    assert wrong_extra(credential_config_file=json.dumps(WORKLOAD)) == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"type": "authorized_user"}, '"type" must be external_account.'),
        ({"audience": ""}, "This credential configuration has no audience."),
        ({"client_secret": "tulip"}, "It holds a secret"),
        ({"credential_source": {"url": "u", "headers": {"x": "tulip"}}}, "It holds a secret"),
    ],
)
def test_another_configuration_is_refused(changes: dict[str, Any], words: str) -> None:
    errors = wrong_extra(credential_config_file=json.dumps({**WORKLOAD, **changes}))
    assert words in errors["credential_config_file"]
    assert "tulip" not in errors["credential_config_file"]


def test_a_key_in_place_of_a_configuration_is_refused_because_it_would_be_shown() -> None:
    errors = wrong_extra(credential_config_file=json.dumps(key_file()))
    assert errors == {
        "credential_config_file": "This is a service account key. Choose the method "
        "Service account key for it."
    }
    assert (
        "This is not JSON" in wrong_extra(credential_config_file="{oops")["credential_config_file"]
    )


# Methods


def test_two_methods_at_once_are_refused_at_the_fields_of_the_second() -> None:
    key = json.dumps(key_file())
    words = "but “Service account key” is set too. Keep one of them."
    errors = wrong_extra(keyfile_dict=key, key_path="/key.json", is_anonymous="True")
    assert list(errors) == ["key_path", "is_anonymous"]
    assert errors["key_path"] == f"This belongs to “Key file”, {words}"
    assert errors["is_anonymous"] == f"This belongs to “Anonymous”, {words}"
    for off in (False, "false", "False", "no", "", None):
        assert wrong_extra(keyfile_dict=key, key_path="", is_anonymous=off) == {}
    assert wrong_extra(keyfile_dict=key, is_anonymous="perhaps") == {
        "is_anonymous": "True or false."
    }


def test_a_method_that_old_names_choose_counts() -> None:
    key = json.dumps(key_file())
    words = "but “Service account key” is set too. Keep one of them."
    errors = wrong_extra(**{f"{LEGACY}keyfile_dict": key}, key_path="/key.json")
    assert errors == {"key_path": f"This belongs to “Key file”, {words}"}
    assert wrong_extra(**{f"{LEGACY}keyfile_dict": key}) == {}
    provider = {f"{LEGACY}credential_config_file": "/c.json", "client_id": "me"}
    assert wrong_extra(**provider, idp_issuer_url="https://i.example/t") == {}
    assert list(wrong_extra(**{f"{LEGACY}num_retries": "many"})) == ["num_retries"]
    assert wrong_extra(**{f"{LEGACY}keyfile_dict": "a\0"}).keys() == {"keyfile_dict"}


def test_a_method_without_a_field_that_it_needs_says_which() -> None:
    assert wrong_extra(idp_issuer_url="https://idp.example.com/token", client_id="me") == {
        "credential_config_file": "“Identity provider” needs this."
    }
    assert wrong_extra(key_secret_project_id="acme-reports") == {
        "key_secret_name": "“Secret Manager” needs this."
    }


def test_extra_parameters_are_an_object_or_its_text() -> None:
    issuer = {"idp_issuer_url": "https://i.example/t", "credential_config_file": "/c.json"}
    for right in ({"audience": "x"}, {}, '{"audience": "x"}'):
        assert wrong_extra(**issuer, idp_extra_parameters=right) == {}
    for wrong in ([1], "[1]", "oops", 7):
        errors = wrong_extra(**issuer, idp_extra_parameters=wrong)
        assert errors == {"idp_extra_parameters": "A JSON object, for example {}."}


def test_a_type_without_methods_and_one_whose_methods_all_need_something_are_checked() -> None:
    def made(*methods: Method) -> ConnectionType:
        token = TypeField("token", "Token", methods=tuple(each.name for each in methods))
        fields = (TypeField("host", "Host", required=True, column="host"), token)
        return ConnectionType("x", "X", "Other", "", fields, methods)

    assert check_values(made(), {"token": "t"}) == {"host": "This is needed."}
    assert check_values(made(Method("m", "M", needs=("token",))), {"host": "h"}) == {}


def test_every_declared_field_belongs_to_methods_that_exist() -> None:
    for declared in TYPES.values():
        names = {method.name for method in declared.methods}
        for field in declared.fields:
            assert set(field.methods) <= names
        for method in declared.methods:
            assert all(declared.field(name) for name in method.needs)


# JSON that a person typed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1,}', "line 1, column"),
        ('{"a": 1, "a": 2}', "“a” stands in it twice"),
        ('{"a": Infinity}', "Infinity is no number in JSON"),
        ('{"a": 1e999}', "a number in it is too large"),
        ('{"a": ' + "1" * 5000 + "}", "a number in it is too long"),
        ('{"a": ' * 60 + "1" + "}" * 60, "nested too deeply"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": "\\u0000"}', "it holds a NUL character"),
        ('{"a": "\\ud800"}', "it holds half of a surrogate pair"),
    ],
    ids=range(9),
)
def test_json_that_only_python_takes_is_refused(text: str, words: str) -> None:
    with pytest.raises(NotJson, match=words):
        parse(text)


def test_json_keeps_its_order_and_its_kinds_of_numbers() -> None:
    text = '{"b": 1, "a": [1.0, true, null, "\\ud83d\\ude00"], "c": {"z": 1e3}}'
    assert parse(text) == json.loads(text)
    assert list(parse(text)) == ["b", "a", "c"]


def test_the_path_of_a_key_file_must_be_whole() -> None:
    assert wrong_extra(key_path="key.json")["key_path"] == "A whole path, beginning with /."
    assert "key_path" not in wrong_extra(key_path="/run/secrets/key.json")
