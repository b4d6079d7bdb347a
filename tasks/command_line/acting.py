"""What changes something: trigger, cancel, clear, pause, sync."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from access.audit import Actor
from connections.command_line.session import (
    FAILED,
    INTERRUPTED,
    STDIN,
    failed,
    read_text,
    wrong_usage,
)
from tasks import acts
from tasks.command_line.lines import SoFar, so_far
from tasks.command_line.session import (
    Options,
    agrees,
    check_length,
    check_that_something_runs,
    known_dag,
    known_run,
    known_task,
    moment_of,
    no_such_dag,
)
from tasks.command_line.terminal import print_run, watch
from tasks.engine.clearing import FAILED as FAILED_STATES
from tasks.engine.versions import spec_of
from tasks.exceptions import ActRefused, DagNotFound, TriggerRefused
from tasks.models import DagRun
from tasks.schedules.due import set_paused
from tasks.services import parse_conf, trigger_dag_run
from tasks.states import TASK_TERMINAL, RunState

#: So many tasks are named before they are cleared.
MOST_NAMED = 10


def trigger(options: Options, out: Any) -> int:
    """Make a run; the exit code."""
    text = options["conf"]
    try:
        conf = parse_conf(read_text(STDIN) if text == STDIN else text)
    except TriggerRefused as error:
        wrong_usage(f"--conf: {error}")
    check_length(options["note"], "--note")
    date = options["logical_date"]
    logical_date = moment_of(date, "--logical-date") if date else None
    check_that_something_runs()
    try:
        run = trigger_dag_run(
            options["dag_id"],
            actor=Actor.of_command_line(),
            conf=conf,
            run_id=options["run_id"],
            logical_date=logical_date,
            note=options["note"],
        )
    except DagNotFound:
        no_such_dag(options["dag_id"])
    except TriggerRefused as error:
        failed(str(error))
    if options["watch"]:
        return followed(run, out)
    print_run(run, out)
    return 0


def followed(run: DagRun, out: Any, *, before: SoFar | None = None) -> int:
    """Show the run until it ends; the exit code."""
    try:
        return 0 if watch(run, out, before=before) else FAILED
    except KeyboardInterrupt:
        out.write("No longer watching; the run goes on.")
        return INTERRUPTED
    except DagRun.DoesNotExist:
        failed("The run was deleted meanwhile.")


def watch_run(options: Options, out: Any) -> int:
    return followed(known_run(options["dag_id"], options["run_id"]), out)


def cancel(options: Options, out: Any) -> int:
    """A run, or tasks of it. With ``--watch`` 0 says that the run was cancelled."""
    run = known_run(options["dag_id"], options["run_id"])
    check_length(options["reason"], "--reason")
    actor = Actor.of_command_line()
    before = so_far(run) if options["watch"] else None
    rows = [known_task(run, task_id) for task_id in options["task_id"]]
    if rows:
        try:
            ended = [acts.cancel_task(row, actor=actor) for row in rows]
        except ActRefused as error:
            failed(str(error))
        for row in ended:
            out.write(f"{row.task_id} is {row.state}.")
    else:
        try:
            run = acts.cancel_run(run, actor=actor, reason=options["reason"])
        except ActRefused as error:
            failed(str(error))
        out.write(f"{run.run_id} is {run.state}.")
    if not options["watch"]:
        return 0
    code = followed(run, out, before=before)
    if code == FAILED and not rows:
        run.refresh_from_db()
        return 0 if run.state == RunState.CANCELLED else FAILED
    return code


def clear(options: Options, out: Any) -> int:
    """Let tasks run again, when that is agreed to."""
    run = known_run(options["dag_id"], options["run_id"])
    for task_id in options["task_id"]:
        known_task(run, task_id)
    names = _to_clear(run, options)
    if not names:
        failed("Nothing is to be cleared: none of these tasks is over, or failed.")
    more = [f"{len(names) - MOST_NAMED:,} more"] if len(names) > MOST_NAMED else []
    told = f"{len(names):,} task{'' if len(names) == 1 else 's'}: "
    told += ", ".join([*names[:MOST_NAMED], *more])
    if options["dry_run"]:
        out.write(f"Would run again: {told}.")
        return 0
    if not agrees(f"Run again {told}?", options):
        failed("Nothing was cleared.")
    check_that_something_runs()
    actor = Actor.of_command_line()
    before = so_far(run) if options["watch"] else None
    try:
        cleared = acts.clear_tasks(run, actor=actor, task_ids=names, version=options["version"])
    except ActRefused as error:
        failed(str(error))
    out.write(f"{len(cleared):,} task{'' if len(cleared) == 1 else 's'} of {run.run_id} run again.")
    return followed(run, out, before=before) if options["watch"] else 0


def delete_run(options: Options, out: Any) -> int:
    """Take a run away with its logs, when that is agreed to."""
    run = known_run(options["dag_id"], options["run_id"])
    if not agrees(f"Delete {run.run_id} of {run.dag.dag_id} with its logs and results?", options):
        failed("Nothing was deleted.")
    try:
        acts.delete_run(run, actor=Actor.of_command_line())
    except ActRefused as error:
        failed(str(error))
    out.write(f"{run.run_id} of {run.dag.dag_id} is deleted.")
    return 0


def _to_clear(run: DagRun, options: Options) -> list[str]:
    """What is over of the chosen tasks, in their order; the engine looks again."""
    spec = spec_of(run.version_id)
    names = set(options["task_id"]) or set(spec.by_id)
    if options["downstream"]:
        names |= spec.all_downstream(names & spec.by_id.keys())
    states = FAILED_STATES if options["only_failed"] else TASK_TERMINAL
    rows = run.task_instances.filter(state__in=states).order_by("position")
    return [name for name in rows.values_list("task_id", flat=True) if name in names]


def pause(options: Options, out: Any) -> int:
    """Stop or start the schedules of DAGs: all of them, or none if one isn't known."""
    is_paused = options["command"] == "pause"
    for dag in [known_dag(dag_id) for dag_id in options["dag_id"]]:
        is_new = set_paused(dag, is_paused, actor=Actor.of_command_line())
        state = "paused" if is_paused else "not paused"
        out.write(f"{dag.dag_id} is {state}{'' if is_new else ' already'}.")
    return 0


def sync_files(out: Any, errors: Any) -> int:
    """Read the DAG files now."""
    from tasks.dagfiles.sync import sync

    folder = settings.DAGS_FOLDER
    try:
        files = sync(folder, timeout=settings.DAG_PARSE_TIMEOUT)
    except OSError as error:
        failed(f"{folder} can't be read: {error.strerror}.")
    dags, count = sum(len(file.dags) for file in files), len(files)
    out.write(
        f"{dags} DAG{'' if dags == 1 else 's'} in {count} file{'' if count == 1 else 's'} "
        f"of {folder}"
    )
    for file in files:
        if file.problem:
            line = f":{file.problem.line}" if file.problem.line else ""
            errors.write(f"{file.filename}{line}: {file.problem.message}")
    return 0
