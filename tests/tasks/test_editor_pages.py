"""The editor's pages as a browser without scripts goes through them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from access.models import AuditEvent
from connections.services import create_connection
from connections.validation import Draft
from tasks.drafting.saving import create_dag, delete_dag
from tasks.models import Dag, DagRun, DagVersion
from tasks.services import trigger_dag_run
from tests.conftest import ACTOR
from tests.roles import user_of
from tests.tasks.dag_world import elt, make_run, save
from tests.tasks.editor_world import SQL, Editor, chain

pytestmark = pytest.mark.django_db
FILL = "INSERT INTO a\nVALUES (1)"


@pytest.fixture(autouse=True)
def _connections(db: None) -> None:
    create_connection(Draft("db", "sqlite", host="/tmp/flowers.db"), actor=ACTOR)
    create_connection(Draft("api", "http", host="example.com"), actor=ACTOR)


def written(client: Client, dag_id: str = "flowers") -> Editor:
    """A DAG of two tasks, through the form; not saved."""
    editor = Editor(client).type(dag_id=dag_id).choose(SQL)
    editor.type(task__task_id="make", task__conn_id="db", task__arg__sql="CREATE TABLE a (b int)")
    editor.press("add").choose(SQL)
    return editor.type(task__task_id="fill", task__conn_id="db", task__arg__sql=FILL)


def names(html: str) -> list[str]:
    """The tasks in the list, in their order."""
    return re.findall(r'aria-label="Edit ([^"]+)"', html)


def errors(html: str) -> list[str]:
    return re.findall(r'<ul class="errorlist"[^>]*><li>([^<]*)', html)


# New


def test_a_dag_is_written_task_by_task_and_saved_as_version_1(admin_client: Client) -> None:
    editor = written(admin_client).press("save")
    assert (editor.status, editor.location) == (302, "/dags/flowers/")
    dag = Dag.objects.get()
    assert (dag.origin, dag.filename, dag.is_missing) == ("browser", "", False)
    [version] = DagVersion.objects.all()
    assert (version.number, version.created_by_name, version.source) == (1, "admin", "")
    assert version.conn_ids == ["db"]
    make, fill = version.parsed.tasks
    assert (make.task_id, make.operator, make.conn_id) == ("make", SQL, "db")
    assert fill.upstream == ("make",)
    assert fill.arguments == {"sql": FILL}
    [event] = AuditEvent.objects.filter(object_type="dag")
    assert (event.action, event.object_id, event.detail) == ("created", "flowers", {"version": 1})
    page = admin_client.get("/dags/flowers/").content.decode()
    assert "DAG flowers is saved as version 1." in page
    assert "/dags/flowers/edit/" in page
    assert "/dags/flowers/download/" in page


def test_the_list_leads_to_the_editor_for_those_who_may(admin_client: Client) -> None:
    assert 'href="/dags/new/"' in admin_client.get("/dags/").content.decode()
    viewer = Client()
    viewer.force_login(user_of("Operator"))
    assert "/dags/new/" not in viewer.get("/dags/").content.decode()
    dag_id = create_dag(chain(), actor=ACTOR).dag.dag_id
    page = viewer.get(f"/dags/{dag_id}/").content.decode()
    assert f"/dags/{dag_id}/edit/" not in page
    assert viewer.post(f"/dags/{dag_id}/edit/", {"act": "save"}).status_code == 403
    assert viewer.post(f"/dags/{dag_id}/delete/").status_code == 403
    assert viewer.post("/dags/new/", {"act": "save"}).status_code == 403
    assert DagVersion.objects.count() == 1


def test_what_is_wrong_stands_at_its_field_and_nothing_is_saved(admin_client: Client) -> None:
    editor = written(admin_client, dag_id="two words")
    editor.type(schedule="0 6 * *", task__arg__sql="").press("save")
    assert editor.status == 422
    assert len(errors(editor.html)) == 3
    assert "a cron text has 5 fields" in editor.html
    assert editor.values["dag_id"] == ["two words"]
    assert editor.values["schedule"] == ["0 6 * *"]
    assert re.search(r'id="id_dag_id"[^>]*aria-invalid="true"[^>]* autofocus', editor.html)
    assert not Dag.objects.exists()
    assert not AuditEvent.objects.filter(object_type="dag").exists()


def test_the_task_in_which_something_is_wrong_is_opened(admin_client: Client) -> None:
    editor = written(admin_client).press("open:t1")
    editor.type(task__arg__sql=" ").press("open:t2").press("save")
    assert editor.status == 422
    assert editor.values["open"] == ["t1"]
    assert errors(editor.html) == ["This is needed."]
    assert re.search(r'id="t1-arg-sql"[^>]* autofocus', editor.html)
    # Whoever was told goes on being told.
    editor.press("open:t2")
    assert "1 to mend" in editor.html
    editor.press("open:t1").type(task__arg__sql="SELECT 1").press("open:t2")
    assert "to mend" not in editor.html


def test_each_thing_that_is_wrong_names_its_task_and_field_in_the_order_of_the_page(
    admin_client: Client,
) -> None:
    editor = written(admin_client).type(task__retries="many", task__arg__sql=" ").press("open:t1")
    editor.type(schedule="0 6 * *", task__task_id="a b", task__arg__sql="").press("check")
    told = re.findall(r"<li>(?:<a[^>]*>|<button[^>]*>)([^<]+)</(?:a|button)>: ", editor.html)
    assert told == ["Schedule", "a b, Task ID", "a b, SQL", "fill, SQL", "fill, Retries"]
    assert 'href="#editor-notes" data-to-field' in editor.html
    assert "5 to mend" in editor.html
    # A field of a task that isn't open opens it, and has the focus with its words.
    editor.press("open:t2:retries")
    assert editor.values["open"] == ["t2"]
    found = re.search(r'<input[^>]*id="t2-retries"[^>]*>', editor.html)
    assert found
    assert "autofocus" in found[0]
    assert 'aria-describedby="t2-retries-error t2-retries-help"' in found[0]
    assert re.search(r'<ul class="errorlist" id="t2-retries-error">', editor.html)
    assert '<details id="advanced-t2" class="fold" open>' in editor.html
    assert not Dag.objects.exists()


def test_a_circle_is_told_at_the_arrows_of_its_task(admin_client: Client) -> None:
    editor = written(admin_client).press("open:t1").tick("task-after", "t2").press("check")
    assert "make, After</a>: The arrows go in a circle" in editor.html
    found = re.search(r'<fieldset[^>]*id="t1-after"[^>]*>', editor.html)
    assert found
    assert "autofocus" in found[0]
    assert 'aria-describedby="t1-after-error t1-after-help"' in found[0]


def test_the_fields_of_an_operator_are_explained_in_the_help(admin_client: Client) -> None:
    editor = Editor(admin_client).choose(SQL)
    assert 'href="/help/operators/#sqlexecutequeryoperator" target="_blank"' in editor.html
    assert 'id="sqlexecutequeryoperator"' in admin_client.get("/help/operators/").content.decode()


def test_check_says_that_all_is_right_and_saves_nothing(admin_client: Client) -> None:
    editor = written(admin_client).press("check")
    assert editor.status == 200
    assert "All is right. Nothing is saved yet." in editor.html
    assert not Dag.objects.exists()


def test_the_next_three_runs_and_the_graph_are_shown(admin_client: Client) -> None:
    editor = written(admin_client).type(schedule="30 6 * * *", timezone="Asia/Kolkata")
    editor.press("check")
    assert len(re.findall(r"06:30 IST</time>", editor.html)) == 3
    assert 'aria-label="Graph: 2 tasks"' in editor.html
    for schedule, words in {
        "": "It runs when somebody triggers it.",
        "@once": "It runs once, as soon as it is saved.",
        "@continuous": "It runs all the time",
        "0 0 31 2 *": "No next run can be told.",
    }.items():
        assert words in editor.type(schedule=schedule).press("check").html


# Tasks


def test_tasks_are_moved_doubled_removed_and_put_back_with_their_arrows(
    admin_client: Client,
) -> None:
    editor = written(admin_client).press("add").choose("EmptyOperator")
    assert names(editor.html) == ["make", "fill", "empty"]
    editor.press("up:t3")
    assert names(editor.html) == ["make", "empty", "fill"]
    editor.press("duplicate:t1")
    assert names(editor.html) == ["make", "make_2", "empty", "fill"]
    editor.press("remove:t4").press("down:t3").press("remove:t2")
    assert names(editor.html) == ["make", "empty"]
    assert "Task fill is removed" in editor.html
    editor.press("restore").press("save")
    assert editor.status == 302
    spec = Dag.objects.get().spec
    assert spec is not None
    # A task waits for the one at which it was added.
    upstream = {task.task_id: task.upstream for task in spec.tasks}
    assert upstream == {"make": (), "empty": ("fill",), "fill": ("make",)}


def test_a_renamed_task_keeps_its_arrows(admin_client: Client) -> None:
    editor = written(admin_client).press("open:t1").type(task__task_id="create").press("save")
    assert editor.status == 302
    spec = Dag.objects.get().spec
    assert spec is not None
    assert spec.task("fill").upstream == ("create",)


def test_another_operator_keeps_what_has_a_field_there_too(admin_client: Client) -> None:
    editor = written(admin_client).press("change:t2").choose("SQLCheckOperator")
    assert editor.values["task-arg-sql"] == [FILL.replace("\n", "\r\n")]
    assert editor.values["task-task_id"] == ["fill"]
    editor.press("save")
    spec = Dag.objects.get().spec
    assert spec is not None
    assert (spec.task("fill").operator, spec.task("fill").conn_id) == ("SQLCheckOperator", "db")


def test_only_connections_of_a_fitting_type_are_offered(admin_client: Client) -> None:
    editor = written(admin_client)
    select = editor.html.partition('name="task-conn_id"')[2].partition("</select>")[0]
    assert "db · SQLite" in select
    assert "api" not in select
    editor.type(task__conn_id="*", task__conn_other="api").press("check")
    assert "api is of the type HTTP: the task can’t use it." in editor.html
    editor.type(task__conn_other="nobody").press("check")
    assert "There is no connection nobody yet." in editor.html
    assert "/connections/new/?conn_id=nobody" in editor.html


def test_what_did_not_come_from_the_form_is_refused(admin_client: Client) -> None:
    for sent in (
        {"tasks": "{"},
        {"tasks": "{}"},
        {"tasks": '[{"key": "x"}]'},
        {"tasks": '[{"key": "t1", "texts": {"a": 1}, "after": []}]'},
        {"tasks": json.dumps([{"key": "t1", "texts": {}, "after": []}] * 2)},
        {"act": "frob"},
        {"act": "open:t9"},
        {"act": "operator:t1:PythonOperator", "tasks": '[{"key":"t1","texts":{},"after":[]}]'},
        {"removed": '{"key": "t1", "texts": {}, "after": [], "position": -1}'},
    ):
        assert admin_client.post("/dags/new/", sent).status_code == 400, sent
    assert not Dag.objects.exists()


def test_the_page_takes_as_many_queries_however_many_connections_there_are(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    create_dag(chain(), actor=ACTOR)
    with django_assert_max_num_queries(8):
        html = admin_client.get("/dags/chain/edit/?task=b").content.decode()
    assert 'id="b-' not in html
    assert 'value="b"' in html


# Change


def test_a_change_makes_a_version_and_none_where_nothing_is_different(
    admin_client: Client,
) -> None:
    create_dag(chain(), actor=ACTOR)
    editor = Editor(admin_client, "/dags/chain/edit/").press("save")
    assert editor.status == 302
    page = admin_client.get("/dags/chain/").content.decode()
    assert "Nothing was different: chain stays at version 1." in page
    editor = Editor(admin_client, "/dags/chain/edit/").press("open:t2")
    editor.type(task__arg__sql="SELECT 2", description="Now with 2").press("save")
    assert editor.status == 302
    dag = Dag.objects.get()
    assert dag.current_version is not None
    assert (dag.current_version.number, dag.description) == (2, "Now with 2")
    assert DagVersion.objects.get(number=1).parsed == chain()
    actions = AuditEvent.objects.filter(object_type="dag").order_by("pk")
    assert [each.action for each in actions] == ["created", "changed"]


def test_the_id_of_a_dag_stays_whatever_is_sent(admin_client: Client) -> None:
    create_dag(chain(), actor=ACTOR)
    Editor(admin_client, "/dags/chain/edit/").send(act="save", dag_id="other", description="x")
    assert list(Dag.objects.values_list("dag_id", "description")) == [("chain", "x")]


def test_who_is_second_is_told_loses_nothing_and_may_save_over_it(admin_client: Client) -> None:
    create_dag(chain(), actor=ACTOR)
    mine = Editor(admin_client, "/dags/chain/edit/").press("open:t3")
    theirs = Editor(admin_client, "/dags/chain/edit/").type(description="theirs").press("save")
    assert theirs.status == 302
    mine.type(description="mine", task__arg__sql="SELECT 'mine'").press("save")
    assert mine.status == 422
    assert "admin saved version 2" in mine.html
    assert "/dags/chain/versions/?from=1&amp;to=2" in mine.html
    assert mine.values["description"] == ["mine"]
    assert mine.values["task-arg-sql"] == ["SELECT 'mine'"]
    assert Dag.objects.get().description == "theirs"
    # A third one comes between: told again.
    Editor(admin_client, "/dags/chain/edit/").type(description="third").press("save")
    assert mine.press("2", name="over").status == 422
    assert "saved version 3" in mine.html
    assert mine.press("3", name="over").status == 302
    dag = Dag.objects.get()
    assert dag.spec is not None
    assert (dag.description, dag.spec.task("c").arguments) == ("mine", {"sql": "SELECT 'mine'"})
    assert DagVersion.objects.count() == 4


def test_a_dag_that_was_deleted_meanwhile_is_kept_on_the_screen(admin_client: Client) -> None:
    create_dag(chain(), actor=ACTOR)
    editor = Editor(admin_client, "/dags/chain/edit/").type(description="mine")
    delete_dag("chain", actor=ACTOR)
    assert editor.press("save").status == 422
    assert "The DAG was deleted meanwhile" in editor.html
    assert not Dag.objects.exists()
    assert editor.press("gone", name="over").status == 302
    assert Dag.objects.get().description == "mine"


def test_a_dag_of_a_file_is_not_edited_here(admin_client: Client) -> None:
    save(elt())
    answer = admin_client.get("/dags/elt/edit/", follow=True)
    assert "elt comes from the file elt.py: change it there." in answer.content.decode()
    assert admin_client.post("/dags/elt/edit/", {"act": "save"}).status_code == 302
    assert admin_client.post("/dags/elt/delete/").status_code == 302
    assert Dag.objects.get().versions.count() == 1
    assert admin_client.get("/dags/nobody/edit/").status_code == 404
    assert admin_client.get("/dags/nobody/delete/").status_code == 404


# By script


def test_a_script_gets_the_form_alone_and_the_address_instead_of_a_redirect(
    admin_client: Client,
) -> None:
    values = written(admin_client).values
    headers = {"X-Editor": "1"}
    answer = admin_client.post("/dags/new/", {**values, "act": "look"}, headers=headers)
    assert answer.content.decode().startswith('<form id="editor"')
    answer = admin_client.post("/dags/new/", {**values, "act": "save"}, headers=headers)
    assert answer.json() == {"url": "/dags/flowers/"}
    assert "saved as version 1" in admin_client.get("/dags/flowers/").content.decode()


# Delete


def test_a_delete_names_the_runs_that_go_with_the_dag(admin_client: Client) -> None:
    create_dag(chain(), actor=ACTOR)
    dag = Dag.objects.get()
    make_run(dag, "success")
    make_run(dag, "failed", minutes_ago=2)
    assert "2 runs" in admin_client.get("/dags/chain/delete/").content.decode()
    answer = admin_client.post("/dags/chain/delete/", follow=True)
    assert "DAG chain is deleted." in answer.content.decode()
    assert not Dag.objects.exists()
    assert not DagRun.objects.exists()
    [event] = AuditEvent.objects.filter(action="deleted")
    assert (event.object_id, event.detail) == ("chain", {"runs": 2})


def test_a_dag_with_a_run_that_is_not_over_is_not_deleted(admin_client: Client) -> None:
    create_dag(chain(), actor=ACTOR)
    trigger_dag_run("chain", actor=ACTOR)
    answer = admin_client.post("/dags/chain/delete/")
    assert answer.status_code == 422
    assert "1 run isn&#x27;t over. Cancel what runs" in answer.content.decode()
    assert (Dag.objects.count(), DagRun.objects.count()) == (1, 1)
    assert not AuditEvent.objects.filter(action="deleted").exists()
