"""Packages that are installed for a test, and seen as Python sees them: by their entry points."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connections.types import TYPES
from connections.types.registry import Registry

ACME = Path(__file__).parent.parent.parent / "packages" / "acme_types"

Install = Callable[..., None]


@pytest.fixture(scope="session")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that pip installed the example package into, from a copy of its source."""
    folder = tmp_path_factory.mktemp("acme")
    source = shutil.copytree(ACME, folder / "source")
    site = folder / "site"
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    command = [sys.executable, "-m", "pip", "install", *offline, "--target", str(site)]
    subprocess.run([*command, str(source)], check=True, capture_output=True, timeout=100)
    return site


@pytest.fixture
def acme_is_installed(acme: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """``TYPES`` of this process has the example package's type."""
    monkeypatch.syspath_prepend(str(acme))
    vars(TYPES).pop("_found", None)
    yield
    vars(TYPES).pop("_found")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package of one module, as a wheel would be unpacked."""
    assert TYPES.problems == ()  # read before there is anything wrong
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(name: str, code: str, *, group: str, module: str = "", attr: str = "TYPES") -> None:
        module = module or name.replace("-", "_")
        monkeypatch.delitem(sys.modules, module, raising=False)
        path = tmp_path / f"{module.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
        info = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{group}]\nit = {module}:{attr}\n")

    return put


@pytest.fixture
def registry() -> Registry:
    """Reads the packages anew."""
    return Registry()
