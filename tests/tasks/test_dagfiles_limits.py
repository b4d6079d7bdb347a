"""A DAG file that does harm, to itself or to others, is a problem in words and no more."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.dagfiles.parser import ImportProblem, ParsedFile, parse_file

GOOD = """
from airflow import DAG
from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator
with DAG("good", tags=tags):
    BigQueryInsertJobOperator(task_id="x", configuration={"query": {"query": "SELECT 1"}})
"""

Read = Callable[..., ParsedFile]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read one file of this text or these bytes."""

    def read(text: str | bytes, *, timeout: float = 10.0) -> ParsedFile:
        path = tmp_path / "one.py"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return parse_file(path, folder=tmp_path, timeout=timeout)

    return read


def problem_of(parsed: ParsedFile) -> ImportProblem:
    assert parsed.dags == ()
    assert parsed.problem is not None
    assert parsed.problem.filename == parsed.filename
    return parsed.problem


@pytest.mark.parametrize(
    ("text", "kind", "line", "words"),
    [
        ("x = 1\nx = = 2\n", "syntax", 2, "invalid syntax: x = = 2"),
        ("if x:\npass\n", "syntax", 2, "expected an indented block"),
        (b"x = 1\ny = '\xff'\n", "syntax", 2, "'utf-8' codec can't decode byte 0xff"),
        (b"x = 1\ny = '\x00'\n", "syntax", 2, "The file has a null byte"),
        ("# coding: nonsense\n", "syntax", 1, "unknown encoding: nonsense"),
        ("x = 1\nraise ValueError('why')\n", "exception", 2, "ValueError: why"),
        ("x = 1\nassert False\n", "exception", 2, "AssertionError"),
        ("raise KeyboardInterrupt\n", "exception", 1, "KeyboardInterrupt"),
        ("raise BaseException('b')\n", "exception", 1, "BaseException: b"),
        ("def f():\n    f()\nf()\n", "exception", 2, "RecursionError: maximum recursion depth"),
        ("import sys\nsys.exit('no')\n", "exit", 2, "sys.exit('no')"),
        ("raise SystemExit\n", "exit", 1, "sys.exit(None)"),
        ("import os\nos._exit(0)\n", "exit", None, "ended the process with code 0"),
        ("import os\nos.kill(os.getpid(), 15)\n", "crash", None, "crashed with SIGTERM."),
        ("import os\nos.kill(os.getpid(), 40)\n", "crash", None, "crashed with signal 40."),
        ("x = 1\nimport os; os.abort()\n", "crash", 2, "crashed with SIGABRT."),
        ("x = b'x' * 2**30\n", "memory", 1, "more than the 512 MiB of memory"),
        ("open('big', 'wb').write(b'x' * 2**21)\n", "exception", 1, "File too large"),
        ("x = [open('/dev/null') for _ in range(500)]\n", "exception", 1, "Too many open files"),
        ("class E(Exception):\n  __str__ = None\nraise E\n", "exception", 3, "E: (its message"),
        ("raise ValueError('a\\0b\\ud800')\n", "exception", 1, "ValueError: a\\x00b\\ud800"),
    ],
)
def test_a_fault_has_its_kind_its_line_and_words(
    read: Read, text: str | bytes, kind: str, line: int | None, words: str
) -> None:
    problem = problem_of(read(text))
    assert (problem.kind, problem.line) == (kind, line)
    assert words in problem.message


@pytest.mark.parametrize("text", ["", "\n", "# a DAG file to be\n", "x = 1\n"])
def test_a_file_without_a_dag_is_no_problem(read: Read, text: str) -> None:
    assert read(text) == ParsedFile("one.py", (), None)


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\nwhile True: pass\n",
        "import time\ntime.sleep(60)\n",
        "def f():\n  try:\n    while 1: pass\n  except BaseException: f()\nf()\n",
    ],
)
def test_a_file_that_does_not_end_is_stopped_and_its_line_is_known(read: Read, text: str) -> None:
    start = time.monotonic()
    problem = problem_of(read(text, timeout=1.0))
    assert time.monotonic() - start < 20
    assert problem.kind == "timeout"
    assert problem.line in (2, 3)
    assert problem.message.startswith("The file is not read after 1 s, which is the time limit.")


