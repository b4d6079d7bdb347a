"""Whatever happens in whatever order, the engine's invariants hold.

Each example is a DAG of random shape and rules, and a random sequence of what
may happen to its runs: messages in any order, some of them twice; failures,
cancels, clears and marks, also while tasks run; workers that are lost.
"""

from __future__ import annotations

import os
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connections.exceptions import Failure
from tasks.acts import cancel_run, cancel_task, clear_tasks, mark_task
from tasks.engine import leases, runner
from tasks.exceptions import ActRefused
from tasks.models import DagRun, Step, TaskInstance
from tasks.operators.base import Context, TaskResult
from tasks.services import trigger_dag_run
from tasks.spec import DagSpec, TaskSpec, TriggerRule
from tasks.states import (
    RUN_MOVES,
    RUN_TERMINAL,
    STEP_TERMINAL,
    TASK_HELD,
    TASK_MOVES,
    TASK_TERMINAL,
    RunState,
    TaskState,
)
from tests.conftest import ACTOR
from tests.engine import moves
from tests.engine.driving import SCRIPTS, Engine, save_spec, task

FAILED = {TaskState.FAILED, TaskState.UPSTREAM_FAILED, TaskState.CANCELLED}
LOSS = timedelta(seconds=5)


@st.composite
def specs(draw: st.DrawFn) -> DagSpec:
    count = draw(st.integers(1, 7))
    tasks: list[TaskSpec] = []
    for n in range(count):
        names = [each.task_id for each in tasks]
        upstream = draw(st.lists(st.sampled_from(names), unique=True, max_size=3)) if names else []
        kinds = ["ScriptedOperator"] * 4 + ["FragileOperator", "EmptyOperator", "ScriptedSensor"]
        rules = ["all_success"] * 6 + [rule.value for rule in TriggerRule]
        tasks.append(
            task(
                f"t{n}",
                *upstream,
                operator=draw(st.sampled_from(kinds)),
                trigger_rule=draw(st.sampled_from(rules)),
                retries=draw(st.integers(0, 2)),
            )
        )
    return DagSpec(
        f"dag_{uuid.uuid4().hex[:8]}",
        tuple(tasks),
        max_active_tasks=draw(st.sampled_from([None, None, 1, 2])),
        max_active_runs=draw(st.sampled_from([None, None, 1])),
    )


