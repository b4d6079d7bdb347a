"""``docs/dag-files.md`` says all that the code accepts, and its example runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tasks.dagfiles.authoring import hooks, modules
from tasks.dagfiles.authoring.python_tasks import task
from tasks.dagfiles.authoring.schedule import PRESETS
from tasks.dagfiles.authoring.settings import DAG_SETTINGS, TASK_SETTINGS, Fate, Setting
from tasks.dagfiles.parser import parse_file
from tasks.dagfiles.process import PASSED_ON
from tasks.dagfiles.results import KINDS
from tasks.spec import TriggerRule

PAGE = (Path(__file__).parents[2] / "docs" / "dag-files.md").read_text()
#: Those of operators stand in docs/operators.md.
MODULES = modules.base_modules()
modules.add_names(MODULES, hooks.MODULES)
ROWS = [re.split(r" *(?<!\\)\| *", line)[1:-1] for line in PAGE.splitlines() if line[:2] == "| "]


@pytest.mark.parametrize(
    "names",
    [
        [module for module, there in MODULES.items() if there],
        {name for there in MODULES.values() for name in there},
        DAG_SETTINGS,
        TASK_SETTINGS,
        KINDS,
        PASSED_ON,
        PRESETS,
        [rule.value for rule in TriggerRule],
        [f"@task.{name}" for name in vars(task) if not name.startswith("_")],
    ],
    ids=["modules", "names", "DAG", "task", "kinds", "environment", "presets", "rules", "@task"],
)
def test_the_page_names_everything(names: Iterable[str]) -> None:
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_the_page_says_where_each_name_can_be_imported_from() -> None:
    rows = [row for row in ROWS if len(row) == 2 and "airflow" in row[1]]
    told = {
        name: {module for row in rows if f"`{name}`" in row[0] for module in _names(row[1])}
        for names in MODULES.values()
        for name in names
    }
    compat = "airflow.providers.common.compat.sdk"
    missing = {
        (name, module)
        for module, names in MODULES.items()
        for name in names
        if module not in (compat, "patchbay") and module not in told[name]
    }
    assert missing == set()


@pytest.mark.parametrize(
    ("words", "fate"),
    [
        ("they change no run", Fate.QUIET),
        ("nothing here acts on them", Fate.NOTICED),
        ("only ", Fate.REFUSED),
    ],
)
@pytest.mark.parametrize("table", [DAG_SETTINGS, TASK_SETTINGS], ids=["DAG", "task"])
def test_the_page_tells_what_becomes_of_each_argument(
    table: dict[str, Setting], words: str, fate: Fate
) -> None:
    heading = "## DAGs" if table is DAG_SETTINGS else "## Tasks"
    part = PAGE.partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in part.splitlines() if line.startswith("| `")]
    told = {
        name
        for row in rows
        if words in row[1] and (words != "only " or row[1].startswith(words))
        for name in _names(row[0])
    }
    assert told == {name for name, setting in table.items() if setting.fate is fate}


def _names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_example_on_the_page_is_a_dag_file(tmp_path: Path) -> None:
    example = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    (tmp_path / "example.py").write_text(example[1])
    parsed = parse_file(tmp_path / "example.py", folder=tmp_path)
    assert parsed.problem is None
    assert [dag.spec.dag_id for dag in parsed.dags] == ["example_dag"]
