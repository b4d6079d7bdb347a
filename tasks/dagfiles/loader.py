"""Execute one DAG file and hand back what it declares. Runs only in ``child``'s process."""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from tasks.dagfiles import limits
from tasks.dagfiles.authoring import imports
from tasks.dagfiles.authoring.dag import DAG
from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.notices import notices_of
from tasks.dagfiles.authoring.reading import READING
from tasks.dagfiles.authoring.specs import spec_of
from tasks.dagfiles.problems import Problem, problem_of
from tasks.dagfiles.protocol import RESULT_BYTES, STARTED
from tasks.operators import OPERATORS
from tasks.spec import SpecError


def main(folder: str, filename: str, result: str, timeout: str) -> None:
    """Read ``filename`` and write JSON, as one line, to the file descriptor ``result``."""
    own_pid = os.getpid()
    channel = int(result)
    seconds = float(timeout)
    READING.folder, READING.filename = folder, filename
    # Tell the parent the line that was executed at a crash, and shortly before it gives up.
    faulthandler.enable(file=channel)
    faulthandler.dump_traceback_later(seconds - min(0.3, seconds / 4), file=channel)
    limits.apply(cpu_seconds=int(seconds) + 2)
    _prepare_imports(folder, filename)
    _write(channel, STARTED)
    found = _read()
    if os.getpid() == own_pid:  # else the file forked, and the first process hands back
        faulthandler.cancel_dump_traceback_later()
        _write(channel, _as_line(found))
    # No exit handlers and no waiting for threads: the file has had its turn.
    os._exit(0)


def _prepare_imports(folder: str, filename: str) -> None:
    imports.install(OPERATORS.values())
    # A file of the user's may be called tasks.py: it mustn't meet ours, nor change it.
    for name in [name for name in sys.modules if name.partition(".")[0] == "tasks"]:
        del sys.modules[name]
    # Last, as in Airflow: a helper called email.py mustn't stand in for the standard library's.
    sys.path.append(folder)
    sys.argv = [filename]
    sys.dont_write_bytecode = True


def _read() -> dict[str, Any]:
    try:
        source = Path(READING.filename).read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return _found([], Problem("unreadable", None, f"The file can't be read: {reason}."))
    try:
        return _collect(_execute(source))
    except BaseException as error:  # whatever the user's file raises, SystemExit too
        if isinstance(error, MemoryError):
            limits.spend_spare_memory()
        return _found([], _problem(error))


def _execute(source: bytes) -> ModuleType:
    if (position := source.find(b"\x00")) >= 0:
        line = source.count(b"\n", 0, position) + 1
        raise SyntaxError("The file has a null byte", (READING.filename, line, 1, ""))
    code = compile(source, READING.filename, "exec", dont_inherit=True)
    # Not the file's own name: under that, another file may import it.
    module = ModuleType(f"patchbay_dagfile_{Path(READING.filename).stem}")
    module.__file__ = READING.filename
    sys.modules[module.__name__] = module
    exec(code, vars(module))  # noqa: S102 - what this process is for
    return module


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