class World:
    """One DAG, its runs, and what may happen to them."""

    def __init__(self, engine: Engine, data: st.DataObject, spec: DagSpec) -> None:
        self.engine = engine
        self.data = data
        self.spec = spec
        self.dag = save_spec(spec)
        self.running: set[int] = set()
        self.depth = 0
        self.violations: list[str] = []
        for each in spec.tasks:
            SCRIPTS[each.task_id] = [self.work]

    def draw(self, strategy: st.SearchStrategy[Any]) -> Any:
        return self.data.draw(strategy)

    # What a task does: other things happen meanwhile, then it ends somehow

    def work(self, context: Context) -> TaskResult | None:
        row = TaskInstance.objects.get(
            run__dag=self.dag, run__run_id=context.run_id, task_id=context.task_id
        )
        if row.pk in self.running:
            self.violations.append(f"{row.task_id} runs twice at once")
        if row.state not in TASK_HELD:
            self.violations.append(f"{row.task_id} runs, and is {row.state}")
        self.running.add(row.pk)
        try:
            if self.depth < 3 and self.draw(st.booleans()):
                self.depth += 1
                self.step()
                self.depth -= 1
            leases.look(list(leases._held.values()))
            context.check()
            return self.end(context, row)
        finally:
            self.running.discard(row.pk)

    def end(self, context: Context, row: TaskInstance) -> TaskResult | None:
        choice = self.draw(st.integers(0, 7))
        if choice == 0:
            raise Failure("cloud:unavailable", host="x")
        if choice == 1:
            raise Failure("task:not-runnable", reason="no")
        if choice == 2:
            raise RuntimeError("a defect")
        if choice == 3 and row.operator == "ScriptedSensor":
            return None
        if choice == 4 and context.downstream:
            return TaskResult("Chose", follow=context.downstream[:1])
        if choice == 5:
            return TaskResult("Stop", skip=self.draw(st.sampled_from(["all", "direct"])))
        return TaskResult("Done", is_skipped=choice == 6)

    # What may happen

    def step(self) -> None:
        acts = [self.take, self.take, self.take, self.pass_time, self.twice, self.lose_worker]
        acts += [self.cancel, self.cancel_one, self.clear, self.mark, self.trigger]
        self.draw(st.sampled_from(acts))()

    def take(self) -> None:
        if self.engine.messages:
            self.engine.take(self.draw(st.integers(0, len(self.engine.messages) - 1)))

    def twice(self) -> None:
        """A message that was sent long ago comes again."""
        ids = list(TaskInstance.objects.filter(run__dag=self.dag).values_list("pk", flat=True))
        if ids:
            self.engine.send(runner.run(self.draw(st.sampled_from(sorted(ids)))))

    def pass_time(self) -> None:
        self.engine.pass_time(1_000_000)

    def lose_worker(self) -> None:
        """A worker that took a task is gone before it has done anything."""
        queued = TaskInstance.objects.filter(
            run__dag=self.dag, state="queued", waits_on="", run__admitted_at__isnull=False
        )
        row = queued.order_by("pk").first()
        if row is None:
            return
        past = timezone.now() - LOSS
        DagRun.objects.filter(pk=row.run_id, state="queued").update(
            state="running", started_at=past
        )
        Step.objects.filter(run=row.run_id, number=1).update(state="success")
        columns = {"lease_token": uuid.uuid4(), "lease_expires_at": past, "sent_at": past}
        TaskInstance.objects.filter(pk=row.pk).update(state="running", started_at=past, **columns)
        self.engine.messages.append(row.pk)

    def act(self, function: Any, *arguments: Any, **more: Any) -> None:
        try:
            with self.engine.committing():
                function(*arguments, actor=ACTOR, **more)
        except ActRefused:
            pass

    def a_run(self) -> DagRun:
        runs: list[DagRun] = list(DagRun.objects.filter(dag=self.dag).order_by("pk"))
        number: int = self.draw(st.integers(0, len(runs) - 1))
        return runs[number]

    def an_instance(self) -> TaskInstance:
        rows: list[TaskInstance] = list(self.a_run().task_instances.order_by("pk"))
        number: int = self.draw(st.integers(0, len(rows) - 1))
        return rows[number]

    def trigger(self) -> None:
        if DagRun.objects.filter(dag=self.dag).count() < 3:
            with self.engine.committing():
                trigger_dag_run(self.spec.dag_id, actor=ACTOR)

    def cancel(self) -> None:
        self.act(cancel_run, self.a_run())

    def cancel_one(self) -> None:
        self.act(cancel_task, self.an_instance())

    def clear(self) -> None:
        run = self.a_run()
        names = self.draw(st.none() | st.just([self.an_instance().task_id]))
        self.act(
            clear_tasks,
            run,
            task_ids=names,
            only_failed=self.draw(st.booleans()),
            downstream=self.draw(st.booleans()),
        )

    def mark(self) -> None:
        state = self.draw(st.sampled_from([TaskState.SUCCESS, TaskState.FAILED, TaskState.SKIPPED]))
        self.act(mark_task, self.an_instance(), state, reason="because")

    # What must hold

    def check(self) -> None:
        assert not self.violations
        for table, old, new in moves.taken():
            if old != new or (table == "tasks_taskinstance" and old in TASK_HELD):
                allowed = (
                    TASK_MOVES[TaskState(old)]
                    if table == "tasks_taskinstance"
                    else RUN_MOVES[RunState(old)]
                )
                assert new in allowed or old == new, f"{table}: {old} became {new}"
        for run in DagRun.objects.filter(dag=self.dag):
            self.check_run(run)
        if self.spec.max_active_runs:
            active = DagRun.objects.filter(dag=self.dag, admitted_at__isnull=False)
            assert active.exclude(state__in=RUN_TERMINAL).count() <= self.spec.max_active_runs

    def check_run(self, run: DagRun) -> None:
        rows = {row.task_id: row for row in run.task_instances.all()}
        left = [row for row in rows.values() if row.state not in TASK_TERMINAL]
        assert run.tasks_left == len(left)
        assert run.is_over == (not left), f"{run.state} with {len(left)} left"
        if run.is_over:
            assert not run.steps.exclude(state__in=STEP_TERMINAL).exclude(number=1).exists()
        for each in self.spec.tasks:
            row, before = rows[each.task_id], [rows[name].state for name in each.upstream]
            if run.admitted_at is not None and row.state == TaskState.PENDING:
                assert row.upstream_left == sum(state not in TASK_TERMINAL for state in before)
                assert row.upstream_failed == sum(state in FAILED for state in before)
                assert row.upstream_skipped == before.count("skipped")
            if row.state == TaskState.QUEUED and not row.waits_on:
                assert row.pk in self.engine.messages, f"nobody was told of {row.task_id}"
            if row.state in TASK_HELD:
                assert row.pk in self.running or row.pk in self.engine.messages
        if limit := self.spec.max_active_tasks:
            queued = [row for row in left if row.state == "queued" and not row.waits_on]
            held = [row for row in left if row.state in TASK_HELD]
            assert len(queued) + len(held) <= limit


@pytest.mark.timeout(300)
def test_the_invariants_hold_whatever_happens(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves.watch()
    # A defect that a task is to have would be told at length.
    monkeypatch.setattr("tasks.engine.execution.logger.disabled", True)

    @settings(
        max_examples=int(os.environ.get("INVARIANT_EXAMPLES", "60")),
        deadline=None,
        # To make an example smaller takes longer than to read it.
        phases=[Phase.explicit, Phase.generate],
        database=None,
        suppress_health_check=list(HealthCheck),
        derandomize="INVARIANT_EXAMPLES" not in os.environ,
    )
    @given(st.data(), specs(), st.integers(1, 14))
    def explore(data: st.DataObject, spec: DagSpec, length: int) -> None:
        engine.messages.clear()
        SCRIPTS.clear()
        world = World(engine, data, spec)
        world.trigger()
        for _ in range(length):
            world.step()
            world.check()
        for _ in range(200):
            if not engine.messages:
                world.pass_time()
                if not engine.messages:
                    break
            world.depth = 3
            engine.take()
        world.check()
        for run in DagRun.objects.filter(dag=world.dag):
            assert run.is_over, f"a run stays {run.state}"

    explore()
