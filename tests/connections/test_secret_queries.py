"""Queries that would search a secret, or write one in clear."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.core import serializers
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.db import transaction
from django.db.models import Case, CharField, F, OuterRef, Q, Subquery, TextField, Value, When
from django.db.models.functions import Cast, Coalesce, Concat, Upper

from connections.exceptions import SecretsUnreadable
from connections.models import Connection
from tests.connections.conftest import SECRET, tokens

pytestmark = pytest.mark.django_db


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises(FieldError, match="is encrypted"), transaction.atomic():
        yield


@pytest.mark.parametrize(
    "expression",
    [
        F("host"),
        F("password"),
        Value("plain"),
        Value("plain", output_field=CharField()),
        Upper("host"),
        Upper(Value("plain")),
        Concat("host", Value("plain")),
        Concat("password", Value("plain")),
        Coalesce("login", "host", output_field=TextField()),
        Cast("host", TextField()),
        Case(When(host="h", then=Value("plain")), default=Value("other")),
        Case(When(host="h", then=F("host")), default=None),
        Case(When(host="h", then=Value("plain")), output_field=TextField()),
    ],
    ids=repr,
)
def test_an_sql_expression_is_refused_and_changes_nothing(
    stored: Connection, expression: Any
) -> None:
    before = tokens()
    with refused():
        Connection.objects.update(description="changed", password=expression)
    stored.password = expression
    stored.description = "changed"
    with refused():
        stored.save()
    assert tokens() == before
    assert Connection.objects.get().description == ""


def test_an_expression_around_the_right_field_is_refused_when_a_branch_is_not_encrypted(
    stored: Connection,
) -> None:
    field = Connection._meta.get_field("password")
    before = tokens()
    for expression in (
        Case(
            When(host="h", then=Value("x", output_field=field)),
            default=F("host"),
            output_field=field,
        ),
        Case(When(host="h", then=F("host")), output_field=field),
        Cast(F("host"), output_field=field),
        Subquery(
            Connection.objects.filter(pk=OuterRef("pk")).values("host")[:1], output_field=field
        ),
    ):
        with refused():
            Connection.objects.update(password=expression)
    assert tokens() == before


def test_an_sql_expression_is_refused_in_a_new_row(db: None) -> None:
    with refused():
        Connection.objects.create(
            conn_id="a", conn_type="x", password=cast(Any, Upper(Value("plain")))
        )
    with refused():
        Connection.objects.bulk_create(
            [Connection(conn_id="a", conn_type="x", password=cast(Any, Value("plain")))]
        )
    assert not Connection.objects.exists()


def test_an_update_of_many_rows_encrypts_the_value(stored: Connection) -> None:
    assert Connection.objects.update(password="plain") == 1
    assert tokens()[1].startswith("gAAAA")
    assert Connection.objects.get().password == "plain"
    Connection.objects.update(password=None)
    assert tokens()[1] is None


def test_bulk_update_encrypts_each_value(stored: Connection) -> None:
    Connection.objects.create(conn_id="other", conn_type="x")
    Connection.objects.create(conn_id="third", conn_type="x", password="goes")
    one, other, third = Connection.objects.order_by("pk")
    one.password, other.password, third.password = "first", "second", None
    assert Connection.objects.bulk_update([one, other, third], ["password", "description"]) == 3
    assert all(tokens(name)[1].startswith("gAAAA") for name in ("my_gcp_conn", "other"))
    assert tokens("my_gcp_conn")[1] != tokens("other")[1]
    read = [row.password for row in Connection.objects.order_by("pk")]
    assert read == ["first", "second", None]


@pytest.mark.parametrize(
    "search",
    [
        {"password": "x"},
        {"password__exact": "x"},
        {"password__in": ["x"]},
        {"password__iexact": "x"},
        {"password__contains": "x"},
        {"password__startswith": "x"},
        {"password__regex": "x"},
        {"password__gt": "x"},
        {"password": None},
        {"extra__icontains": "project"},
    ],
    ids=str,
)
def test_a_search_for_a_secret_is_refused(stored: Connection, search: dict[str, Any]) -> None:
    for method in (Connection.objects.filter, Connection.objects.exclude):
        with pytest.raises(FieldError, match="is encrypted: it can't be searched"):
            method(**search)
    with pytest.raises(FieldError):
        Connection.objects.filter(Q(conn_id="a") | ~Q(**search))


def test_a_condition_on_a_secret_is_refused_in_a_case_too(stored: Connection) -> None:
    with pytest.raises(FieldError):
        Connection.objects.annotate(hit=Case(When(password="x", then=Value(1)))).count()
    with pytest.raises(FieldError):
        Connection.objects.annotate(loud=Upper("password")).filter(loud="X")


# Dumps


def dump(tmp_path: Path, *, form: str = "json") -> Path:
    path = tmp_path / f"dump.{form}"
    call_command("dumpdata", "connections", format=form, output=str(path), verbosity=0)
    return path


def test_a_dump_holds_tokens_and_loads_again_with_the_same_key(
    stored: Connection, tmp_path: Path
) -> None:
    before = tokens()
    path = dump(tmp_path)
    text = path.read_text()
    assert SECRET[:6] not in text
    assert "acme-reports" not in text
    fields = json.loads(text)[0]["fields"]
    assert fields["password"] == {"ciphertext": before[1]}
    assert fields["login"] is None
    Connection.objects.all().delete()
    call_command("loaddata", str(path), verbosity=0)
    again = Connection.objects.get()
    assert again.password == SECRET
    assert again.login is None
    assert again.load().extra == {"project": "acme-reports"}


def test_a_dump_loads_where_its_key_is_the_second(
    stored: Connection, tmp_path: Path, settings: Any
) -> None:
    path = dump(tmp_path)
    new = Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEY = [new, *settings.FIELD_ENCRYPTION_KEY]
    call_command("loaddata", str(path), verbosity=0)
    assert Connection.objects.get().password == SECRET
    assert Fernet(new).decrypt(tokens()[1]).decode() == SECRET


def test_a_dump_of_another_key_is_refused_and_changes_nothing(
    stored: Connection, tmp_path: Path, lose_keys: Callable[[], None]
) -> None:
    path = dump(tmp_path)
    before = tokens()
    lose_keys()
    with pytest.raises(SecretsUnreadable):
        call_command("loaddata", str(path), verbosity=0)
    assert tokens() == before


def test_a_dump_with_a_text_in_clear_is_encrypted_when_it_is_loaded(
    stored: Connection, tmp_path: Path
) -> None:
    path = dump(tmp_path)
    rows = json.loads(path.read_text())
    rows[0]["fields"]["password"] = "typed by hand"
    path.write_text(json.dumps(rows))
    call_command("loaddata", str(path), verbosity=0)
    assert Connection.objects.get().password == "typed by hand"
    assert tokens()[1].startswith("gAAAA")


@pytest.mark.parametrize("form", ["json", "jsonl", "python"])
def test_no_serializer_writes_a_secret(stored: Connection, form: str) -> None:
    unsaved = Connection(conn_id="new", conn_type="x", password=SECRET)
    deferred = Connection.objects.defer("password").get()
    shown = str(serializers.serialize(form, [stored, unsaved, deferred]))
    assert SECRET[:6] not in shown
    assert shown.count(tokens()[1]) == 2


def test_xml_which_has_no_shape_for_a_token_is_refused(stored: Connection) -> None:
    stream = io.StringIO()
    with pytest.raises(TypeError):
        serializers.serialize("xml", [stored], stream=stream)
    assert SECRET[:6] not in stream.getvalue()


def test_a_migration_of_a_table_sees_tokens_and_not_texts(stored: Connection) -> None:
    key = django_settings.FIELD_ENCRYPTION_KEY[0]
    values = Connection.objects.annotate(raw=Cast("password", TextField())).values_list("raw")
    assert Fernet(key).decrypt(values[0][0]).decode() == SECRET
