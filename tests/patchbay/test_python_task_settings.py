"""The settings of Python tasks, read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from patchbay.environment import Environment


def read(**variables: str) -> Environment:
    given = {f"PATCHBAY_{name}": value for name, value in variables.items()}
    return Environment(given, base=Path("/nowhere"))


def test_memory_is_a_whole_number_within_bounds() -> None:
    def memory(text: str) -> int:
        found = read(PYTHON_TASK_MEMORY=text)
        return found.whole_number("PYTHON_TASK_MEMORY", default=2048, least=128, most=4096)

    assert [memory(""), memory("128"), memory("4096")] == [2048, 128, 4096]
    for wrong in ("127", "4097", "-1", "1e3", "2 GiB", "0512x", "99999999999"):
        with pytest.raises(ImproperlyConfigured, match="PATCHBAY_PYTHON_TASK_MEMORY must be"):
            memory(wrong)


@pytest.mark.parametrize("name", ["PATCHBAY_SECRET_KEY", "AIRFLOW_CONN_X", "PYTHONPATH"])
def test_no_setting_and_no_connection_can_be_passed_on(name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"can't pass {name} on"):
        read(PYTHON_TASK_ENVIRONMENT=f"REGION, {name}").passed_on("PYTHON_TASK_ENVIRONMENT")


def test_names_of_variables_can_be_passed_on() -> None:
    found = read(PYTHON_TASK_ENVIRONMENT="REGION, STAGE").passed_on("PYTHON_TASK_ENVIRONMENT")
    assert found == ["REGION", "STAGE"]
