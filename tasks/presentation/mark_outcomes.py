"""What becomes of a run that is over when one of its tasks is marked by hand: told before it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from patchbay.templatetags.patchbay import listed, state_word
from tasks.engine.scheduling import FAILED_STATES, is_instant
from tasks.engine.trigger_rules import Upstream, Verdict, verdict
from tasks.engine.versions import spec_of
from tasks.models import DagRun, TaskInstance
from tasks.spec import DagSpec
from tasks.states import TASK_TERMINAL, RunState, TaskState

NAMED = 3


@dataclass(frozen=True)
class Mark:
    """A mark that may be given, and in ``words`` what follows; empty while the run goes on."""

    state: TaskState
    words: str = ""


def marks_of(run: DagRun, instance: TaskInstance, states: Collection[TaskState]) -> list[Mark]:
    """One query for a run that is over, and none for others."""
    if not run.is_over or not states:
        return [Mark(state) for state in states]
    spec = spec_of(run.version_id)
    rows = run.task_instances.values_list("task_id", "state", "started_at")
    found = {name: (TaskState(state), began is not None) for name, state, began in rows}
    return [Mark(state, _words(run, spec, found, instance.task_id, state)) for state in states]


def _words(
    run: DagRun,
    spec: DagSpec,
    found: Mapping[str, tuple[TaskState, bool]],
    task_id: str,
    mark: TaskState,
) -> str:
    states = {name: state for name, (state, _) in found.items()} | {task_id: mark}
    if mark != TaskState.FAILED:
        for name in spec.all_downstream([task_id]):
            if found.get(name) == (TaskState.UPSTREAM_FAILED, False):
                states[name] = TaskState.PENDING
    run_now = _settled(spec, states)
    if run_now:
        more = len(run_now) - NAMED
        names = [*run_now[:NAMED], *([f"{more} more"] if more > 0 else [])]
        return f"The run goes on: {listed(names)} run{'s' if len(run_now) == 1 else ''} now."
    leaves = [task.task_id for task in spec.ordered if not spec.downstream[task.task_id]]
    dead = [name for name in leaves if states.get(name) in FAILED_STATES]
    end = RunState.FAILED if dead else RunState.SUCCESS
    words = f"The run {'stays' if end == run.state else 'becomes'} {state_word(end)}"
    if dead and dead != [task_id]:
        words += f": {dead[0]} is {state_word(states[dead[0]]).lower()}"
    return f"{words}."


def _settled(spec: DagSpec, states: dict[str, TaskState]) -> list[str]:
    """Settle what waits as the engine does; the tasks that run now."""
    found = []
    for task in spec.ordered:
        if states.get(task.task_id) != TaskState.PENDING:
            continue
        before = [states[name] for name in task.upstream if name in states]
        counts = Upstream(
            len(task.upstream),
            sum(state not in TASK_TERMINAL for state in before),
            sum(state in FAILED_STATES for state in before),
            sum(state == TaskState.SKIPPED for state in before),
        )
        match verdict(task.trigger_rule, counts):
            case Verdict.SKIP:
                states[task.task_id] = TaskState.SKIPPED
            case Verdict.FAIL:
                states[task.task_id] = TaskState.UPSTREAM_FAILED
            case Verdict.RUN if is_instant(spec, task.task_id):
                states[task.task_id] = TaskState.SUCCESS
            case Verdict.RUN:
                found.append(task.task_id)
    return found
