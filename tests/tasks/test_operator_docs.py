"""``docs/operators.md`` says what the declarations say, and its examples are real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasks.dagfiles.parser import parse_file
from tasks.operators import OPERATORS
from tests.tasks.operator_page import PAGE, categories, made, whole

TEXT = PAGE.read_text(encoding="utf-8")
ACME = Path(__file__).parents[1] / "packages" / "acme_operators"


@pytest.mark.parametrize("category", categories())
def test_every_category_has_its_section_with_all_that_is_declared(category: str) -> None:
    """Where it fails: ``.venv/bin/python -m tests.tasks.operator_page`` writes the tables."""
    section = TEXT.partition(f"\n## {category}\n")[2].partition("\n## ")[0]
    assert f"<!-- operators of {category} -->\n\n{made(category)}<!-- end -->" in section


def test_the_page_has_no_table_of_what_is_not_there() -> None:
    assert whole(TEXT) == TEXT
    named = set(re.findall(r"^### (\w+)$", TEXT, re.MULTILINE))
    assert named == set(OPERATORS.own)


def test_the_example_of_a_branch_is_a_dag_file(tmp_path: Path) -> None:
    example = re.search(r"## Flow\n.*?```python\n(.*?)```", TEXT, re.DOTALL)
    assert example is not None
    (tmp_path / "example.py").write_text(example[1])
    parsed = parse_file(tmp_path / "example.py", folder=tmp_path)
    assert parsed.problem is None
    tasks = parsed.dags[0].spec.tasks
    assert [task.task_id for task in tasks] == ["wanted", "choose", "full", "delta"]
    assert tasks[3].upstream == ("choose",)


@pytest.mark.parametrize("name", ["pyproject.toml", "acme_operators/__init__.py"])
def test_the_example_of_a_package_is_the_one_that_a_test_installs(name: str) -> None:
    assert f"\n{(ACME / name).read_text(encoding='utf-8')}```\n" in TEXT
