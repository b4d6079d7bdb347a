"""What becomes of a run that is over when one of its tasks is marked by hand: told before it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import KW_ONLY, dataclass

from patchbay.templatetags.patchbay import listed, state_word
from tasks.engine.places import active_runs
from tasks.engine.resettling import SKIPS_KEY
from tasks.engine.scheduling import FAILED_STATES, is_instant
from tasks.engine.trigger_rules import Upstream, Verdict, verdict
from tasks.engine.versions import spec_of
from tasks.models import DagRun, TaskInstance, XCom
from tasks.spec import DagSpec
from tasks.states import TASK_TERMINAL, RunState, TaskState

NAMED = 3


@dataclass(frozen=True)
class Mark:
    """A mark that may be given, and in ``words`` what follows; empty while the run goes on."""

    state: TaskState
    words: str = ""


def marks_of(run: DagRun, instance: TaskInstance, states: Collection[TaskState]) -> list[Mark]:
    """At most three queries for a run that is over, and none for others."""
    if not run.is_over or not states:
        return [Mark(state) for state in states]
    spec = spec_of(run.version_id)
    rows = run.task_instances.values_list("task_id", "state", "started_at")
    found = {name: (TaskState(state), began is not None) for name, state, began in rows}
    stored = XCom.objects.filter(task_instance__run=run, key=SKIPS_KEY)
    skips = {
        name: frozenset(value.get("skipped", ()) if value else ())
        for name, value in stored.values_list("task_instance__task_id", "value")
    }
    limit = spec.max_active_runs
    has_place = not limit or active_runs(run.dag_id).count() < limit
    ended = _Ended(run, spec, found, skips, has_place=has_place)
    return [Mark(state, _words(ended, instance.task_id, state)) for state in states]


@dataclass(frozen=True)
class _Ended:
    """A run that is over: of each task its state and whether it began, what its branches skipped,
    and whether the DAG may have one more active run."""

    run: DagRun
    spec: DagSpec
    found: Mapping[str, tuple[TaskState, bool]]
    skips: Mapping[str, frozenset[str]]
    _: KW_ONLY
    has_place: bool


def _words(ended: _Ended, task_id: str, mark: TaskState) -> str:
    run, spec, found = ended.run, ended.spec, ended.found
    states = {name: state for name, (state, _) in found.items()} | {task_id: mark}
    if mark != TaskState.FAILED:
        for name in spec.all_downstream([task_id]):
            if found.get(name) == (TaskState.UPSTREAM_FAILED, False):
                states[name] = TaskState.PENDING
    if not ended.has_place and TaskState.PENDING in states.values():
        most = f"{spec.max_active_runs} active run{'s' if spec.max_active_runs != 1 else ''}"
        return f"The run waits: its DAG has its {most}."
    branches = [name for name in ended.skips if states.get(name) == TaskState.SUCCESS]
    skipped = frozenset[str]().union(*(ended.skips[name] for name in branches))
    run_now = _settled(spec, states, skipped)
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


def _settled(spec: DagSpec, states: dict[str, TaskState], skipped: Collection[str]) -> list[str]:
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
            case _ if task.task_id in skipped:
                states[task.task_id] = TaskState.SKIPPED
            case Verdict.SKIP:
                states[task.task_id] = TaskState.SKIPPED
            case Verdict.FAIL:
                states[task.task_id] = TaskState.UPSTREAM_FAILED
            case Verdict.RUN if is_instant(spec, task.task_id):
                states[task.task_id] = TaskState.SUCCESS
            case Verdict.RUN:
                found.append(task.task_id)
    return found
