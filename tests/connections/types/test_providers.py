"""Types that Airflow's provider packages declare, read without Airflow."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from access.audit import Actor
from connections.models import Connection
from connections.services import create_connection, secrets_of
from connections.types import TYPES
from connections.types.registry import Registry
from connections.validation import Draft, check_values
from tests.connections.types.conftest import Install

GROUP = "apache_airflow_provider"
#: As the build of a provider writes it: newer ones have the fields, older ones only the names.
INFO: dict[str, Any] = {
    "package-name": "apache-airflow-providers-acme",
    "name": "Acme",
    "description": "Acme",
    "connection-types": [
        {
            "connection-type": "acme",
            "hook-class-name": "airflow.providers.acme.hooks.acme.AcmeHook",
            "hook-name": "Acme Reports",
            "ui-field-behaviour": {
                "hidden-fields": ["port", "schema", "extra"],
                "relabeling": {"host": "Server", "password": "Pass"},
                "placeholders": {"host": "acme.example", "mode": "fast"},
            },
            "conn-fields": {
                "mode": {
                    "label": "Mode",
                    "description": "How it reads.",
                    "schema": {
                        "type": ["string", "null"],
                        "enum": ["fast", "slow"],
                        "default": "slow",
                    },
                },
                "pass_phrase": {"schema": {"type": "string", "format": "password"}},
                "access_token": {"label": "Token", "schema": {"type": ["string", "null"]}},
                "key_pem": {"schema": {"type": "string", "format": "multiline"}},
                "private_key": {"schema": {"type": "string", "format": "multiline"}},
                "is_on": {"schema": {"type": ["boolean", "null"], "default": False}},
                "tries": {"schema": {"type": ["null", "integer"], "default": 5}},
                "rate": {"schema": {"type": "number", "title": "Rate"}},
                "options": {"schema": {"type": "object", "default": {}}},
                "hosts": {"schema": {"type": ["array", "null"]}},
                "plain": {},
            },
        },
        {"connection-type": "acme_old", "hook-class-name": "airflow.providers.acme.Old"},
        {"connection-type": "http", "hook-class-name": "airflow.providers.acme.Http"},
        {"connection-type": "salesforce", "hook-class-name": "airflow.providers.acme.Force"},
    ],
}


def code_of(info: Any) -> str:
    return f"def get_provider_info():\n    return {info!r}\n"


@pytest.fixture
def provider(install: Install, tmp_path: Any) -> None:
    """A provider beside an Airflow that must not be imported."""
    put(install, INFO)
    for folder in (tmp_path / "airflow", tmp_path / "airflow" / "providers" / "acme"):
        (folder / "__init__.py").write_text("raise SystemError('Airflow was imported')")


def put(install: Install, info: Any, *, code: str = "") -> None:
    install(
        "apache-airflow-providers-acme",
        code or code_of(info),
        group=GROUP,
        module="airflow.providers.acme.get_provider_info",
        attr="get_provider_info",
    )


def test_a_type_of_a_provider_has_the_fields_that_it_declares(
    provider: None, registry: Registry
) -> None:
    declared = registry["acme"]
    assert registry.problems == ()
    assert declared.label == "Acme Reports"
    assert declared.origin == "apache-airflow-providers-acme"
    assert declared.description == "Airflow's provider Acme"
    assert {field.name: (field.kind, field.label, field.default) for field in declared.fields} == {
        "host": ("text", "Server", ""),
        "login": ("text", "Login", ""),
        "password": ("secret", "Pass", ""),
        "mode": ("text", "Mode", "slow"),
        "pass_phrase": ("secret", "pass_phrase", ""),
        "access_token": ("secret", "Token", ""),
        "key_pem": ("lines", "key_pem", ""),
        "private_key": ("pem", "private_key", ""),
        "is_on": ("boolean", "is_on", "false"),
        "tries": ("integer", "tries", "5"),
        "rate": ("number", "Rate", ""),
        "options": ("json", "options", ""),
        "hosts": ("json_value", "hosts", ""),
        "plain": ("text", "plain", ""),
    }
    mode = declared.field("mode")
    assert mode
    assert (mode.choices, mode.placeholder, mode.help) == (
        ("fast", "slow"),
        "fast",
        "How it reads.",
    )
    # What Airflow's masker would hide by its name is secret, also where no format says so.
    secrets = {"password", "pass_phrase", "access_token", "private_key"}
    assert {field.name for field in declared.fields if field.secret} == secrets


def test_neither_airflow_nor_a_hook_is_imported(provider: None, registry: Registry) -> None:
    assert "acme" in registry
    assert not [name for name in sys.modules if name.split(".")[0] == "airflow"]


def test_a_provider_of_old_gives_the_five_standard_fields(
    provider: None, registry: Registry
) -> None:
    names = [field.name for field in registry["acme_old"].fields]
    assert names == ["host", "schema", "port", "login", "password"]
    assert registry["acme_old"].label == "acme_old"


def test_our_own_types_win(provider: None, registry: Registry) -> None:
    assert registry["http"].origin == "patchbay"
    assert registry["salesforce"].origin == "catalogue"


def test_nothing_of_it_is_required_and_its_choices_are_open(
    provider: None, registry: Registry
) -> None:
    assert check_values(registry["acme"], {}) == {}
    assert check_values(registry["acme"], {"mode": "else", "tries": "7", "is_on": "True"}) == {}
    assert check_values(registry["acme"], {"tries": "many"}) == {"tries": "A whole number."}


@pytest.mark.usefixtures("provider")
def test_it_is_on_the_form_and_its_secrets_are_known(admin_client: Client) -> None:
    vars(TYPES).pop("_found", None)
    try:
        page = admin_client.get(reverse("connection-new"), {"type": "acme"})
        assert page.status_code == 200
        assert 'name="pass_phrase"' in page.content.decode()
        extra = {"pass_phrase": "tulip-1", "extra__acme__access_token": "tulip-2", "plain": "seen"}
        create_connection(Draft("a", "acme", extra=extra), actor=Actor("ann"))
        assert secrets_of(Connection.objects.get().load()) == {"tulip-1", "tulip-2"}
    finally:
        vars(TYPES).pop("_found")


@pytest.mark.parametrize(
    ("info", "code", "words"),
    [
        ({"connection-types": [{}]}, "", "KeyError: "),
        ({"connection-types": "text"}, "", "KeyError: 'package-name'"),
        ([], "", "AttributeError: 'list' object has no attribute 'get'"),
        (None, "import airflow.no_such_module", "ModuleNotFoundError: "),
        (None, "get_provider_info = None", "TypeError: 'NoneType' object is not callable"),
    ],
)
def test_a_broken_provider_is_told_and_stops_nothing(
    install: Install, registry: Registry, info: Any, code: str, words: str
) -> None:
    put(install, info, code=code)
    (problem,) = registry.problems
    assert problem.package == "apache-airflow-providers-acme"
    assert problem.words.startswith(words)
    assert set(registry) == set(TYPES)


def test_a_provider_without_connections_says_nothing(install: Install, registry: Registry) -> None:
    put(install, {"package-name": "apache-airflow-providers-acme", "name": "Acme"})
    assert registry.problems == ()
    assert set(registry) == set(TYPES)


def test_a_provider_outside_of_airflows_package_is_read_by_its_name(
    install: Install, registry: Registry
) -> None:
    install(
        "acme-airflow",
        code_of({"package-name": "acme-airflow", "connection-types": INFO["connection-types"][:1]}),
        group=GROUP,
        attr="get_provider_info",
    )
    assert registry["acme"].origin == "acme-airflow"
    assert registry["acme"].description == "Airflow's provider acme-airflow"


def test_a_provider_whose_file_is_gone_is_told(
    install: Install, registry: Registry, tmp_path: Any
) -> None:
    put(install, INFO)
    (tmp_path / "airflow/providers/acme/get_provider_info.py").unlink()
    assert registry.problems[0].words == (
        "ModuleNotFoundError: there is no file for airflow.providers.acme.get_provider_info"
    )
