"""The editor's pages as a browser without scripts goes through them."""

from __future__ import annotations

import pytest
from django.test import Client

from access.models import AuditEvent
from connections.services import create_connection
from connections.validation import Draft
from tasks.models import Dag, DagVersion
from tests.conftest import ACTOR
from tests.tasks.editor_world import SQL, Editor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _connection(db: None) -> None:
    create_connection(Draft("db", "sqlite", host="/tmp/flowers.db"), actor=ACTOR)
    create_connection(Draft("api", "http", host="example.com"), actor=ACTOR)


def made(client: Client, dag_id: str = "flowers") -> Dag:
    """A DAG of two tasks, through the form."""
    editor = Editor(client).type(dag_id=dag_id).choose(SQL)
    editor.type(task__task_id="make", task__conn_id="db", task__arg__sql="CREATE TABLE a (b int)")
    editor.press("add").choose(SQL)
    editor.type(task__task_id="fill", task__conn_id="db", task__arg__sql="INSERT INTO a\nVALUES (1)")
    editor.press("save")
    assert editor.status == 302, editor.html
    return Dag.objects.get(dag_id=dag_id)


def test_a_dag_is_written_task_by_task_and_saved_as_version_1(admin_client: Client) -> None:
    dag = made(admin_client)
    assert (dag.origin, dag.filename, dag.is_missing) == ("browser", "", False)
    [version] = DagVersion.objects.all()
    assert (version.number, version.created_by_name, version.source) == (1, "admin", "")
    assert version.conn_ids == ["db"]
    make, fill = version.parsed.tasks
    assert (make.task_id, make.operator, make.conn_id) == ("make", SQL, "db")
    assert fill.upstream == ("make",)
    assert fill.arguments == {"sql": "INSERT INTO a\nVALUES (1)"}
    [event] = AuditEvent.objects.filter(object_type="dag")
    assert (event.action, event.object_id, event.detail) == ("created", "flowers", {"version": 1})
    assert "is saved as version 1" in admin_client.get("/dags/flowers/").content.decode()
