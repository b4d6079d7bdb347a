"""``manage.py dags`` in this process: what it prints, what it does, and its exit codes."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from access.audit import Actor
from access.models import AuditEvent
from tasks.command_line.parser import EXAMPLES, add_commands
from tasks.models import Dag, DagImportError, DagRun
from tasks.schedules.due import set_paused
from tasks.services import trigger_dag_run
from tasks.spec import DagSpec, TaskSpec
from tests.conftest import ACTOR
from tests.engine.driving import (
    SCRIPTS,
    Engine,
    instance,
    save_spec,
    scripted_operators,
    state_of,
    states_of,
    task,
    wrong,
)
from tests.terminal import in_this_process

BY = Actor.of_command_line().name


@pytest.fixture
def engine(
    db: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> Iterator[Engine]:
    driven = Engine(django_capture_on_commit_callbacks)
    monkeypatch.setattr("tasks.engine.leases._start_keeper", lambda: None)
    for place in ("tasks.services.send", "tasks.acts.send", "tasks.clock.send"):
        monkeypatch.setattr(place, driven.send)
    with scripted_operators(monkeypatch):
        yield driven


def dags(*words: str, code: int = 0) -> str:
    """Run the command; all that it printed, and what it refused with."""
    out, ended, refused = StringIO(), 0, ""
    try:
        call_command("dags", *words, stdout=out, stderr=out)
    except CommandError as error:
        ended, refused = error.returncode, str(error)
    except SystemExit as end:
        ended = int(str(end.code))
    assert ended == code, out.getvalue() + refused
    return out.getvalue() + refused


@pytest.fixture
def some(engine: Engine) -> Engine:
    """``etl`` with a, then b, then c."""
    tasks = (task("a"), task("b", "a"), task("c", "b"))
    save_spec(DagSpec("etl", tasks, schedule="0 6 * * *", tags=("daily",), description="Loads"))
    return engine


def run(engine: Engine, *, work: bool = True, **fields: Any) -> DagRun:
    with engine.committing():
        made = trigger_dag_run("etl", actor=ACTOR, **fields)
    if work:
        engine.work()
    made.refresh_from_db()
    return made


def failed_run(engine: Engine) -> DagRun:
    SCRIPTS["b"] = [wrong]
    made = run(engine, run_id="r1")
    SCRIPTS.clear()
    return made


def rows(*words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dags(*words, "-o", "json"))
    return found


def everything() -> Any:
    runs = DagRun.objects.order_by("pk")
    return (
        list(runs.values()),
        [states_of(each) for each in runs],
        list(Dag.objects.values("is_paused")),
        AuditEvent.objects.count(),
    )


# What there is


def test_dags_are_listed_for_people_and_for_programs(some: Engine) -> None:
    save_spec(DagSpec("other", (TaskSpec("t", "EmptyOperator", conn_id="pg"),)))
    Dag.objects.filter(dag_id="other").update(is_missing=True)
    table = dags("list")
    assert "0 6 * * *" in table
    assert "missing" in table
    first, second = rows("list")
    assert (first["dag_id"], first["version"], first["tags"]) == ("etl", 1, ["daily"])
    assert (second["state"], second["connections"]) == ("missing", ["pg"])
    assert yaml.safe_load(dags("list", "-o", "yaml"))[0]["dag_id"] == "etl"
    assert dags("list", "-o", "plain").splitlines()[0].split()[:2] == ["dag_id", "state"]
    assert dags("list", "--ids").split() == ["etl", "other"]
    assert [row["dag_id"] for row in rows("list", "--tag", "daily")] == ["etl"]


def test_nothing_is_listed_with_the_names_of_the_columns(db: None) -> None:
    assert "dag_id" in dags("list")
    assert rows("list") == []
    assert dags("errors") == ""


@pytest.mark.parametrize("name", ["show", "details"])
def test_a_dag_is_shown_with_its_tasks(some: Engine, name: str) -> None:
    text = dags(name, "etl")
    assert "Loads" in text
    assert "ScriptedOperator" in text
    [found] = rows(name, "etl")
    assert (found["version"], found["schedule"]) == (1, "0 6 * * *")
    assert [each["after"] for each in found["tasks"]] == [[], ["a"], ["b"]]


def test_versions_are_listed_with_their_runs(some: Engine) -> None:
    run(some)
    save_spec(DagSpec("etl", (task("a"),)))
    assert [(row["version"], row["runs"]) for row in rows("versions", "etl")] == [(2, 0), (1, 1)]
    assert len(rows("versions", "etl", "--limit", "1")) == 1


def test_the_next_runs_are_told(some: Engine) -> None:
    found = rows("next-execution", "etl", "-n", "3")
    moments = [datetime.fromisoformat(row["run_after"]) for row in found]
    assert [moment.hour for moment in moments] == [6, 6, 6]
    assert moments[1] - moments[0] == moments[2] - moments[1]
    assert moments[0] > datetime.now(UTC)
    save_spec(DagSpec("by_hand", (task("a"),)))
    assert rows("next-execution", "by_hand") == []


@pytest.mark.parametrize("name", ["errors", "list-import-errors"])
def test_files_that_can_not_be_read_end_it_with_1(db: None, name: str) -> None:
    DagImportError.objects.create(filename="bad.py", line=3, kind="syntax", message="no")
    assert dags(name, code=1) == "bad.py:3: no\n"
    assert json.loads(dags(name, "-o", "json", code=1))[0]["line"] == 3


@pytest.mark.parametrize("name", ["runs", "list-runs"])
def test_runs_are_listed_the_last_one_first(some: Engine, name: str) -> None:
    for number in range(3):
        run(some, run_id=f"r{number}")
    found = rows(name, "etl")
    assert [(row["run_id"], row["state"]) for row in found] == [
        ("r2", "success"),
        ("r1", "success"),
        ("r0", "success"),
    ]
    assert isinstance(found[0]["took"], float)
    assert dags(name, "etl", "--ids", "--limit", "2").split() == ["r2", "r1"]
    assert rows(name, "etl", "--state", "failed") == []
    assert rows(name)[0]["dag_id"] == "etl"


def test_a_run_is_shown_with_its_tasks_or_its_table(some: Engine) -> None:
    failed_run(some)
    text = dags("run", "etl", "r1")
    assert "step 4" in text
    [found] = rows("run", "etl", "r1")
    assert (found["state"], found["conf"]) == ("failed", {})
    assert [each["state"] for each in found["tasks"]] == ["success", "failed", "upstream_failed"]
    steps = rows("run", "etl", "r1", "--steps")
    assert [steps[0]["step"], steps[-1]["step"]] == [1, 6]
    assert [step["state"] for step in steps if step["task_id"] == "b"].count("failed") == 1


# What changes something


def test_a_run_is_triggered_with_all_that_is_said(some: Engine, engine: Engine) -> None:
    words = ("-c", '{"day": "x"}', "-r", "mine", "-l", "2026-01-31T06:00:00", "--note", "late")
    with engine.committing():
        said = dags("trigger", "etl", *words)
    assert "mine of etl is queued" in said
    made = DagRun.objects.get()
    assert (made.conf, made.run_id, made.note) == ({"day": "x"}, "mine", "late")
    assert made.logical_date == datetime(2026, 1, 31, 6, tzinfo=UTC)
    assert (made.triggered_by_name, len(engine.messages)) == (BY, 1)


def test_a_run_that_is_over_is_watched_with_its_exit_code(some: Engine) -> None:
    run(some, run_id="good")
    assert "Success" in dags("run", "etl", "good", "--watch")
    failed_run(some)
    assert "Failed" in dags("run", "etl", "r1", "--watch", code=1)


def test_a_run_is_cancelled_and_says_why(some: Engine) -> None:
    made = run(some, work=False, run_id="r1")
    assert "r1 is cancelled." in dags("cancel", "etl", "r1", "--reason", "the wrong day")
    assert state_of(made) == "cancelled"
    event = AuditEvent.objects.get(action="cancelled")
    assert (event.actor_name, event.detail["reason"]) == (BY, "the wrong day")
    before = everything()
    assert "The run is over" in dags("cancel", "etl", "r1", code=1)
    assert everything() == before


def test_one_task_is_cancelled(some: Engine) -> None:
    made = run(some, work=False, run_id="r1")
    assert "a is cancelled." in dags("cancel", "etl", "r1", "-t", "a")
    assert instance(made, "a").state == "cancelled"


def test_what_failed_is_cleared_and_runs_again(some: Engine, engine: Engine) -> None:
    made = failed_run(some)
    before = everything()
    assert "Would run again: 2 tasks: b, c." in dags(
        "clear", "etl", "r1", "--only-failed", "--dry-run"
    )
    assert "say --yes" in dags("clear", "etl", "r1", code=2)
    assert everything() == before
    with engine.committing():
        assert "2 tasks of r1 run again" in dags("clear", "etl", "r1", "-f", "-y")
    engine.work()
    assert states_of(made) == dict.fromkeys("abc", "success")
    assert AuditEvent.objects.get(action="cleared").actor_name == BY


def test_a_task_is_cleared_with_what_follows_it_at_the_present_version(
    some: Engine, engine: Engine
) -> None:
    made = run(engine, run_id="r1")
    save_spec(DagSpec("etl", (task("a"), task("b", "a"), task("c", "b"), task("d", "c"))))
    words = ("-t", "b", "--downstream", "--version", "now", "--yes")
    with engine.committing():
        assert "2 tasks" in dags("clear", "etl", "r1", *words)
    engine.work()
    assert [instance(made, name).try_number for name in "abcd"] == [1, 2, 2, 1]
    assert states_of(made)["d"] == "success"


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_at_a_terminal_it_asks(
    some: Engine, engine: Engine, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    failed_run(some)
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    def say(words: str) -> str:
        asked.append(words)
        return answer

    monkeypatch.setattr("builtins.input", say)
    with engine.committing():
        dags("clear", "etl", "r1", "--only-failed", code=code)
    assert asked == ["Run again 2 tasks: b, c? [y/N] "]
    assert DagRun.objects.get().is_over == bool(code)


def test_dags_are_paused_all_or_none(some: Engine) -> None:
    save_spec(DagSpec("other", (task("a"),)))
    before = everything()
    assert "There is no DAG nope" in dags("pause", "etl", "nope", code=2)
    assert everything() == before
    assert dags("pause", "etl", "other").splitlines() == ["etl is paused.", "other is paused."]
    assert set(Dag.objects.values_list("is_paused", flat=True)) == {True}
    assert "is not paused." in dags("unpause", "etl")
    assert "already" in dags("unpause", "etl")
    assert AuditEvent.objects.filter(action="paused", actor_name=BY).count() == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("show", "nope"), 2, "There is no DAG nope. There are: etl."),
        (("show", "elt"), 2, "There is no DAG elt. Did you mean etl? There are: etl."),
        (("trigger", "ETL"), 2, "Did you mean etl?"),
        (("show", "\udcff"), 2, "dag-id is no text in UTF-8."),
        (("trigger", "etl", "--note", "\udcff"), 2, "note is no text in UTF-8."),
        (("trigger", "etl", "--note", "n" * 1001), 2, "--note has 1,001 characters"),
        (("trigger", "etl", "--conf", "[1]"), 2, "conf must be a JSON object"),
        (("trigger", "etl", "--conf", '{"a": "\\u0000"}'), 2, "it holds a NUL character"),
        (("trigger", "etl", "--conf", f'{{"a": "{"x" * 70_000}"}}'), 2, "65,536 are allowed"),
        (("trigger", "etl", "--run-id", ".."), 1, "A run ID is part of addresses"),
        (("trigger", "etl", "--run-id", "a/b"), 1, "A run ID has"),
        (("trigger", "etl", "--run-id", "scheduled__1"), 1, "for runs that the schedule makes"),
        (("cancel", "etl", "r1", "--reason", "n" * 1001), 2, "--reason has 1,001 characters"),
        (("run", "etl", "r11"), 2, "etl has no run r11. Did you mean r1? The last ones: r1."),
        (("delete-run", "etl", "r1"), 2, "say --yes"),
        (("delete-run", "etl", "nope", "--yes"), 2, "etl has no run nope"),
        (("trigger", "nope"), 2, "There are: etl"),
        (("trigger", "etl", "--conf", "{"), 2, "--conf: conf is not JSON"),
        (("trigger", "etl", "--logical-date", "soon"), 2, "--logical-date takes a moment"),
        (("trigger", "etl", "--logical-date", "0001-01-01"), 2, "A moment between 1970"),
        (("trigger", "etl", "--run-id", "a b"), 1, "A run ID has"),
        (("trigger", "etl", "--run-id", "r1"), 1, "There is a run r1 already"),
        (("run", "etl", "nope"), 2, "etl has no run nope. The last ones: r1."),
        (("cancel", "etl", "r1", "-t", "nope"), 2, "The run has no task nope. There are: a, b, c."),
        (("clear", "etl", "r1", "-t", "nope", "-y"), 2, "The run has no task nope"),
        (("clear", "etl", "r1", "-f", "-t", "a", "-y"), 1, "Nothing is to be cleared"),
        (("next-execution", "nope"), 2, "There is no DAG nope"),
    ],
)
def test_what_can_not_be_is_refused_and_changes_nothing(
    some: Engine, words: tuple[str, ...], code: int, said: str
) -> None:
    failed_run(some)
    before = everything()
    assert said in dags(*words, code=code)
    assert everything() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("triger", "etl"), "COMMAND: there is no triger. Did you mean trigger? There are: list,"),
        (("runs", "etl", "--state", "faled"), "there is no faled. Did you mean failed?"),
        (("list", "-o", "jsn"), "--output: there is no jsn. Did you mean json?"),
        # What may be a password isn't repeated.
        (("p4ssw=rd",), "COMMAND: what was given isn't known. There are: list, show"),
        (("runs", "--limit", "0"), "must be a whole number from 1 on"),
    ],
)
def test_what_was_typed_wrong_is_told_with_what_was_meant(
    some: Engine, words: tuple[str, ...], said: str
) -> None:
    before = everything()
    answer = in_this_process("dags", *words)
    assert (answer.returncode, said in answer.stderr) == (2, True)
    assert "p4ssw" not in answer.stderr + answer.stdout
    assert everything() == before


def test_a_run_is_deleted_unless_it_goes_on(some: Engine, engine: Engine) -> None:
    made = failed_run(some)
    assert dags("delete-run", "etl", "r1", "--yes") == "r1 of etl is deleted.\n"
    assert not DagRun.objects.filter(pk=made.pk).exists()
    assert AuditEvent.objects.get(action="deleted").actor_name == BY
    waiting = run(engine, work=False, run_id="r2")
    DagRun.objects.filter(pk=waiting.pk).update(state="running")
    before = everything()
    assert "The run goes on." in dags("delete-run", "etl", "r2", "--yes", code=1)
    assert everything() == before


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_command_has_examples_that_it_takes(name: str) -> None:
    parser = argparse.ArgumentParser()
    made = add_commands(parser)
    text = made[name].format_help()
    for example in EXAMPLES[name]:
        assert f"python manage.py dags {example}\n" in text
        words = shlex.split(re.split(r" [<>]| \|\|", example)[0])
        assert parser.parse_args(words).command == name


def test_every_command_is_among_the_examples() -> None:
    assert set(add_commands(argparse.ArgumentParser())) == set(EXAMPLES)


def test_a_paused_dag_still_tells_its_next_runs(some: Engine) -> None:
    set_paused(Dag.objects.get(), True, actor=ACTOR)
    assert len(rows("next-execution", "etl")) == 1
    assert rows("list")[0]["next_run"] is None
