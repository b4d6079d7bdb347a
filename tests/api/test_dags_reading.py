"""DAGs, their parts and the files that can't be read, as Airflow's objects."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks.models import Dag, DagImportError, DagOrigin
from tests.api.calls import Caller, faults
from tests.api.dag_world import DAGS, World, world
from tests.engine.driving import task

__all__ = ["world"]
#: As a running Airflow 3.3.2 answers them.
DAG_KEYS = {
    *("dag_id", "dag_display_name", "is_paused", "is_stale", "last_parsed_time"),
    *("last_parse_duration", "last_expired", "bundle_name", "bundle_version"),
    *("relative_fileloc", "fileloc", "description", "timetable_summary"),
    *("timetable_description", "timetable_partitioned", "timetable_periodic", "tags"),
    *("max_active_tasks", "max_active_runs", "max_consecutive_failed_dag_runs"),
    *("has_task_concurrency_limits", "has_import_errors", "next_dagrun_logical_date"),
    *("next_dagrun_data_interval_start", "next_dagrun_data_interval_end"),
    *("next_dagrun_run_after", "allowed_run_types", "owners", "is_backfillable", "file_token"),
}
DETAIL_KEYS = DAG_KEYS | {
    *("catchup", "dag_run_timeout", "asset_expression", "doc_md", "start_date", "end_date"),
    *("is_paused_upon_creation", "params", "render_template_as_native_obj"),
    *("template_search_path", "timezone", "last_parsed", "default_args"),
    *("rerun_with_latest_version", "owner_links", "is_favorite", "active_runs_count"),
    *("concurrency", "latest_dag_version"),
}


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [dag["dag_id"] for dag in answer.json()["dags"]]


@pytest.fixture
def some(world: World) -> None:
    world.dag(dag_id="sales_eu", tags=("eu", "daily"), schedule="0 6 * * *")
    world.dag(dag_id="sales_us", tags=("us", "daily"))
    world.dag(dag_id="Stock", tags=("eu",), max_active_runs=3, max_active_tasks=8)
    world.dag(dag_id="gone")
    Dag.objects.filter(dag_id="gone").update(is_missing=True)
    Dag.objects.filter(dag_id="sales_us").update(is_paused=True)


def test_a_dag_has_all_of_airflows_keys(admin: Caller, world: World) -> None:
    world.dag(schedule="0 6 * * *", tags=("b", "a"), max_active_runs=3)
    found = admin.get(f"{DAGS}/etl").json()
    assert set(found) == DAG_KEYS
    assert [tag["name"] for tag in found["tags"]] == ["a", "b"]
    assert (found["timetable_summary"], found["timetable_periodic"]) == ("0 6 * * *", True)
    assert (found["max_active_runs"], found["max_active_tasks"]) == (3, 10_000)


def test_the_details_have_what_the_file_says(admin: Caller, world: World) -> None:
    world.dag(
        params={"day": "x", "n": 3},
        param_schemas={"n": {"type": "integer", "description": "How many"}},
        start_date="2026-01-01T00:00:00+00:00",
        dagrun_timeout=90.0,
        doc_md="# Doc",
    )
    world.run(work=False)
    found = admin.get(f"{DAGS}/etl/details").json()
    assert set(found) == DETAIL_KEYS
    assert found["params"]["n"] == {
        "value": 3,
        "schema": {"type": "integer", "description": "How many"},
        "description": "How many",
        "source": None,
    }
    assert (found["start_date"], found["dag_run_timeout"]) == ("2026-01-01T00:00:00Z", "PT1M30S")
    assert (found["active_runs_count"], found["latest_dag_version"]["version_number"]) == (1, 1)


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["Stock", "sales_eu", "sales_us"]),
        ({"exclude_stale": "false"}, ["Stock", "gone", "sales_eu", "sales_us"]),
        ({"paused": "true"}, ["sales_us"]),
        ({"paused": "false"}, ["Stock", "sales_eu"]),
        ({"tags": ["eu"]}, ["Stock", "sales_eu"]),
        ({"tags": ["eu", "daily"]}, ["Stock", "sales_eu", "sales_us"]),
        ({"tags": ["eu", "daily"], "tags_match_mode": "all"}, ["sales_eu"]),
        ({"tags": ["no"]}, []),
        ({"dag_id_pattern": "SALES"}, ["sales_eu", "sales_us"]),
        ({"dag_id_pattern": "stock|us"}, ["Stock", "sales_us"]),
        ({"dag_id_prefix_pattern": "S"}, ["Stock"]),
        ({"dag_id_pattern": "\0"}, []),
        ({"order_by": ["-dag_id"]}, ["sales_us", "sales_eu", "Stock"]),
        ({"has_import_errors": "true"}, []),
        ({"last_dag_run_state": "success"}, []),
        ({"dag_run_state": "success"}, []),
    ],
)
def test_a_list_is_narrowed_as_in_airflow(
    admin: Caller, query: dict[str, Any], expected: list[str]
) -> None:
    answer = admin.get(DAGS, **query)
    # Databases differ in how they sort capitals.
    assert sorted(ids(answer)) == sorted(expected)
    assert answer.json()["total_entries"] == len(expected)


@pytest.mark.usefixtures("some")
def test_a_list_has_pages(admin: Caller) -> None:
    first = admin.get(DAGS, limit=1, order_by=["dag_id"])
    assert (len(ids(first)), first.json()["total_entries"]) == (1, 3)
    second = admin.get(DAGS, limit=2, offset=1, order_by=["dag_id"])
    assert set(ids(first)) | set(ids(second)) == {"Stock", "sales_eu", "sales_us"}


def test_dags_are_found_by_their_runs(admin: Caller, world: World) -> None:
    world.failed_run("bad")
    world.run("good")
    world.dag(dag_id="idle")
    assert ids(admin.get(DAGS, last_dag_run_state="failed")) == ["bad"]
    assert ids(admin.get(DAGS, dag_run_state=["success", "failed"])) == ["bad", "good"]
    assert ids(admin.get(DAGS, dag_run_start_date_gte="2000-01-01T00:00:00Z")) == ["bad", "good"]
    assert ids(admin.get(DAGS, dag_run_end_date_lt="2000-01-01T00:00:00Z")) == []
    assert ids(admin.get(DAGS, order_by=["-last_run_state", "dag_id"], limit=100))


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({"order_by": "nope"}, 400, "Ordering with 'nope' is disallowed"),
        ({"owners": "ann"}, 400, "can't narrow or page a list by owners"),
        ({"dag_run_state": "nope"}, 422, "Valid values are queued, running, success, failed"),
    ],
)
def test_what_a_list_can_not_do_is_told(
    admin: Caller, query: dict[str, Any], status: int, words: str
) -> None:
    answer = admin.get(DAGS, **query)
    assert answer.status_code == status
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"paused": "maybe"}, "bool_parsing"),
        ({"limit": -1}, "greater_than_equal"),
        ({"tags_match_mode": "some"}, "literal_error"),
        ({"last_dag_run_state": "nope"}, "enum"),
        ({"dag_run_start_date_gte": "soon"}, "datetime_from_date_parsing"),
        ({"dag_run_start_date_gte": "0001-01-01T00:00:00+12:00"}, "value_error"),
    ],
)
def test_a_parameter_that_can_not_be_is_refused_at_its_place(
    admin: Caller, query: dict[str, Any], kind: str
) -> None:
    [fault] = faults(admin.get(DAGS, **query))
    assert fault == (kind, ["query", next(iter(query))])


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("dags/nope", "The Dag with ID: `nope` was not found"),
        ("dags/nope/details", "The Dag with ID: `nope` was not found"),
        ("dags/nope/tasks", "The Dag with ID: `nope` was not found"),
        ("dags/etl/tasks/nope", "Task with id nope was not found"),
        ("dags/nope/dagVersions", "The Dag with ID: `nope` was not found"),
        (
            "dags/etl/dagVersions/9",
            "The DagVersion with dag_id: `etl` and version_number: `9` was not found",
        ),
        ("dagSources/nope", "The source code of the Dag nope, version_number None was not found"),
        ("importErrors/9", "The ImportError with import_error_id: `9` was not found"),
        ("importErrors/99999999999999999999", "was not found"),
        ("dags/%00", "was not found"),
        ("dags/%00/details", "was not found"),
        ("dagSources/%00", "was not found"),
        ("dags/etl/dagVersions/99999999999999999999", "was not found"),
    ],
)
def test_what_is_not_there_is_404_in_airflows_words(
    admin: Caller, world: World, path: str, words: str
) -> None:
    world.dag()
    answer = admin.get(f"/api/v2/{path}")
    assert answer.status_code == 404
    assert words in answer.json()["detail"]


def test_the_tasks_of_a_dag_are_shown_as_its_version_has_them(admin: Caller, world: World) -> None:
    world.dag(task("a", retries=2, retry_delay=90.5), task("b", "a", execution_timeout=60.0))
    found = admin.get(f"{DAGS}/etl/tasks").json()
    assert found["total_entries"] == 2
    first, second = found["tasks"]
    assert (first["task_id"], first["retries"], first["downstream_task_ids"]) == ("a", 2, ["b"])
    delay = {"__type": "TimeDelta", "days": 0, "seconds": 90, "microseconds": 500_000}
    assert first["retry_delay"] == delay
    assert second["execution_timeout"]["seconds"] == 60
    assert first["template_fields"] == ["text"]
    assert admin.get(f"{DAGS}/etl/tasks/b").json() == second
    turned = admin.get(f"{DAGS}/etl/tasks", order_by="-task_id").json()["tasks"]
    assert turned == [second, first]
    assert admin.get(f"{DAGS}/etl/tasks", order_by="nope").status_code == 400


def test_versions_and_their_sources_are_told(admin: Caller, world: World) -> None:
    dag = world.dag()
    world.dag(task("a"))
    dag.versions.filter(number=1).update(source="# the first\n")
    dag.versions.filter(number=2).update(source="# the second\n")
    found = admin.get(f"{DAGS}/etl/dagVersions", order_by="-version_number").json()
    assert [each["version_number"] for each in found["dag_versions"]] == [2, 1]
    assert admin.get(f"{DAGS}/etl/dagVersions/2").json() == found["dag_versions"][0]
    assert admin.get("/api/v2/dagSources/etl").json()["content"] == "# the second\n"
    first = admin(
        "GET", "/api/v2/dagSources/etl?version_number=1", headers={"Accept": "text/plain"}
    )
    assert (first["Content-Type"], first.content) == ("text/plain; charset=utf-8", b"# the first\n")
    refused = admin("GET", "/api/v2/dagSources/etl", headers={"Accept": "image/png"})
    assert refused.status_code == 406


def test_a_dag_of_the_browser_has_the_source_that_it_is_downloaded_as(
    admin: Caller, world: World
) -> None:
    world.dag(task("a", operator="EmptyOperator"))
    Dag.objects.update(origin=DagOrigin.BROWSER)
    content = admin.get("/api/v2/dagSources/etl").json()["content"]
    assert "EmptyOperator(" in content
    assert admin.get(f"{DAGS}/etl").json()["bundle_name"] is None


def test_files_that_can_not_be_read_are_listed(admin: Caller, world: World) -> None:
    world.dag()
    for name in ("dag.py", "other.py"):
        DagImportError.objects.create(
            filename=name, line=3, kind="syntax", message="no", since=timezone.now()
        )
    found = admin.get("/api/v2/importErrors", filename_pattern="DAG").json()
    assert found["total_entries"] == 1
    [error] = found["import_errors"]
    assert (error["filename"], error["stack_trace"]) == ("dag.py", "dag.py:3: no")
    assert admin.get(f"/api/v2/importErrors/{error['import_error_id']}").json() == error
    assert admin.get("/api/v2/importErrors", filename="\0").json()["total_entries"] == 0
    assert admin.get(f"{DAGS}/etl").json()["has_import_errors"] is True
    assert ids(admin.get(DAGS, has_import_errors="true")) == ["etl"]


def test_lists_of_dags_take_as_many_queries_for_many_as_for_one(
    admin: Caller, world: World
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as found:
            assert admin.get(DAGS, limit=100).status_code == 200
        return len(found)

    world.dag(dag_id="first")
    few = queries()
    for number in range(30):
        world.dag(dag_id=f"d{number}", tags=("x",))
    assert queries() == few


def test_tags_and_counts_of_runs_are_told(admin: Caller, world: World) -> None:
    world.dag(tags=("daily", "eu"))
    world.dag(dag_id="other", tags=("EUR",))
    world.run()
    world.failed_run("other")
    assert admin.get("/api/v2/dagTags").json() == {
        "tags": ["EUR", "daily", "eu"],
        "total_entries": 3,
    }
    found = admin.get("/api/v2/dagTags", tag_name_pattern="EU", order_by="-name", limit=1).json()
    assert found == {"tags": ["eu"], "total_entries": 2}
    assert admin.get("/api/v2/dagTags", order_by="nope").status_code == 400
    counts = admin.get("/api/v2/dagStats", dag_ids=["other", "\0"]).json()
    assert counts["total_entries"] == 1
    assert [(each["state"], each["count"]) for each in counts["dags"][0]["stats"]] == [
        ("queued", 0),
        ("running", 0),
        ("success", 0),
        ("failed", 1),
    ]
    assert admin.get("/api/v2/dagStats").json()["total_entries"] == 2
