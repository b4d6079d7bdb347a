"""A BigQuery job in the editor: its SQL has a field of its own."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from connections.services import create_connection
from connections.validation import Draft
from tasks.drafting.draft import Draft as EditorDraft
from tasks.drafting.draft import DraftTask
from tasks.drafting.query_jobs import CONFIGURATION, NEEDED, SQL, TWICE
from tasks.drafting.reading import Place, draft_of, first_texts, read
from tasks.models import Dag
from tasks.operators import OPERATORS
from tasks.spec import DagSpec, TaskSpec
from tests.conftest import ACTOR
from tests.tasks.editor_world import Editor, draft_with

JOB = "BigQueryInsertJobOperator"
LOAD = {"sourceUris": ["gs://b/o"], "destinationTable": {"tableId": "t"}}
QUERY = "SELECT 1\n-- and\nFROM t"


def job(configuration: Any) -> DagSpec:
    return DagSpec("one", (TaskSpec("a", JOB, "wh", {"configuration": configuration}),))


def typed(sql: str, rest: str) -> EditorDraft:
    texts = {"operator": JOB, "task_id": "a", "conn_id": "wh", SQL: sql, CONFIGURATION: rest}
    return draft_with(DraftTask("t1", texts))


@pytest.mark.parametrize(
    ("configuration", "sql"),
    [
        ({"query": {"query": QUERY, "useLegacySql": False}}, QUERY),
        ({"query": {"query": QUERY}}, QUERY),
        ({"query": {"query": QUERY}, "labels": {"team": "a"}}, QUERY),
        ({"query": {"query": "{{ params.sql }}", "priority": "BATCH"}, "dryRun": True}, None),
        ({"load": LOAD}, ""),
    ],
)
def test_a_job_that_is_opened_and_saved_is_the_same(configuration: Any, sql: str | None) -> None:
    spec = job(configuration)
    draft = draft_of(spec)
    if sql is not None:
        assert draft.tasks[0].texts[SQL] == sql
    reading = read(draft)
    assert reading.errors == {}
    assert reading.spec
    assert reading.spec.tasks[0].arguments == {"configuration": configuration}
    assert reading.spec.digest() == spec.digest()


def test_a_new_task_is_of_googlesql() -> None:
    rest = first_texts(OPERATORS[JOB])[CONFIGURATION]
    reading = read(typed(QUERY, rest))
    assert reading.spec
    assert reading.spec.tasks[0].arguments == {
        "configuration": {"query": {"query": QUERY, "useLegacySql": False}}
    }


@pytest.mark.parametrize(
    ("sql", "rest", "name", "words"),
    [
        ("", first_texts(OPERATORS[JOB])[CONFIGURATION], SQL, NEEDED),
        (" \n", "", SQL, NEEDED),
        (QUERY, '{"query": {"query": "SELECT 2"}}', CONFIGURATION, TWICE),
        (QUERY, '{"query": 1}', CONFIGURATION, "query must be an object in it."),
        (QUERY, "{", CONFIGURATION, "This is not JSON"),
        (QUERY, '{"load": {}}', CONFIGURATION, "exactly one"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(sql: str, rest: str, name: str, words: str) -> None:
    reading = read(typed(sql, rest))
    assert reading.spec is None
    assert words in reading.errors[Place("t1", name)]


@pytest.mark.django_db
def test_it_is_written_in_the_form_and_the_only_connection_that_fits_is_chosen(
    admin_client: Client,
) -> None:
    create_connection(Draft("wh", "google_cloud_platform"), actor=ACTOR)
    create_connection(Draft("db", "postgres", host="db"), actor=ACTOR)
    editor = Editor(admin_client).type(dag_id="one").choose(JOB)
    assert editor.values["task-conn_id"] == ["wh"]
    editor.type(**{"task__arg__configuration-sql": QUERY}).press("save")
    assert editor.status == 302
    spec = Dag.objects.get().spec
    assert spec
    assert spec.tasks[0].conn_id == "wh"
    assert spec.tasks[0].arguments["configuration"]["query"]["query"] == QUERY
    opened = Editor(admin_client, "/dags/one/edit/")
    assert opened.values[f"task-{SQL}"] == [QUERY.replace("\n", "\r\n")]
    opened.press("save")
    assert Dag.objects.get().versions.count() == 1


@pytest.mark.django_db
def test_of_several_connections_that_fit_none_is_chosen_and_a_default_that_is_there_stays(
    admin_client: Client,
) -> None:
    create_connection(Draft("one", "postgres", host="db"), actor=ACTOR)
    create_connection(Draft("two", "mysql", host="db"), actor=ACTOR)
    create_connection(Draft("http_default", "http", host="example.com"), actor=ACTOR)
    editor = Editor(admin_client).choose("SQLExecuteQueryOperator")
    assert editor.values["task-conn_id"] == [""]
    assert Editor(admin_client).choose("HttpOperator").values["task-conn_id"] == [""]
    # What was chosen before stays chosen.
    editor.type(task__conn_id="two").press("change:t1").choose("SQLCheckOperator")
    assert editor.values["task-conn_id"] == ["two"]
