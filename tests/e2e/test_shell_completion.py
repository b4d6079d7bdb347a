"""Completion of ``manage.py connections`` in a real shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from access.audit import Actor
from connections.services import create_connection
from connections.validation import Draft
from tests.processes import REPOSITORY, test_variables
from tests.terminal import in_a_process, in_this_process

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """What ``manage.py`` prints for bash, in a file."""
    file = tmp_path / "completion.bash"
    file.write_text(in_a_process("connections", "completion", "bash").stdout)
    return file


def complete(line: str, script: Path) -> list[str]:
    """What a real bash offers at the end of ``line``."""
    words = line.split(" ")
    program = f"""
        source {script}
        COMP_WORDS=({" ".join(f"'{word}'" for word in words)})
        COMP_CWORD={len(words) - 1}
        _patchbay_connections
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    answer = subprocess.run(
        ["bash", "--norc", "-c", program],
        cwd=REPOSITORY,
        env={**os.environ, **test_variables()},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert not answer.stderr
    return answer.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_flags_choices_and_ids(script: Path) -> None:
    create_connection(Draft("my_db", "unheard_of"), actor=Actor("ann"))
    python = sys.executable
    start = f"{python} manage.py connections"
    assert complete(f"{start} ex", script) == ["export"]
    assert set(complete(f"{start} ", script)) >= {"list", "get", "add", "edit", "import"}
    assert complete(f"{start} edit my_db --conn-h", script) == ["--conn-host"]
    assert complete(f"{start} list -o ", script) == ["table", "json", "yaml", "plain"]
    assert complete(f"{start} import a --existing o", script) == ["overwrite"]
    assert complete(f"{start} get my", script) == ["my_db"]
    assert complete(f"{start} export manag", script) == ["manage.py"]
    assert complete(f"{start} export a.json --redact my", script) == ["my_db"]
    assert complete(f"{start} add x --conn-type postg", script) == ["postgres"]
    assert complete(f"{start} completion z", script) == ["zsh"]
    assert complete(f"{start} import manag", script) == ["manage.py"]
    assert complete(f"{python} manage.py migrate ", script) == []
    assert complete(f"{python} -m ven", script) == []
    assert "bashcompinit" in in_this_process("connections", "completion", "zsh").stdout
