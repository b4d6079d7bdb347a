"""``manage.py`` as a person types it: what it prints, and its exit code."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest
from django.core.management import execute_from_command_line

from tests.processes import REPOSITORY, test_variables

Answer = subprocess.CompletedProcess[str]


def in_a_process(*arguments: str, given: str = "", **variables: str) -> Answer:
    """The whole program, which takes a second or two to start."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **test_variables(), **variables},
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def in_this_process(*arguments: str, given: str = "", **variables: str) -> Answer:
    """The same without a start: for what the settings and a real terminal have no part in."""
    stdin = io.TextIOWrapper(io.BytesIO(given.encode()), encoding="utf-8")
    stdout, stderr = io.StringIO(), io.StringIO()
    code = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(stdout), redirect_stderr(stderr):
        patch.setattr("sys.stdin", stdin)
        for name, value in variables.items():
            patch.setenv(name, value)
        try:
            execute_from_command_line(["manage.py", *arguments])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return Answer(arguments, code, stdout.getvalue(), stderr.getvalue())
