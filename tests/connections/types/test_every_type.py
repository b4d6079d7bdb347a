"""What holds for each of Airflow's types: it can be stored, read, and its secrets are masked."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import connections.types
from access.audit import Actor
from connections.exceptions import InvalidConnection
from connections.masking import MASK
from connections.models import Connection
from connections.redaction import redacted_extra
from connections.services import create_connection, secrets_of
from connections.types import TYPES, type_of
from connections.types.base import CATEGORIES, ConnectionType
from connections.types.registry import FIRST_CLASS
from connections.types.soundness import wrong_declaration
from connections.validation import check, values_of
from tests.connections.types.every_type import EVERY_TYPE, example_of, secrets_in

every_type = pytest.mark.parametrize("name", EVERY_TYPE)


def test_all_145_types_are_there_and_each_once() -> None:
    assert len(EVERY_TYPE) == len(set(EVERY_TYPE)) == 145
    assert set(EVERY_TYPE) <= set(TYPES)
    assert set(FIRST_CLASS) <= set(EVERY_TYPE)


def test_every_module_that_declares_a_type_is_in_the_registry() -> None:
    stems = [path.stem for path in Path(connections.types.__file__).parent.glob("*.py")]
    modules = {stem: import_module(f"connections.types.{stem}") for stem in stems}
    declaring = {
        stem
        for stem, module in modules.items()
        if isinstance(getattr(module, stem.upper(), None), ConnectionType)
    }
    assert declaring == set(FIRST_CLASS)


@every_type
def test_its_declaration_is_sound(name: str) -> None:
    declared = TYPES[name]
    assert wrong_declaration(declared) == ""
    assert declared.name == name
    assert declared.label
    assert declared.category in CATEGORIES
    assert declared.origin == ("patchbay" if name in FIRST_CLASS else "catalogue")
    assert declared.docs


@every_type
def test_an_example_with_every_field_is_right(name: str) -> None:
    draft = example_of(name)
    try:
        check(draft)
    except InvalidConnection as error:
        pytest.fail(str(error.errors))
    values = values_of(draft, TYPES[name])
    unset = [field for field, value in values.items() if TYPES[name].is_unset(field, value)]
    methods = {field.name for field in TYPES[name].fields if field.methods}
    assert set(unset) <= methods


@every_type
def test_an_empty_one_is_wrong_only_where_nothing_could_work(name: str) -> None:
    declared = TYPES[name]
    required = {field.name for field in declared.fields if field.required}
    assert len(required) <= 4
    errors: dict[str, str] = {}
    try:
        check(type(example_of(name))(f"empty_{name}", name))
    except InvalidConnection as error:
        errors = error.errors
    assert set(errors) <= required


@every_type
def test_its_secrets_are_masked_by_declaration_and_undeclared_ones_by_name(name: str) -> None:
    draft, declared = example_of(name), TYPES[name]
    shown = redacted_extra(declared, draft.extra)
    secrets = secrets_in(draft)
    assert set(secrets) <= declared.secret_names
    for field in declared.fields:
        if field.secret and not field.column and field.name in draft.extra:
            assert shown[field.name] == MASK
    assert shown["undeclared_token"] == MASK
    assert shown["undeclared"] == draft.extra["undeclared"]


@every_type
def test_it_is_stored_with_its_secrets_known_and_read_as_it_was(name: str, db: None) -> None:
    draft = example_of(name)
    create_connection(draft, actor=Actor("ann"))
    stored = Connection.objects.get()
    loaded = stored.load()
    assert loaded.extra == draft.extra
    assert list(loaded.extra) == list(draft.extra)
    for column in ("conn_type", "host", "schema", "login", "password", "port", "description"):
        assert getattr(loaded, column) == getattr(draft, column)
    seen = secrets_of(loaded)
    for field, value in secrets_in(draft).items():
        assert field in stored.secret_facts
        if isinstance(value, str) and not value.startswith("{"):
            assert value in seen, field


def test_types_are_listed_by_category_in_one_order() -> None:
    listed = TYPES.by_category()
    names = [name for name, _ in listed]
    assert names == [name for name in CATEGORIES if name in names]
    assert sorted(each.name for _, types in listed for each in types) == sorted(TYPES)
    for _, types in listed:
        labels = [each.label.casefold() for each in types]
        assert labels == sorted(labels)


def test_an_icon_goes_by_the_category() -> None:
    assert type_of("postgres").icon == "type-database"
    assert type_of("slack").icon == "type-notification"
    assert type_of("nobody_declares_this").icon == "type-generic"


def test_a_type_that_is_kept_only_has_no_hook_and_says_who_declares_it() -> None:
    kept = TYPES["salesforce"]
    assert kept.hook == ""
    assert kept.description == "Airflow's provider salesforce"
    assert TYPES["generic"].description == "Airflow's own"


@pytest.mark.parametrize(
    ("name", "field", "expected"),
    [
        ("salesforce", "private_key", ("pem", True, "authentication")),
        ("akeyless", "certificate_data", ("lines", False, "authentication")),
        ("clickhouse", "secure", ("boolean", False, "network")),
        ("clickhouse", "client_kwargs", ("json", False, "advanced")),
        ("oracle", "service_name", ("text", False, "target")),
        ("gcpspanner", "keyfile_dict", ("key_json", True, "authentication")),
        ("azure_service_bus", "schema", ("secret", True, "authentication")),
    ],
)
def test_fields_of_the_catalogue_have_their_kind_and_group(
    name: str, field: str, expected: tuple[Any, ...]
) -> None:
    declared = TYPES[name].field(field)
    assert declared
    assert (declared.kind, declared.secret, declared.group) == expected


def test_a_hidden_standard_field_is_no_field_and_is_kept_all_the_same(db: None) -> None:
    assert TYPES["salesforce"].field("host") is None
    draft = example_of("salesforce")
    create_connection(type(draft)(**{**vars(draft), "host": "kept"}), actor=Actor("ann"))
    assert Connection.objects.get().host == "kept"
