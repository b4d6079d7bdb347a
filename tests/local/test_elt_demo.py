"""The demo of `dags/elt_demo.py` on what `make run` starts, from the file to the report."""

from __future__ import annotations

import csv
import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from patchbay.local.demo import BUCKET, LANDED
from patchbay.local.objects import ObjectStore
from patchbay.local.ports import HOST, free_port
from patchbay.local.weather import source
from tests.local.processes import ROOT, alive, children, patchbay, running_patchbay

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def trigger(home: Path, *arguments: str) -> str:
    """Run the demo as in a second terminal until it has ended well; what it says."""
    _, env = patchbay(home)
    command = [sys.executable, "manage.py", "dags", "trigger", "elt_demo", "--watch", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def reports(home: Path) -> dict[str, str]:
    """Every report in the object store, asked of the running one."""
    port = (home / "storage" / "port").read_text().strip()
    store = ObjectStore(f"http://{HOST}:{port}")
    assert store.read(BUCKET, LANDED) == source().read_bytes(), "the file is as it was"
    return {name: store.read(BUCKET, name).decode() for name in store.names(BUCKET, "reports/")}


def months_of(year: str) -> list[tuple[str, int, int]]:
    """What the report must say, from the packaged file: month, days, days with sun."""
    with source().open(newline="") as file:
        days = [row for row in csv.DictReader(file) if row["date"].startswith(year)]
    months = sorted({row["date"][:7] for row in days})
    found = []
    for month in months:
        weather = [row["weather"] for row in days if row["date"].startswith(month)]
        found.append((month.replace("/", "-"), len(weather), weather.count("sun")))
    return found


def test_the_file_becomes_a_report_and_a_year_without_weather_none(tmp_path: Path) -> None:
    home, port = tmp_path / "home", str(free_port())
    with running_patchbay(home, folder=tmp_path / "first", PORT=port) as running:
        said = trigger(home)
        assert "Cloud job done, 1,461 rows" in said
        assert "Cloud job done, 1 file" in said
        (report,) = reports(home).values()
        rows = list(csv.DictReader(io.StringIO(report)))
        told = [(row["month"], int(row["days"]), int(row["sunny_days"])) for row in rows]
        assert sorted(told) == months_of("2015")
        assert len(told) == 12

        assert "publish  Skipped" in trigger(home, "--conf", '{"year": 2016}')
        assert list(reports(home)) == ["reports/seattle-2015.csv"]
        processes = children(running.process.pid)
        running.signal(signal.SIGINT)
        assert running.exit_code() == 0
    assert not any(map(alive, processes))

    with running_patchbay(home, folder=tmp_path / "second", PORT=port):
        assert reports(home) == {"reports/seattle-2015.csv": report}
        assert "nothing_to_publish  Skipped" in trigger(home, "--conf", '{"year": 2012}')
        assert list(reports(home)) == ["reports/seattle-2012.csv", "reports/seattle-2015.csv"]
