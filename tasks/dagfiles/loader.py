"""Execute one DAG file and hand back what it declares. Runs only in ``child``'s process."""

from __future__ import annotations

import faulthandler
import hashlib
import json
import os
import time
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from tasks.dagfiles import limits
from tasks.dagfiles.authoring.dag import DAG
from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.notices import notices_of
from tasks.dagfiles.authoring.reading import READING
from tasks.dagfiles.authoring.specs import spec_of
from tasks.dagfiles.execution import execute, prepare_imports
from tasks.dagfiles.problems import Problem, problem_of
from tasks.dagfiles.protocol import RESULT_BYTES, STARTED
from tasks.spec import SpecError


def main(folder: str, filename: str, result: str, deadline: str) -> None:
    """Read ``filename`` and write JSON, as one line, to the file descriptor ``result``.

    ``deadline`` is when the parent gives up, by the monotonic clock that both have.
    """
    own_pid = os.getpid()
    channel = int(result)
    seconds = float(deadline) - time.monotonic()
    READING.folder, READING.filename = folder, filename
    # Tell the parent the line that was executed at a crash, and shortly before it gives up.
    faulthandler.enable(file=channel)
    faulthandler.dump_traceback_later(max(seconds - min(0.3, seconds / 4), 0.01), file=channel)
    limits.apply(cpu_seconds=max(int(seconds), 0) + 2)
    prepare_imports(folder, filename)
    _write(channel, STARTED)
    found = _read()
    if os.getpid() == own_pid:  # else the file forked, and the first process hands back
        faulthandler.cancel_dump_traceback_later()
        _write(channel, _as_line(found))
    # No exit handlers and no waiting for threads: the file has had its turn.
    os._exit(0)


def _read() -> dict[str, Any]:
    try:
        source = Path(READING.filename).read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return _found([], Problem("unreadable", None, f"The file can't be read: {reason}."))
    READING.digest = hashlib.sha256(source).hexdigest()
    try:
        return _collect(execute(source))
    except BaseException as error:  # whatever the user's file raises, SystemExit too
        if isinstance(error, MemoryError):
            limits.spend_spare_memory()
        return _found([], _problem(error))


def _collect(module: ModuleType) -> dict[str, Any]:
    """DAGs with a global name or used in a ``with`` statement, as Airflow finds them."""
    named = [value for value in vars(module).values() if isinstance(value, DAG)]
    meant = {id(dag) for dag in named + READING.entered}
    lines: dict[str, int | None] = {}
    found: list[dict[str, Any]] = []
    problem: Problem | None = None
    for dag in READING.made:
        if id(dag) not in meant:
            continue
        if dag.dag_id in lines:
            problem = problem or _second(dag, first_line=lines[dag.dag_id])
            continue
        lines[dag.dag_id] = dag.line
        try:
            found.append(_dag_as_json(dag))
        except (ArgumentProblem, SpecError) as error:
            problem = problem or replace(_problem(error), line=dag.line)
    return _found(found, problem)


def _second(dag: DAG, *, first_line: int | None) -> Problem:
    where = f"lines {first_line} and {dag.line}"
    return Problem("duplicate", dag.line, f"Two DAGs of this file are {dag.dag_id!r}: {where}.")


def _dag_as_json(dag: DAG) -> dict[str, Any]:
    return {
        "spec": spec_of(dag).to_json(),
        "notices": notices_of(dag),
        "made_in": dag.made_in,
    }


def _problem(error: BaseException) -> Problem:
    return problem_of(error, folder=READING.folder, filename=READING.filename)


def _found(dags: list[dict[str, Any]], problem: Problem | None) -> dict[str, Any]:
    return {"dags": dags, "problem": asdict(problem) if problem else None}


def _as_line(found: dict[str, Any]) -> bytes:
    line = json.dumps(found).encode() + b"\n"
    if len(line) <= RESULT_BYTES:
        return line
    words = f"The file's DAGs take {len(line) / 2**20:.1f} MiB as JSON; "
    words += f"{RESULT_BYTES >> 20} are allowed."
    return json.dumps(_found([], Problem("argument", None, words))).encode() + b"\n"


def _write(channel: int, data: bytes) -> None:
    while data:
        data = data[os.write(channel, data) :]
