"""The process that children are forked from: it is started once, replaced when it breaks."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from connections.exceptions import Failure
from tasks.python import nursery, process
from tests.tasks.python_context import PythonContext, dag_file, run_code


@pytest.fixture(autouse=True)
def _own_nursery() -> Iterator[None]:
    nursery.give_up()
    yield
    nursery.give_up()


def run(body: str) -> Any:
    return run_code(PythonContext(dag_file(body))).value


def test_children_are_forked_from_one_process_and_know_nothing_of_each_other() -> None:
    body = """
    import random
    parent, seen, random_number = os.getppid(), hasattr(sys, "mark"), random.random()
    sys.mark = True
    return [parent, seen, random_number]
    """
    first, second = run(body), run(body)
    assert first[0] == second[0] != os.getpid()
    assert (first[1], second[1]) == (False, False)
    assert first[2] != second[2]


def test_where_no_process_can_be_forked_each_child_is_a_new_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "can_fork", False)
    assert run("return [os.getppid(), os.getcwd() == os.environ['TMPDIR']]") == [os.getpid(), True]
    with pytest.raises(Failure) as failed:
        run("os._exit(3)")
    assert failed.value.facts["reason"] == "exit code 3"


def test_a_nursery_that_died_is_replaced() -> None:
    parent = run("return os.getppid()")
    os.kill(parent, signal.SIGKILL)
    # The first after it has a Python of its own, or the new nursery's.
    assert run("return 'done'") == "done"
    assert run("return os.getppid()") not in (parent, os.getpid())


def test_a_child_outlives_its_nursery() -> None:
    context = PythonContext(dag_file("print(os.getppid())\ntime.sleep(1)\nreturn 'done'"))

    def kill(text: str) -> None:
        if text.isdigit():
            threading.Thread(target=os.kill, args=[int(text), signal.SIGKILL]).start()

    context.on_log = kill
    assert run_code(context).value == "done"


def test_another_environment_needs_another_nursery(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_REGION", "north")
    settings.PYTHON_TASK_ENVIRONMENT = []
    first = run("return [os.getppid(), os.environ.get('MY_REGION')]")
    settings.PYTHON_TASK_ENVIRONMENT = ["MY_REGION"]
    second = run("return [os.getppid(), os.environ.get('MY_REGION')]")
    assert (first[1], second[1]) == (None, "north")
    assert first[0] != second[0]


def test_more_descriptors_are_open_than_select_can_watch() -> None:
    opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(1100)]
    try:
        assert run("return 1") == 1
    finally:
        for descriptor in opened:
            os.close(descriptor)
