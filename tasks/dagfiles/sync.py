"""Takes the DAG files into the database: a new version for each change, and the errors."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from tasks.dag_versions import make_present
from tasks.dagfiles.folder import is_walked
from tasks.dagfiles.parser import ImportProblem, ParsedDag, ParsedFile, parse_folder
from tasks.models import Dag, DagImportError, DagOrigin
from tasks.schedules.planning import plan

logger = logging.getLogger(__name__)

#: A number of our own for PostgreSQL's advisory locks.
LOCK = 7_213_001
#: Characters of a file that are kept with its DAG's version.
LONGEST_SOURCE = 2_000_000


def sync(folder: Path, *, timeout: float) -> list[ParsedFile]:
    """Read every file in ``folder``. What a broken file gave before it broke is kept."""
    files = parse_folder(folder, timeout=timeout)
    broken = [file.filename for file in files if file.problem]
    problems = [file.problem for file in files if file.problem]
    with transaction.atomic():
        _wait_for_others()
        seen: set[int] = set()
        for file in files:
            for parsed in file.dags:
                saved = _save(folder, file.filename, parsed)
                if isinstance(saved, ImportProblem):
                    problems.append(saved)
                else:
                    seen.add(saved.pk)
        _mark_missing(seen, broken)
        _save_errors(problems)
    return files


def _mark_missing(seen: set[int], broken: list[str]) -> None:
    now = timezone.now()
    of_files = Dag.objects.filter(is_missing=False, origin=DagOrigin.FILE)
    for dag in of_files.exclude(pk__in=seen):
        # A folder that can't be read is a problem of its own name, and hides its files.
        if any(dag.filename == name or dag.filename.startswith(f"{name}/") for name in broken):
            continue
        Dag.objects.filter(pk=dag.pk).update(is_missing=True, updated_at=now)
        plan(dag, now)


def _wait_for_others() -> None:
    """Two processes may read the folder at once, but only one at a time writes what it read."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _looks(folder: Path) -> Iterator[tuple[str, int, int, int]]:
    """What tells that something in the folder has changed; links are followed."""
    seen: set[str] = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(parent))
        folders[:] = [name for name in folders if is_walked(parent, name, seen)]
        for name in (".", *files):
            with contextlib.suppress(OSError):
                stat = Path(parent, name).stat()
                yield str(Path(parent, name)), stat.st_mtime_ns, stat.st_size, stat.st_ino


_seen: dict[Path, object] = {}


def sync_if_changed(folder: Path, *, timeout: float) -> None:
    """What beat calls: read the files only when this process sees that one has changed."""
    # An ID that the browser gave up may be that of a file.
    taken = Dag.objects.filter(origin=DagOrigin.BROWSER).values_list("dag_id", flat=True)
    signature = (sorted(_looks(folder)), sorted(taken))
    if _seen.get(folder) != signature:
        files = sync(folder, timeout=timeout)
        # What took too long, on a machine that was busy, is tried again.
        if not any(file.problem and file.problem.kind == "timeout" for file in files):
            _seen[folder] = signature


def _save(folder: Path, filename: str, parsed: ParsedDag) -> Dag | ImportProblem:
    spec = parsed.spec
    dag, _ = Dag.objects.select_related("current_version").get_or_create(dag_id=spec.dag_id)
    if dag.origin == DagOrigin.BROWSER:
        words = f"A DAG {spec.dag_id} was made in the browser. Give this one another dag_id."
        return ImportProblem(filename, None, words, "duplicate")
    source = _source(folder / filename, spec.source_digest)
    if source is None:
        # It was written anew since it was read: the next look reads it again.
        return dag
    was_missing = dag.is_missing
    dag.filename = filename
    dag.notices = list(parsed.notices)
    dag.is_missing = False
    dag.save(update_fields=["filename", "notices", "is_missing"])
    is_new = make_present(dag, spec, source=source)
    if was_missing and not is_new:
        plan(dag, timezone.now())
    return dag


def _source(path: Path, digest: str) -> str | None:
    """The text of the file; ``None`` where a run would need exactly what was read, and it isn't."""
    try:
        content = path.read_bytes()
    except OSError:
        return None if digest else ""
    if digest and hashlib.sha256(content).hexdigest() != digest:
        return None
    return content.decode(errors="replace").replace("\x00", "")[:LONGEST_SOURCE]


def _one_a_file(problems: list[ImportProblem]) -> list[ImportProblem]:
    """The first problem of each file tells of the others too: a file has one row."""
    found: dict[str, ImportProblem] = {}
    for problem in problems:
        before = found.get(problem.filename)
        if before is None:
            found[problem.filename] = problem
        elif problem.message not in before.message.splitlines():
            message = f"{before.message}\n{problem.message}"
            found[problem.filename] = replace(before, message=message)
    return list(found.values())


def _save_errors(problems: list[ImportProblem]) -> None:
    problems = _one_a_file(problems)
    DagImportError.objects.exclude(filename__in=[p.filename for p in problems]).delete()
    for problem in problems:
        row, is_new = DagImportError.objects.get_or_create(
            filename=problem.filename,
            defaults={"line": problem.line, "kind": problem.kind, "message": problem.message},
        )
        if is_new:
            logger.warning("%s: %s", row, problem.message)
        elif (row.line, row.kind, row.message) != (problem.line, problem.kind, problem.message):
            row.line, row.kind, row.message = problem.line, problem.kind, problem.message
            row.since = timezone.now()
            row.save()
