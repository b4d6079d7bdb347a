"""The log of a try over the API, and what tasks left for others."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tasks.api import logs
from tasks.models import LogLine, XCom
from tasks.operators.base import TaskResult
from tests.api.calls import Caller
from tests.api.dag_world import DAGS, World, run_path, world
from tests.engine.driving import SCRIPTS, instance

__all__ = ["world"]


def test_a_log_is_read_as_messages_lines_and_text(admin: Caller, world: World) -> None:
    run = world.failed_run()
    LogLine.objects.create(
        run=run, task_instance=instance(run, "b"), sequence=1, level="warning", text="look, é"
    )
    path = run_path(run, "taskInstances", "b", "logs", "1")
    found = admin.get(path).json()
    assert found["continuation_token"] is None
    messages = found["content"]
    assert messages[0]["event"] == "look, é"
    assert set(messages[0]) == {"timestamp", "event", "level", "logger"}
    lines = admin("GET", path, headers={"Accept": "application/x-ndjson"})
    assert [json.loads(line) for line in lines.content.decode().splitlines()] == messages
    text = admin("GET", path, headers={"Accept": "text/plain"}).content.decode()
    assert text.splitlines()[0].endswith(" WARNING look, é")
    assert admin("GET", path, headers={"Accept": "image/png"}).status_code == 406


def test_a_long_log_comes_in_parts_that_leave_nothing_out(
    admin: Caller, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LINES", 7)
    run = world.run()
    row = instance(run, "b")
    LogLine.objects.bulk_create(
        LogLine(run=run, task_instance=row, sequence=1 + number // 5, text=f"line {number}")
        for number in range(20)
    )
    path = run_path(run, "taskInstances", "b", "logs", "1")
    seen, token, parts = [], "", 0
    while token is not None:
        found = admin.get(path, **({"token": token} if token else {})).json()
        seen += [message["event"] for message in found["content"]]
        token, parts = found["continuation_token"], parts + 1
    assert [text for text in seen if text.startswith("line")] == [f"line {n}" for n in range(20)]
    assert len(seen) == row.log_lines.count()
    assert parts == -(-len(seen) // 7)


def test_a_log_that_goes_on_gives_a_token_for_what_follows(admin: Caller, world: World) -> None:
    run = world.run(work=False)
    row = instance(run, "a")
    LogLine.objects.create(run=run, task_instance=row, sequence=1, text="first")
    path = run_path(run, "taskInstances", "a", "logs", "1")
    found = admin.get(path).json()
    assert [message["event"] for message in found["content"]] == ["first"]
    again = admin.get(path, token=found["continuation_token"]).json()
    assert again["content"] == []
    LogLine.objects.create(run=run, task_instance=row, sequence=1, text="second")
    last = admin.get(path, token=again["continuation_token"]).json()
    assert [message["event"] for message in last["content"]] == ["second"]
    header = admin("GET", path, headers={"Accept": "text/plain"})
    assert header["Airflow-Continuation-Token"]


def test_what_tasks_left_is_read_by_its_key(admin: Caller, world: World) -> None:
    SCRIPTS["b"] = [lambda context: TaskResult("Done", value={"n": 3}, xcoms={"x": [1]})]
    run = world.run(logical_date=datetime(2026, 2, 1, tzinfo=UTC))
    path = run_path(run, "taskInstances", "b", "xcomEntries")
    found = admin.get(path).json()
    assert [entry["key"] for entry in found["xcom_entries"]] == ["return_value", "x"]
    assert "value" not in found["xcom_entries"][0]
    one = admin.get(f"{path}/return_value").json()
    assert (one["value"], one["logical_date"]) == ({"n": 3}, "2026-02-01T00:00:00Z")
    assert admin.get(f"{path}/return_value", stringify="true").json()["value"] == '{"n": 3}'
    everywhere = f"{DAGS}/~/dagRuns/~/taskInstances/~/xcomEntries"
    assert admin.get(everywhere).json()["total_entries"] == XCom.objects.count() == 4
    assert admin.get(everywhere, xcom_key="x").json()["total_entries"] == 1
    assert admin.get(everywhere, task_id_pattern="B", limit=1).json()["total_entries"] == 2
    assert admin.get(everywhere, order_by="-timestamp").status_code == 200
    nowhere = run_path(run, "taskInstances", "nope", "xcomEntries")
    assert admin.get(nowhere).json() == {"xcom_entries": [], "total_entries": 0}
