"""DAG files with Python tasks, read as a worker reads them and stored with their text."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

from tasks.dagfiles.parser import parse_file
from tasks.models import Dag, DagVersion


def save_dag_file(folder: Path, text: str, *, settings: Any = None) -> Dag:
    """Write ``text`` into the DAG folder and take its one DAG in."""
    path = folder / "sales.py"
    path.write_text(dedent(text))
    if settings is not None:
        settings.DAGS_FOLDER = folder
    parsed = parse_file(path, folder=folder)
    assert parsed.problem is None, parsed.problem
    [found] = parsed.dags
    spec = found.spec
    dag, _ = Dag.objects.get_or_create(dag_id=spec.dag_id, defaults={"filename": path.name})
    dag.current_version = DagVersion.objects.create(
        dag=dag,
        number=dag.versions.count() + 1,
        spec=spec.to_json(),
        digest=spec.digest(),
        conn_ids=list(spec.conn_ids),
        source=path.read_text(),
    )
    dag.save()
    return dag
