"""Drives the engine in this process: messages are kept, and taken one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.utils import timezone

from connections.exceptions import Failure
from tasks import clock
from tasks.engine import runner
from tasks.engine.places import Message
from tasks.models import Dag, DagRun, DagVersion, TaskInstance
from tasks.operators import OPERATORS
from tasks.operators.base import Argument, Context, Operator, Sensor, TaskResult
from tasks.spec import DagSpec, TaskSpec, check_dag

#: What a scripted task does: told by its task_id, one entry a try; the last one stays.
Act = Callable[[Context], TaskResult | None]
SCRIPTS: dict[str, list[Act]] = {}


def ok(context: Context) -> TaskResult:
    return TaskResult("Done", value=f"{context.task_id} was here")


def transient(context: Context) -> TaskResult:
    raise Failure("cloud:unavailable", host="cloud.example")


def wrong(context: Context) -> TaskResult:
    raise Failure("task:not-runnable", reason="it is wrong.")


class ScriptedOperator(Operator):
    """Does what the test says."""

    name: ClassVar[str] = "ScriptedOperator"
    import_paths: ClassVar[tuple[str, ...]] = ("tests.operators",)
    arguments: ClassVar[tuple[Argument, ...]] = (Argument("text", templated=True),)
    resumes: ClassVar[bool] = True
    calls: ClassVar[list[tuple[str, int]]] = []
    cancels_called: ClassVar[list[str]] = []

    def execute(self, session: Any, context: Context) -> TaskResult | None:
        del session
        self.calls.append((context.task_id, context.try_number))
        acts = SCRIPTS.get(context.task_id, [ok])
        return acts[min(context.try_number, len(acts)) - 1](context)

    def cancel(self, session: Any, context: Context) -> str:
        del session
        self.cancels_called.append(context.task_id)
        return "stopped what ran"


class FragileOperator(ScriptedOperator):
    """One whose try is lost with its worker."""

    name: ClassVar[str] = "FragileOperator"
    resumes: ClassVar[bool] = False


class ScriptedSensor(Sensor):
    """Looks as often as the test says: a script returns ``None`` for "not yet"."""

    name: ClassVar[str] = "ScriptedSensor"
    import_paths: ClassVar[tuple[str, ...]] = ("tests.operators",)
    arguments: ClassVar[tuple[Argument, ...]] = Sensor.common

    def execute(self, session: Any, context: Context) -> TaskResult | None:
        del session
        return SCRIPTS[context.task_id][0](context)


class ScriptedSqlOperator(ScriptedOperator):
    """One with a connection: a SQLite database in memory."""

    name: ClassVar[str] = "ScriptedSqlOperator"
    connection_argument: ClassVar[str] = "conn_id"
    default_conn_id: ClassVar[str] = "db"
    connection_types: ClassVar[tuple[str, ...]] = ("sqlite",)
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("text", templated=True),
        Argument("conn_id", default="db", templated=True),
    )


SCRIPTED = (ScriptedOperator, FragileOperator, ScriptedSensor, ScriptedSqlOperator)


def task(task_id: str, *upstream: str, **fields: Any) -> TaskSpec:
    fields.setdefault("operator", "ScriptedOperator")
    return TaskSpec(task_id, upstream=upstream, **fields)


def layers(width: int, depth: int) -> list[TaskSpec]:
    """Every task of a layer stands after every task of the layer before it."""
    tasks: list[TaskSpec] = []
    before: tuple[str, ...] = ()
    for layer in range(depth):
        names = tuple(f"t{layer}_{n}" for n in range(width))
        tasks += [task(name, *before) for name in names]
        before = names
    return tasks


class Engine:
    """Keeps the messages that the engine sends, and lets workers take them."""

    def __init__(self, capture: Any) -> None:
        self.messages: list[int] = []
        self._capture = capture

    def send(self, ready: list[Message], **_: Any) -> bool:
        self.messages += [message.task_instance_id for message in ready]
        return True

    @contextmanager
    def committing(self) -> Iterator[None]:
        """What waits for the commit happens at the end of the block."""
        with self._capture(execute=True):
            yield

    def take(self, index: int = 0) -> None:
        """A worker takes a message."""
        ready = runner.run(self.messages.pop(index))
        self.send(ready)

    def work(self, *, most: int = 20_000) -> None:
        """Until no message is left."""
        while self.messages and most:
            self.take()
            most -= 1

    def pass_time(self, seconds: float) -> None:
        """Do what is due after so many seconds, without waiting for them."""
        self.send(clock.go_on(timezone.now() + timedelta(seconds=seconds)))


def state_of(run: DagRun) -> str:
    return DagRun.objects.get(pk=run.pk).state


def states_of(run: DagRun) -> dict[str, str]:
    return dict(TaskInstance.objects.filter(run=run).values_list("task_id", "state"))


def instance(run: DagRun, task_id: str) -> TaskInstance:
    return TaskInstance.objects.get(run=run, task_id=task_id)


def rows_of(run: DagRun, task_id: str) -> dict[int, list[str]]:
    """try -> the states of its rows 2 to 5."""
    found: dict[int, list[str]] = defaultdict(list)
    for step in run.steps.filter(task_instance__task_id=task_id).order_by("position"):
        found[step.try_number].append(step.state)
    return dict(found)


@contextmanager
def scripted_operators(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for operator in SCRIPTED:
        monkeypatch.setitem(OPERATORS.own, operator.name, operator)
    yield
    SCRIPTS.clear()
    ScriptedOperator.calls.clear()
    ScriptedOperator.cancels_called.clear()


def save_spec(spec: DagSpec) -> Dag:
    """Make it the present version of its DAG."""
    check_dag(spec)
    dag, _ = Dag.objects.get_or_create(dag_id=spec.dag_id, defaults={"filename": "dag.py"})
    dag.current_version = DagVersion.objects.create(
        dag=dag,
        number=dag.versions.count() + 1,
        spec=spec.to_json(),
        digest=spec.digest(),
        conn_ids=list(spec.conn_ids),
    )
    dag.save()
    return dag
