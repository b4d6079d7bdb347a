"""The operators of BigQuery, and those that branch, in whole runs."""

from __future__ import annotations

from typing import Any

from tasks.models import DagRun, TaskInstance
from tasks.spec import TaskSpec
from tests.fakes.google import FakeGoogle, JobError, JobPlan
from tests.tasks.conftest import query_task
from tests.tasks.failures import AT_STEP_4

CONNECTION = "my_gcp_conn"


def task(task_id: str, operator: str, *upstream: str, **arguments: Any) -> TaskSpec:
    needs_none = operator.endswith(("ExpressionOperator", "EmptyOperator"))
    conn_id = None if needs_none else CONNECTION
    return TaskSpec(task_id, operator, conn_id, arguments, upstream)


def outcomes(run: DagRun) -> dict[str, str]:
    return dict(run.task_instances.order_by("position").values_list("task_id", "state"))


def value_of(run: DagRun, task_id: str) -> Any:
    return run.task_instances.get(task_id=task_id).xcoms.get(key="return_value").value


def test_a_branch_follows_one_way_and_skips_the_other(run_dag: Any) -> None:
    branch = "{{ 'full' if params.all else 'delta' }}"
    tasks = (
        task("choose", "BranchExpressionOperator", expression=branch),
        task("full", "EmptyOperator", "choose"),
        task("delta", "EmptyOperator", "choose"),
        task("after_full", "EmptyOperator", "full"),
    )
    run = run_dag(*tasks, conf={"all": False})
    assert outcomes(run) == {
        "choose": "success",
        "full": "skipped",
        "delta": "success",
        "after_full": "skipped",
    }
    assert run.state == "success"
    assert value_of(run, "choose") == "delta"
    again = run_dag(*tasks, conf={"all": True})
    assert outcomes(again)["after_full"] == "success"


def test_a_branch_to_nowhere_fails_and_nothing_after_it_runs(run_dag: Any) -> None:
    run = run_dag(
        task("choose", "BranchExpressionOperator", expression="{{ 'ful' }}"),
        task("full", "EmptyOperator", "choose"),
    )
    assert outcomes(run) == {"choose": "failed", "full": "upstream_failed"}
    assert run.steps.get(number=4, task_instance__task_id="choose").error_code == (
        "task:branch-unknown"
    )


def test_a_short_circuit_skips_all_that_follows_or_lets_the_rules_decide(run_dag: Any) -> None:
    def run_it(**more: Any) -> dict[str, str]:
        last = TaskSpec("last", "EmptyOperator", None, {}, ("next",), trigger_rule="all_done")
        return outcomes(
            run_dag(
                task("wanted", "ShortCircuitExpressionOperator", condition="{{ none }}", **more),
                task("next", "EmptyOperator", "wanted"),
                last,
            )
        )

    assert run_it() == {"wanted": "success", "next": "skipped", "last": "skipped"}
    assert run_it(ignore_downstream_trigger_rules=False) == {
        "wanted": "success",
        "next": "skipped",
        "last": "success",
    }


def test_rows_that_were_read_choose_what_runs_next(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    rows = [["full"], ["delta"]]
    google.catalog.put_table("acme-reports.plan.today", schema=[("t", "STRING")], rows=rows)
    read = {"dataset_id": "plan", "table_id": "today", "as_dict": True}
    run = run_dag(
        task("read", "BigQueryGetDataOperator", **read),
        task(
            "choose",
            "BranchExpressionOperator",
            "read",
            expression="{{ ti.xcom_pull('read') | map(attribute='t') | join(',') }}",
        ),
        task("full", "EmptyOperator", "choose"),
        task("delta", "EmptyOperator", "choose"),
        task("other", "EmptyOperator", "choose"),
    )
    assert outcomes(run)["other"] == "skipped"
    assert value_of(run, "choose") == ["full", "delta"]
    assert run.state == "success"


def test_the_id_of_a_job_reaches_the_task_that_reads_its_rows(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(schema=[("n", "INTEGER")], rows=[[7], [8]]))
    left = {"__xcom__": "bq_task", "key": "return_value"}
    run = run_dag(
        query_task(), task("read", "BigQueryGetDataOperator", "bq_task", job_id=left, max_results=1)
    )
    assert run.state == "success"
    assert value_of(run, "bq_task") in google.jobs
    assert value_of(run, "read") == [[7]]


def test_a_failed_check_shows_its_row_without_the_secrets_in_it(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    line = key["private_key"].split("\n")[3]
    google.plan(JobPlan(schema=[("a", "STRING"), ("b", "INTEGER")], rows=[[line, 0]]))
    run = run_dag(task("bq_task", "BigQueryCheckOperator", sql="SELECT a, b FROM t"))
    step = run.steps.get(number=4)
    assert step.error_code == "job:check-failed"
    assert "b = 0" in step.result
    assert line not in f"{step.result} {step.facts} {list(run.log_lines.values_list('text'))}"


def test_a_failed_check_is_tried_again_where_the_task_has_retries(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(rows=[]))
    check = {"sql": "SELECT 1"}
    run = run_dag(TaskSpec("c", "BigQueryCheckOperator", CONNECTION, check, retries=1))
    assert run.task_instances.get().state == "up_for_retry"
    google.plan(JobPlan(error=JobError.invalid_query()))
    wrong = run_dag(TaskSpec("c", "BigQueryCheckOperator", CONNECTION, check, retries=1))
    assert wrong.task_instances.get().state == "failed"


def test_a_table_that_is_there_already_skips_the_task_if_that_is_asked_for(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.catalog.put_table("acme-reports.sales.day", schema=[("a", "DATE")])
    make = {"dataset_id": "sales", "table_id": "day", "table_resource": {}, "if_exists": "skip"}
    run = run_dag(task("make", "BigQueryCreateTableOperator", **make))
    assert outcomes(run) == {"make": "skipped"}
    assert TaskInstance.objects.get().run.state == "success"


def test_a_task_out_of_time_cancels_its_job(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    from tests.tasks.conftest import states

    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(running=60))
    query = query_task(poll_interval=0.5)
    run = run_dag(
        TaskSpec("bq_task", query.operator, CONNECTION, query.arguments, execution_timeout=0.5)
    )
    assert states(run) == AT_STEP_4
    assert run.steps.get(number=4).error_code == "task:execution-timeout"
    [job] = google.jobs.values()
    assert job.stopped
