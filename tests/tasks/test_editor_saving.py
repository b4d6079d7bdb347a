"""DAGs from the browser beside those of files: versions, schedules, IDs, and the way to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tasks.dagfiles import sync
from tasks.dagfiles.parser import parse_file
from tasks.drafting.saving import SaveRefused, Stale, change_dag, create_dag, delete_dag
from tasks.exceptions import DagNotFound
from tasks.models import (
    Dag,
    DagImportError,
    DagRun,
    DagVersion,
    LogLine,
    RenderedFields,
    Step,
    TaskInstance,
    XCom,
)
from tasks.services import trigger_dag_run
from tasks.spec import DagSpec, TaskSpec
from tests.access.world import everything
from tests.conftest import ACTOR
from tests.tasks.dag_world import elt, save
from tests.tasks.editor_world import Editor, chain, sql_task

pytestmark = pytest.mark.django_db
FILE = "from airflow.sdk import DAG\nfrom airflow.operators.empty import EmptyOperator\n"


def file_of(*dag_ids: str) -> str:
    dags = (f"with DAG('{each}'):\n    EmptyOperator(task_id='a')\n" for each in dag_ids)
    return FILE + "".join(dags)


# Versions and schedules


def test_a_schedule_is_planned_with_each_save(settings: Any) -> None:
    settings.DAGS_PAUSED_AT_CREATION = False
    dag = create_dag(DagSpec("one", (sql_task("a"),), schedule="@daily"), actor=ACTOR).dag
    first = dag.next_run_at
    assert first is not None
    assert first > timezone.now()
    changed = DagSpec("one", (sql_task("a"),), schedule="@hourly")
    change_dag(changed, seen=1, actor=ACTOR)
    dag.refresh_from_db()
    assert dag.next_run_at is not None
    assert dag.next_run_at <= first
    change_dag(DagSpec("one", (sql_task("a"),)), seen=2, actor=ACTOR)
    dag.refresh_from_db()
    assert dag.next_run_at is None


def test_a_saved_dag_can_be_triggered_at_once() -> None:
    create_dag(chain(), actor=ACTOR)
    run = trigger_dag_run("chain", actor=ACTOR)
    states = dict(run.task_instances.values_list("task_id", "state"))
    assert states == {"a": "queued", "b": "pending", "c": "pending"}


def test_a_version_that_is_not_the_present_one_is_not_saved_over() -> None:
    create_dag(chain(), actor=ACTOR)
    other = DagSpec("chain", (sql_task("a"),))
    change_dag(other, seen=1, actor=ACTOR)
    before = everything()
    with pytest.raises(Stale) as raised:
        change_dag(DagSpec("chain", (sql_task("x"),)), seen=1, actor=ACTOR)
    assert raised.value.version.number == 2
    assert everything() == before
    # What is the same as the present version is no conflict.
    assert not change_dag(other, seen=1, actor=ACTOR).is_new_version


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"origin": "browser"}, "There is a DAG elt already. Choose another ID."),
        ({}, "There is a DAG elt already, in elt.py."),
        ({"is_missing": True}, "its runs are kept under this ID"),
    ],
)
def test_an_id_that_is_taken_is_refused_and_says_by_what(more: dict[str, Any], words: str) -> None:
    save(elt())
    Dag.objects.update(**more)
    before = everything()
    with pytest.raises(SaveRefused, match=words) as raised:
        create_dag(DagSpec("elt", (sql_task("a"),)), actor=ACTOR)
    assert raised.value.is_id
    assert everything() == before


def test_a_dag_of_a_file_or_one_that_is_gone_is_not_changed() -> None:
    save(elt())
    before = everything()
    with pytest.raises(SaveRefused, match="comes from the file"):
        change_dag(DagSpec("elt", (sql_task("a"),)), seen=1, actor=ACTOR)
    with pytest.raises(SaveRefused, match="comes from the file"):
        delete_dag("elt", actor=ACTOR)
    for act in (
        lambda: change_dag(chain(), seen=1, actor=ACTOR),
        lambda: delete_dag("x", actor=ACTOR),
    ):
        with pytest.raises(DagNotFound):
            act()
    assert everything() == before


def test_a_delete_takes_every_row_of_the_dag_and_no_other() -> None:
    save(elt())
    create_dag(chain(), actor=ACTOR)
    for dag_id in ("elt", "chain"):
        run = trigger_dag_run(dag_id, actor=ACTOR)
        instance = run.task_instances.all()[0]
        LogLine.objects.create(run=run, task_instance=instance, sequence=1, text="x")
        XCom.objects.create(task_instance=instance, key="return_value", value=1)
        RenderedFields.objects.create(task_instance=instance, try_number=1)
        DagRun.objects.filter(pk=run.pk).update(state="success")
    kept = {model: model._base_manager.count() for model in ROWS}
    assert delete_dag("chain", actor=ACTOR) == 1
    for model in ROWS:
        left = model._base_manager.count()
        assert 0 < left < kept[model], model
    assert Dag.objects.get().dag_id == "elt"


ROWS: tuple[Any, ...] = (
    *(Dag, DagVersion, DagRun, TaskInstance),
    *(Step, LogLine, XCom, RenderedFields),
)


# Beside the DAG files


def test_the_files_leave_dags_from_the_browser_alone(tmp_path: Path) -> None:
    create_dag(chain(), actor=ACTOR)
    (tmp_path / "one.py").write_text(file_of("chain", "other"))
    sync.sync(tmp_path, timeout=10)
    dag = Dag.objects.get(dag_id="chain")
    assert (dag.origin, dag.filename, dag.is_missing) == ("browser", "", False)
    assert dag.spec == chain()
    error = DagImportError.objects.get()
    assert "chain was made in the browser" in error.message
    assert Dag.objects.get(dag_id="other").filename == "one.py"
    (tmp_path / "one.py").unlink()
    sync.sync(tmp_path, timeout=10)
    missing = dict(Dag.objects.values_list("dag_id", "is_missing"))
    assert missing == {"chain": False, "other": True}


def test_a_file_gets_the_id_that_the_browser_gave_up(tmp_path: Path) -> None:
    create_dag(chain(), actor=ACTOR)
    (tmp_path / "one.py").write_text(file_of("chain"))
    sync.sync_if_changed(tmp_path, timeout=10)
    delete_dag("chain", actor=ACTOR)
    sync.sync_if_changed(tmp_path, timeout=10)
    assert Dag.objects.get().filename == "one.py"
    assert not DagImportError.objects.exists()


# Download


def test_what_is_downloaded_is_read_as_the_same_dag(admin_client: Client, tmp_path: Path) -> None:
    spec = DagSpec(
        "rain",
        (
            sql_task("make", retries=2, retry_delay=90),
            sql_task("fill", "make", trigger_rule="all_done"),
            TaskSpec(
                "tell",
                "HttpOperator",
                "{{ params.api }}",
                {"endpoint": "rain", "data": {"n": "{{ ti.xcom_pull(task_ids='fill') }}"}},
                ("make", "fill"),
            ),
        ),
        description="Rain 'and' \"snow\"",
        schedule="0 6 * * 1-5",
        timezone="Europe/Vienna",
        start_date="2026-07-01T06:00:00+02:00",
        catchup=True,
        max_active_runs=2,
        dagrun_timeout=7200,
        tags=("weather",),
        params={"api": "weather_api", "rows": 7},
        doc_md="# Rain\nIn mm.",
    )
    create_dag(spec, actor=ACTOR)
    answer = admin_client.get("/dags/rain/download/")
    assert answer.headers["Content-Type"] == "text/x-python; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="rain.py"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    path = tmp_path / "rain.py"
    path.write_bytes(answer.content)
    parsed = parse_file(path, folder=tmp_path)
    assert parsed.problem is None
    assert parsed.dags[0].notices == ()
    assert parsed.dags[0].spec.digest() == spec.digest()


def test_the_file_of_what_was_typed_is_read_as_what_was_saved(
    admin_client: Client, tmp_path: Path
) -> None:
    editor = Editor(admin_client).type(dag_id="typed", schedule="@daily").choose("HttpOperator")
    editor.type(task__arg__method="GET", task__arg__endpoint="a/b", task__arg__data='{"q": [1]}')
    editor.press("save")
    assert editor.status == 302, editor.html
    spec = Dag.objects.get().spec
    assert spec is not None
    path = tmp_path / "typed.py"
    path.write_bytes(admin_client.get("/dags/typed/download/").content)
    assert parse_file(path, folder=tmp_path).dags[0].spec.digest() == spec.digest()


def test_of_a_dag_from_a_file_that_file_is_downloaded(admin_client: Client) -> None:
    dag = save(elt(), source="# the file\n")
    Dag.objects.filter(pk=dag.pk).update(filename="team/elt file.py")
    answer = admin_client.get("/dags/elt/download/")
    assert answer.content == b"# the file\n"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="elt file.py"'
    assert admin_client.get("/dags/nobody/download/").status_code == 404
    assert "/dags/elt/download/" in admin_client.get("/dags/elt/").content.decode()


def test_the_file_of_an_older_version_is_downloaded_as_it_was(admin_client: Client) -> None:
    save(elt(), source="# before\n")
    save(elt(description="other"), source="# now\n")
    answer = admin_client.get("/dags/elt/download/?version=1")
    assert answer.content == b"# before\n"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="elt.v1.py"'
    assert admin_client.get("/dags/elt/download/?version=2").content == b"# now\n"
    for number in ("3", "x", "0"):
        assert admin_client.get(f"/dags/elt/download/?version={number}").status_code == 404
    assert "download/?version=1" in admin_client.get("/dags/elt/versions/1/").content.decode()


def test_a_dag_whose_code_is_not_kept_says_so_instead(admin_client: Client) -> None:
    spec = DagSpec("code", (TaskSpec("a", "PythonOperator"),), source_digest="x")
    save(spec, source="")
    answer = admin_client.get("/dags/code/download/", follow=True)
    assert "its own file is the one to take" in answer.content.decode()
