"""The folder of a local Patchbay: private, and only one Patchbay at a time."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from patchbay.local.errors import LocalError
from patchbay.local.home import ROOT, Home

URL = "http://127.0.0.1:8000"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_home_is_var_unless_a_variable_moves_it(tmp_path: Path) -> None:
    assert Home.named_by({}).path == ROOT / "var"
    assert Home.named_by({"PATCHBAY_HOME": ""}).path == ROOT / "var"
    assert Home.named_by({"PATCHBAY_HOME": str(tmp_path)}).path == tmp_path


def test_its_folders_are_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "home")
    with home.open(url=URL):
        for folder in (home.path, home.log, home.valkey, home.bigquery, home.storage):
            assert mode(folder) == 0o700
        assert mode(home.path / "lock") == 0o600


def test_a_second_patchbay_is_refused_with_the_address_of_the_first(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.open(url=URL):
        with pytest.raises(LocalError) as raised, home.open(url="http://127.0.0.1:9"):
            pytest.fail("two at once")
        assert str(raised.value) == f"Patchbay is already running from {tmp_path} ({URL})."
    with home.open(url=URL):
        pass


def test_a_file_in_the_place_of_the_home_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(LocalError, match="can't be made"), Home(file).open(url=URL):
        pytest.fail("opened")
    assert file.read_text() == "mine"


def test_local_env_is_private_and_read_back_line_by_line(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.local_env.write_text("OLD=1\n")
    home.local_env.chmod(0o644)
    home.write_local_env({"PATCHBAY_HTTPS": "off", "PATCHBAY_BROKER_URL": "redis://:a=b@h/0"})
    lines = home.local_env.read_text().splitlines()
    assert [line for line in lines if "=" in line] == [
        "PATCHBAY_HTTPS=off",
        "PATCHBAY_BROKER_URL=redis://:a=b@h/0",
    ]
    assert mode(home.local_env) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["local.env"]


def test_a_remembered_port_that_makes_no_sense_is_forgotten(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.bigquery.mkdir()
    assert home.remembered_port("bigquery") == 0
    home.remember_port("bigquery", 4711)
    assert home.remembered_port("bigquery") == 4711
    (home.bigquery / "port").write_text("none")
    assert home.remembered_port("bigquery") == 0
