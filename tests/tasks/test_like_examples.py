"""DAG files written as Airflow's public examples are: SQL on PostgreSQL, calls of a service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connections.validation import Draft
from tasks.dagfiles.parser import parse_file
from tests.fakes.http_server import Call, HttpServer, Reply
from tests.tasks.like_examples import Run, left_by, results_of, runner_in_this_process, states_of
from tests.tasks.sql_world import postgres

pytestmark = pytest.mark.django_db


HEAD = (
    "from airflow.sdk import DAG\nfrom airflow.providers.http.operators.http import HttpOperator\n"
)


@pytest.fixture
def run_file(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner_in_this_process(tmp_path, settings, monkeypatch)


class Mirror(HttpServer):
    """Answers with what it was told, and gives three pages."""

    def answer(self, call: Call) -> Reply:
        if call.path == "/pages":
            number = int(call.query["cursor"])
            following = str(number + 1) if number < 3 else ""
            return Reply.of_json({"items": [number * 10], "next": following})
        told: dict[str, Any] = {"method": call.method, "args": call.query}
        if call.headers.get("content-type") == "application/json":
            told["json"] = json.loads(call.body)
        return Reply.of_json(told)


def test_sql_in_several_statements_with_parameters_templates_and_checks(run_file: Run) -> None:
    with postgres() as server:
        draft = Draft(
            "shop_db",
            "postgres",
            host=server.host,
            port=server.port,
            login=server.login,
            password=server.password,
            schema=server.schema,
            extra=server.extra,
        )
        run = run_file("like_sql_orders.py", draft)
    assert run.state == "success", results_of(run)
    day = run.logical_date or run.queued_at
    left = left_by(run)
    assert left["of_the_day"] == [["Ann", 30], ["Bo; & Co", 12]]
    assert left["pick"] == {"customer": "Bo; & Co", "day": f"{day:%Y-%m-%d}"}
    assert set(states_of(run)) >= {"checks.count", "checks.orders_of_Ann", "checks.orders_of_Cy"}
    assert "3 rows changed" in results_of(run)["fill_table"]


def test_calls_of_a_service_one_after_the_other_with_functions_that_look(run_file: Run) -> None:
    with Mirror() as server:
        run = run_file("like_http_calls.py", Draft("http_default", "http", host=server.url))
    assert run.state == "success", results_of(run)
    left = left_by(run)
    assert left["state_of"] == "ready"
    assert left["pages"] == [10, 20, 30]
    assert json.loads(left["get"])["args"] == {"state": "ready", "n": "2"}
    methods = [call.method for call in server.calls]
    assert methods == ["GET", "GET", "POST", "POST", "GET", "PUT", "DELETE", "GET", "GET", "GET"]
    (form,) = (call for call in server.of("/post") if b"name=Ann" in call.body)
    assert form.body.startswith(b"name=Ann&day=20")
    (deleted,) = (call for call in server.calls if call.method == "DELETE")
    assert deleted.path == "/items/manual"


def test_what_a_function_says_of_an_answer_is_kept_and_the_task_is_tried_again(
    run_file: Run,
) -> None:
    class Stubborn(Mirror):
        def answer(self, call: Call) -> Reply:
            if call.path == "/post":
                return Reply.of_json({"json": {"level": 4}})
            return super().answer(call)

    with Stubborn() as server:
        run = run_file("like_http_calls.py", Draft("http_default", "http", host=server.url))
    assert states_of(run)["level_is_5"] == "up_for_retry"
    failed = run.steps.get(task_instance__task_id="level_is_5", number=4, try_number=1)
    assert "The level is 4." in failed.vendor_message
    assert server.of("/get") == []


@pytest.mark.parametrize("name", ["response_check", "response_filter", "pagination_function"])
def test_a_function_given_to_an_operator_of_http_is_refused_with_what_to_do(
    tmp_path: Path, name: str
) -> None:
    file = tmp_path / "calls.py"
    call = f"HttpOperator(task_id='call', endpoint='x', {name}=lambda answer: True)"
    file.write_text(f"{HEAD}with DAG('calls'):\n    {call}\n")
    problem = parse_file(file, folder=tmp_path).problem
    assert problem is not None
    assert problem.message.startswith(f"HttpOperator: {name} can't be a function here. ")
    assert "@task" in problem.message
    assert problem.line == 4
