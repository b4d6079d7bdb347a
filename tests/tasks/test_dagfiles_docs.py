"""``docs/dag-files.md`` says all that the code accepts, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasks.dagfiles.authoring.imports import AirflowFinder
from tasks.dagfiles.authoring.settings import DAG_SETTINGS, TASK_SETTINGS
from tasks.dagfiles.parser import parse_file
from tasks.dagfiles.process import PASSED_ON
from tasks.dagfiles.results import KINDS
from tasks.operators import OPERATORS

PAGE = (Path(__file__).parents[2] / "docs" / "dag-files.md").read_text()
MODULES = AirflowFinder(OPERATORS.values()).modules


@pytest.mark.parametrize(
    "names",
    [
        [module for module, there in MODULES.items() if there],
        {name for there in MODULES.values() for name in there},
        DAG_SETTINGS,
        TASK_SETTINGS,
        [argument.name for operator in OPERATORS.values() for argument in operator.arguments],
        KINDS,
        PASSED_ON,
    ],
    ids=["modules", "names", "DAG", "task", "operator", "kinds", "environment"],
)
def test_the_page_names_everything(names: list[str]) -> None:
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_the_example_on_the_page_is_a_dag_file(tmp_path: Path) -> None:
    example = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    (tmp_path / "example.py").write_text(example[1])
    parsed = parse_file(tmp_path / "example.py", folder=tmp_path)
    assert parsed.problem is None
    assert [dag.spec.dag_id for dag in parsed.dags] == ["example_dag"]
