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

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def script_for(shell: str) -> str:
    answer = subprocess.run(
        [sys.executable, "manage.py", "connections", "completion", shell],
        cwd=REPOSITORY,
        env={**os.environ, **test_variables()},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return answer.stdout


def complete(line: str, tmp_path: Path) -> list[str]:
    """What a real bash offers at the end of ``line``."""
    script = tmp_path / "completion.bash"
    script.write_text(script_for("bash"))
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
        timeout=60,
        check=True,
    )
    assert not answer.stderr
    return answer.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_flags_choices_and_ids(tmp_path: Path) -> None:
    create_connection(Draft("my_db", "unheard_of"), actor=Actor("ann"))
    python = sys.executable
    start = f"{python} manage.py connections"
    assert complete(f"{start} ex", tmp_path) == ["export"]
    assert set(complete(f"{start} ", tmp_path)) >= {"list", "get", "add", "edit", "import"}
    assert complete(f"{start} edit my_db --conn-h", tmp_path) == ["--conn-host"]
    assert complete(f"{start} list -o ", tmp_path) == ["table", "json", "yaml", "plain"]
    assert complete(f"{start} import a --existing o", tmp_path) == ["overwrite"]
    assert complete(f"{start} get my", tmp_path) == ["my_db"]
    assert complete(f"{start} export manag", tmp_path) == ["manage.py"]
    assert complete(f"{start} export a.json --redact my", tmp_path) == ["my_db"]
    assert complete(f"{start} add x --conn-type postg", tmp_path) == ["postgres"]
    assert complete(f"{start} completion z", tmp_path) == ["zsh"]
    assert complete(f"{start} import manag", tmp_path) == ["manage.py"]
    assert complete(f"{python} manage.py migrate ", tmp_path) == []
    assert complete(f"{python} -m ven", tmp_path) == []
    assert "bashcompinit" in script_for("zsh")
