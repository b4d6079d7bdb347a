"""How `.venv` is made: once, again when its requirements change; and what is told if it can't."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from patchbay.local import bootstrap
from tests.local.processes import ROOT


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without any requirement, so that nothing is downloaded."""
    for name in ("requirements.txt", "constraints.txt"):
        (tmp_path / name).write_text("# nothing\n")
    (tmp_path / "requirements-dev.txt").write_text("-r requirements.txt\n")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv" / ".installed")
    monkeypatch.setattr(bootstrap, "CONSTRAINTS", tmp_path / "constraints.txt")
    return tmp_path


def test_requirements_are_installed_once_and_again_when_they_change(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def installs(name: str) -> bool:
        assert bootstrap.main([name]) == 0
        return "Installing" in capsys.readouterr().out

    assert installs("requirements-dev.txt")
    assert not installs("requirements-dev.txt")
    assert not installs("requirements.txt"), "the first one included it"
    (project / "constraints.txt").write_text("# other\n")
    assert installs("requirements.txt")
    assert installs("requirements-dev.txt")
    (project / "requirements.txt").write_text("# other\n")
    assert installs("requirements-dev.txt"), "it includes what changed"


def test_a_venv_that_was_cut_short_is_made_anew(project: Path) -> None:
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "python").symlink_to("/nowhere/python3.11")
    assert bootstrap.main(["requirements.txt"]) == 0
    assert bootstrap.usable()


def test_a_failing_installation_is_told_and_tried_again_next_time(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (project / "requirements.txt").write_text("./no-such-folder\n")
    assert bootstrap.main(["requirements.txt"]) == 1
    errors = capfd.readouterr().err
    assert "no-such-folder" in errors
    assert errors.splitlines()[-1].startswith("Installing requirements.txt failed")
    assert not bootstrap.STAMP.exists()


def test_a_python_without_the_venv_package_is_told_in_one_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "find_spec", lambda name: None)
    assert bootstrap.main(["requirements.txt"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"apt install python{version}-venv" in line
    assert not (project / ".venv").exists()


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_without_any_python_says_what_to_install(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements-local.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "bin").mkdir()
    make = shutil.which("make")
    assert make is not None
    done = subprocess.run(
        [make, "--no-print-directory", "-C", str(tmp_path), "run"],
        env={"PATH": str(tmp_path / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "Patchbay needs Python 3.11 or newer, and finds none: install it" in done.stderr
    assert done.stdout == ""


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_alone_lists_every_target_with_what_it_does() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory"],
        cwd=ROOT,
        env={**os.environ, "MAKEFLAGS": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    listed = {line.split()[1] for line in done.stdout.splitlines()}
    assert {"run", "test", "lint", "types", "bench", "help"} <= listed
