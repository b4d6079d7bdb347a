"""What a sync of the DAGs folder tells of a file with several problems."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.dagfiles.sync import sync
from tasks.models import Dag, DagImportError

TWO_DAGS = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator

for name in ("one", "two"):
    with DAG(name):
        EmptyOperator(task_id="a")
"""


@pytest.mark.django_db
def test_two_problems_of_a_file_are_told_together_and_since_they_are_there(tmp_path: Path) -> None:
    for dag_id in ("one", "two"):
        Dag.objects.create(dag_id=dag_id, origin="browser")
    tmp_path.joinpath("dags.py").write_text(TWO_DAGS)
    sync(tmp_path, timeout=60)
    first = DagImportError.objects.get()
    assert "A DAG one was made in the browser" in first.message
    assert "A DAG two was made in the browser" in first.message
    sync(tmp_path, timeout=60)
    again = DagImportError.objects.get()
    assert (again.since, again.message) == (first.since, first.message)
    Dag.objects.filter(dag_id="two").delete()
    sync(tmp_path, timeout=60)
    later = DagImportError.objects.get()
    assert later.since > first.since
    assert "two" not in later.message
