"""An export for Airflow holds only what Airflow reads, and tells what it left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from access.audit import Actor
from access.models import AuditEvent
from connections.models import Connection
from connections.portability import FILE_FORMATS, Exported, export, read
from connections.portability.entries import value_of
from connections.portability.for_airflow import fitted
from connections.services import create_connection
from connections.uri import parse_uri
from connections.validation import Draft
from tests.connections.portability.drafts import drafts

ANN = Actor("ann")
SECRET = "tulip-7-tulip"
#: The parameters of Airflow 3.3.2's Connection: any other key stops its whole import.
AIRFLOWS_KEYS = {
    *("conn_id", "conn_type", "description", "host", "login", "password", "schema", "port"),
    *("extra", "uri", "team_name", "extra_dejson"),
}
every_format = pytest.mark.parametrize("file_format", FILE_FORMATS)


@pytest.fixture
def _stored(db: None) -> None:
    for draft in (
        Draft("described", "postgres", description="Nightly", host="h", password=SECRET),
        Draft("disabled", "http", host="h", password=SECRET, is_disabled=True),
        Draft("expired", "http", host="h", expires_at=datetime(2020, 1, 1, tzinfo=UTC)),
        Draft("expiring", "http", host="h", expires_at=datetime(2999, 1, 1, tzinfo=UTC)),
        Draft("Odd", "My-Type", host="h"),
        Draft("AIRFLOW_CONN_X", "http", host="h"),
    ):
        create_connection(draft, actor=ANN)


def exported(file_format: str, **more: Any) -> Exported:
    return export(
        Connection.objects.order_by("conn_id"),
        file_format=file_format,
        serialization=more.pop("serialization", "json"),
        redact=False,
        actor=ANN,
        **more,
    )


@pytest.mark.usefixtures("_stored")
@pytest.mark.parametrize("serialization", ["json", "uri"])
@pytest.mark.parametrize("file_format", ["json", "yaml"])
def test_a_file_for_airflow_has_only_keys_of_airflow_and_nothing_out_of_use(
    file_format: str, serialization: str
) -> None:
    done = exported(file_format, serialization=serialization, for_airflow=True)
    found = yaml.safe_load(done.text)
    assert set(found) == {"described", "expiring", "Odd", "AIRFLOW_CONN_X"}
    objects = [value for value in found.values() if isinstance(value, dict)]
    assert {key for value in objects for key in value} <= AIRFLOWS_KEYS
    assert found["described"]["description"] == "Nightly"
    assert (done.left_out, done.shortened) == (("disabled", "expired"), ("expiring",))
    assert done.count == 4
    assert AuditEvent.objects.get(action="exported").detail["conn_ids"] == sorted(found)


@pytest.mark.usefixtures("_stored")
def test_an_env_file_for_airflow_has_uris_alone_under_their_names_as_they_are() -> None:
    done = exported("env", for_airflow=True)
    lines = dict(line.split("=", 1) for line in done.text.splitlines())
    assert set(lines) == {"described", "expiring", "AIRFLOW_CONN_X"}
    assert parse_uri(lines["described"]).password == SECRET
    assert done.left_out == ("Odd", "disabled", "expired")
    assert done.shortened == ("described", "expiring")
    assert "3 entries left out" in done.words
    assert SECRET not in done.words + repr(done)


@pytest.mark.usefixtures("_stored")
@every_format
def test_a_plain_file_tells_what_airflow_cannot_read_and_has_it_all(file_format: str) -> None:
    done = exported(file_format, serialization="uri")
    assert len(read(done.text, file_format=file_format)) == 6
    alien = {"disabled", "expired", "expiring"}
    alien |= {"described", "Odd"} if file_format == "env" else set()
    assert set(done.not_for_airflow) == alien
    assert f"{len(alien)} entries are for Patchbay only" in done.words


@settings(max_examples=200, deadline=None)
@given(st.lists(drafts(), max_size=3))
def test_whatever_a_connection_holds_airflow_gets_nothing_it_cannot_read(many: list[Draft]) -> None:
    for draft in many:
        found = fitted(draft, file_format="json")
        if found is None:
            assert draft.is_disabled or draft.expires_at
            continue
        for serialization in ("json", "uri"):
            value = value_of(found, serialization=serialization)
            assert isinstance(value, str) or set(value) <= AIRFLOWS_KEYS
        of_env = fitted(draft, file_format="env")
        if of_env is not None:
            text = value_of(of_env, serialization="uri")
            assert isinstance(text, str)
            assert json.dumps(parse_uri(text).extra) == json.dumps(draft.extra)
