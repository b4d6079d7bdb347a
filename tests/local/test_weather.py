"""The demo's data."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from datetime import date

from patchbay.local import weather
from tests.local.processes import ROOT


def test_the_packaged_file_becomes_rows_as_bigquery_reads_them() -> None:
    rows = list(csv.DictReader(io.StringIO(weather.weather_csv())))
    assert len(rows) == weather.ROWS
    assert list(rows[0]) == list(weather.COLUMNS)
    days = [date.fromisoformat(row["date"]) for row in rows]
    assert days[0] == date(2012, 1, 1)
    assert days[-1] == date(2015, 12, 31)
    assert all(float(row["temp_max"]) >= float(row["temp_min"]) for row in rows)


def test_to_find_it_imports_neither_pandas_nor_googles_client() -> None:
    code = (
        "import sys; from patchbay.local import weather; weather.weather_csv();"
        "print([name for name in ('pandas', 'google.cloud.bigquery') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_server_that_is_not_there_has_no_rows() -> None:
    assert weather.stored_rows("http://127.0.0.1:9") == 0
