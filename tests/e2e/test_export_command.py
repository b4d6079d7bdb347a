"""``manage.py connections export`` and ``delete``: which ones, for whom, all or none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import execute_from_command_line
from django.db.models.signals import post_delete

from access.audit import Actor
from access.models import AuditEvent
from connections.models import Connection
from connections.services import create_connection
from connections.validation import Draft

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
SECRET = "tulip-7-secret"


@pytest.fixture(autouse=True)
def _stored() -> None:
    for draft in (
        Draft("a", "http", host="h", password=SECRET, description="Nightly"),
        Draft("b", "http", host="h", password=SECRET, is_disabled=True),
        Draft("c", "http", host="h", password=SECRET),
    ):
        create_connection(draft, actor=Actor("ann"))


def manage(*arguments: str) -> None:
    execute_from_command_line(["manage.py", "connections", *arguments])


@pytest.mark.parametrize(
    "arguments",
    [
        ["-", "a", "c", "--redact"],
        ["-", "--redact", "a", "c"],
        ["--redact", "-", "a", "--format", "json", "c"],
        ["-", "--conn-id", "a", "--redact", "--conn-id", "c"],
        ["-", "a", "--redact", "--conn-id", "c"],
    ],
    ids=" ".join,
)
def test_ids_stand_wherever_they_are_typed(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    manage("export", *arguments)
    printed = capsys.readouterr()
    assert list(json.loads(printed.out)) == ["a", "c"]
    assert SECRET not in printed.out + printed.err


def test_an_export_for_airflow_tells_what_it_left_out_and_a_plain_one_what_is_not_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "all.env"
    manage("export", str(file))
    said = capsys.readouterr()
    assert "2 entries are for Patchbay only" in said.err
    assert "--for-airflow" in said.err
    manage("export", str(file), "--for-airflow")
    said = capsys.readouterr()
    assert "1 entry left out" in said.err
    assert "2 connections in" in said.err
    lines = file.read_text().splitlines()
    assert [line.partition("=")[2].split(":")[0] for line in lines] == ["http", "http"]
    assert SECRET not in said.out + said.err


def test_of_one_it_says_its_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manage("export", str(tmp_path / "a.json"), "a")
    assert "1 connection in" in (said := capsys.readouterr().err)
    assert "with its secrets" in said


def test_if_one_can_not_be_deleted_none_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody cuts the command off between the two."""

    def cut_off(instance: Connection, **_: object) -> None:
        if instance.conn_id == "b":
            raise KeyboardInterrupt

    before = AuditEvent.objects.count()
    post_delete.connect(cut_off, sender=Connection)
    try:
        with pytest.raises(SystemExit):
            manage("delete", "a", "b", "c")
    finally:
        post_delete.disconnect(cut_off, sender=Connection)
    assert "Interrupted" in capsys.readouterr().err
    assert Connection.objects.count() == 3
    assert AuditEvent.objects.count() == before
