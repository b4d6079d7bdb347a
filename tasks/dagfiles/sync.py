"""Takes the DAG files into the database: a new version for each change, and the errors."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from tasks.dagfiles.folder import is_walked
from tasks.dagfiles.parser import ImportProblem, ParsedDag, ParsedFile, parse_folder
from tasks.models import Dag, DagImportError, DagVersion

logger = logging.getLogger(__name__)

#: A number of our own for PostgreSQL's advisory locks.
LOCK = 7_213_001


def sync(folder: Path, *, timeout: float) -> list[ParsedFile]:
    """Read every file in ``folder``. What a broken file gave before it broke is kept."""
    files = parse_folder(folder, timeout=timeout)
    broken = [file.filename for file in files if file.problem]
    with transaction.atomic():
        _wait_for_others()
        seen = {_save(file.filename, dag).pk for file in files for dag in file.dags}
        for dag in Dag.objects.filter(is_missing=False).exclude(pk__in=seen):
            # A folder that can't be read is a problem of its own name, and hides its files.
            if not any(
                dag.filename == name or dag.filename.startswith(f"{name}/") for name in broken
            ):
                Dag.objects.filter(pk=dag.pk).update(is_missing=True, updated_at=timezone.now())
        _save_errors([file.problem for file in files if file.problem])
    return files


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
    signature = sorted(_looks(folder))
    if _seen.get(folder) != signature:
        files = sync(folder, timeout=timeout)
        # What took too long, on a machine that was busy, is tried again.
        if not any(file.problem and file.problem.kind == "timeout" for file in files):
            _seen[folder] = signature


def _save(filename: str, parsed: ParsedDag) -> Dag:
    spec = parsed.spec
    dag, _ = Dag.objects.select_related("current_version").get_or_create(dag_id=spec.dag_id)
    old = dag.current_version
    if old is None or old.digest != spec.digest():
        dag.current_version = DagVersion.objects.create(
            dag=dag,
            number=old.number + 1 if old else 1,
            spec=spec.to_json(),
            digest=spec.digest(),
            conn_ids=list(spec.conn_ids),
        )
        logger.info("DAG %s is now at version %d.", spec.dag_id, dag.current_version.number)
    dag.filename = filename
    dag.description = spec.description
    dag.notices = list(parsed.notices)
    dag.is_missing = False
    dag.updated_at = timezone.now()
    dag.save()
    return dag


def _save_errors(problems: list[ImportProblem]) -> None:
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