def test_a_process_that_outlives_the_file_is_killed_and_not_waited_for(
    read: Read, tmp_path: Path
) -> None:
    start = time.monotonic()
    parsed = read(
        "import os, time\n"
        "if (pid := os.fork()) == 0:\n"
        "    time.sleep(60)\n"
        "open('pid', 'w').write(str(pid))\n"
        "tags = []\n" + GOOD
    )
    assert parsed.problem is None
    assert [dag.spec.dag_id for dag in parsed.dags] == ["good"]
    assert time.monotonic() - start < 30
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_a_process_that_outlives_a_file_without_a_result_is_killed(
    read: Read, tmp_path: Path
) -> None:
    start = time.monotonic()
    problem = problem_of(
        read(
            "import os, time\n"
            "if (pid := os.fork()) == 0:\n"
            "    time.sleep(60)\n"
            "open('pid', 'w').write(str(pid))\n"
            "os._exit(3)\n"
        )
    )
    assert problem.kind == "exit"
    assert time.monotonic() - start < 30
    assert is_gone(int((tmp_path / "pid").read_text()))


def is_gone(pid: int) -> bool:
    """A zombie counts: whoever adopted it may be slow to take its exit code."""
    for _ in range(1500):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_file_that_forks_hands_back_once(read: Read) -> None:
    parsed = read("import os\nos.fork()\ntags = []\n" + GOOD)
    assert parsed.problem is None
    assert [dag.spec.dag_id for dag in parsed.dags] == ["good"]


def test_a_huge_output_neither_blocks_nor_reaches_the_result(read: Read) -> None:
    parsed = read(
        "import os, sys\n"
        "for _ in range(300): print('x' * 100_000)\n"
        'sys.stderr.write(\'{"dags": [], "problem": null}\\n\')\n'
        "tags = []\n" + GOOD
    )
    assert parsed.problem is None
    assert len(parsed.dags) == 1


def test_the_end_of_the_output_is_shown_after_a_crash_without_the_machines_paths(
    read: Read, tmp_path: Path
) -> None:
    problem = problem_of(
        read("import os\nprint('x' * 9000)\nprint('near', __file__)\nos._exit(7)\n")
    )
    assert problem.message.endswith("near one.py")
    assert len(problem.message) < 2000
    assert str(tmp_path) not in problem.message


def test_paths_in_a_message_are_relative_to_the_folder(read: Read, tmp_path: Path) -> None:
    problem = problem_of(read("open(__file__ + '.sql')\n"))
    assert problem.message.endswith("No such file or directory: 'one.py.sql'")
    problem = problem_of(read("raise ValueError('x' * 10_000)\n"))
    assert len(problem.message) < 2100


def test_secrets_in_the_parents_environment_do_not_reach_a_dag_file(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PATCHBAY_KEYS", "DJANGO_SECRET_KEY", "AWS_SECRET_ACCESS_KEY", "PYTHONPATH"):
        monkeypatch.setenv(name, "a-secret-value")
    monkeypatch.setenv("TZ", "Europe/Vienna")
    parsed = read("import os\ntags = [f'{k}={v}' for k, v in os.environ.items()]\n" + GOOD)
    assert parsed.problem is None
    environment = dict(tag.split("=", 1) for tag in parsed.dags[0].spec.tags)
    assert "a-secret-value" not in environment.values()
    assert environment["TZ"] == "Europe/Vienna"
    assert set(environment) <= {
        *("HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "TMPDIR", "TZ"),
        *("PYTHONHASHSEED", "PYTHONUTF8", "PYTHONUNBUFFERED"),
        *("MALLOC_ARENA_MAX", "OPENBLAS_NUM_THREADS"),
    }


def test_a_file_gets_no_input_and_no_open_file_of_the_parent(read: Read) -> None:
    with Path(os.devnull).open() as held:
        os.set_inheritable(held.fileno(), True)
        parsed = read(
            "import os, sys\n"
            "assert sys.stdin.read() == ''\n"
            "assert len(os.listdir('/proc/self/fd')) <= 5, os.listdir('/proc/self/fd')\n"
        )
    assert parsed.problem is None
