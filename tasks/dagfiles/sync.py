"""Takes the DAG files into the database: a new version for each change, and the errors."""

from __future__ import annotations

import logging
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from tasks.dagfiles.parser import ImportProblem, ParsedDag, ParsedFile, parse_folder
from tasks.models import Dag, DagImportError, DagVersion

logger = logging.getLogger(__name__)


def sync(folder: Path, *, timeout: float) -> list[ParsedFile]:
    """Read every file in ``folder``. A file that fails keeps what it last gave."""
    files = parse_folder(folder, timeout=timeout)
    broken = {file.filename for file in files if file.problem}
    with transaction.atomic():
        seen = {_save(file.filename, dag).pk for file in files for dag in file.dags}
        gone = Dag.objects.filter(is_missing=False).exclude(pk__in=seen)
        gone.exclude(filename__in=broken).update(is_missing=True, updated_at=timezone.now())
        _save_errors([file.problem for file in files if file.problem])
    return files


def _save(filename: str, parsed: ParsedDag) -> Dag:
    spec = parsed.spec
    dag, _ = Dag.objects.get_or_create(dag_id=spec.dag_id)
    digest = spec.digest()
    if dag.current_version is None or dag.current_version.digest != digest:
        number = dag.current_version.number + 1 if dag.current_version else 1
        dag.current_version = DagVersion.objects.create(
            dag=dag,
            number=number,
            spec=spec.to_json(),
            digest=digest,
            conn_ids=list(spec.conn_ids),
        )
        logger.info("DAG %s is now at version %d.", spec.dag_id, number)
    new = {
        "filename": filename,
        "description": spec.description,
        "notices": list(parsed.notices),
        "is_missing": False,
    }
    if dag.current_version_id is None or any(getattr(dag, k) != v for k, v in new.items()):
        for name, value in new.items():
            setattr(dag, name, value)
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
