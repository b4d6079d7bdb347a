"""Brings real data to the local servers: the weather of Seattle, day by day, 2012 to 2015.

    python -m patchbay.local.weather BIGQUERY [STORAGE]

Both are addresses, such as http://127.0.0.1:PORT. BigQuery gets a table, the object store the file
as it is: `dags/elt_demo.py` makes tables of it.

From NOAA, as the package `vega-datasets` ships it.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError

from patchbay.local.demo import BUCKET, DATASET, LANDED, PROJECT, TABLE
from patchbay.local.objects import ObjectStore

ROWS = 1461
COLUMNS = {
    "date": "DATE",
    "precipitation": "FLOAT64",
    "temp_max": "FLOAT64",
    "temp_min": "FLOAT64",
    "wind": "FLOAT64",
    "weather": "STRING",
}
#: Seconds for one call. The client's own default is to try again for ten minutes.
TIMEOUT = 30.0


def main(endpoint: str, storage: str = "") -> int:
    if storage:
        upload(ObjectStore(storage))
    if stored_rows(endpoint) == ROWS:
        return 0
    rows = load(endpoint)
    print(f"Loaded {rows} days of Seattle's weather into {DATASET}.{TABLE}.")
    return 0 if rows == ROWS else 1


def upload(store: ObjectStore) -> None:
    """Lay the file into its bucket. One that is there already is left alone."""
    if not store.has_bucket(BUCKET):
        store.make_bucket(BUCKET, project=PROJECT)
    if store.find(BUCKET, LANDED) is None:
        data = source().read_bytes()
        store.write(BUCKET, LANDED, data, "text/csv")
        print(f"Uploaded {len(data):,} bytes to gs://{BUCKET}/{LANDED}.")


def stored_rows(endpoint: str) -> int:
    """How many rows the table has; 0 where there is none.

    One plain request: to import Google's client takes longer than all the rest of this.
    """
    path = f"/bigquery/v2/projects/{PROJECT}/datasets/{DATASET}/tables/{TABLE}"
    try:
        with urllib.request.urlopen(endpoint + path, timeout=TIMEOUT) as answer:  # noqa: S310
            return int(json.load(answer).get("numRows", 0))
    except (URLError, ValueError):
        return 0


def load(endpoint: str) -> int:
    """Replace the table by the whole file, by a load job of Google's own client."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    client = bigquery.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": endpoint},
    )
    retry = bigquery.DEFAULT_RETRY.with_timeout(TIMEOUT)
    client.create_dataset(DATASET, exists_ok=True, retry=retry, timeout=TIMEOUT)
    config = bigquery.LoadJobConfig(
        schema=[bigquery.SchemaField(name, kind) for name, kind in COLUMNS.items()],
        source_format=bigquery.SourceFormat.CSV,
        skip_leading_rows=1,
        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
    )
    job = client.load_table_from_file(
        io.BytesIO(weather_csv().encode()),
        f"{PROJECT}.{DATASET}.{TABLE}",
        job_config=config,
        timeout=TIMEOUT,
    )
    job.result(retry=retry, timeout=TIMEOUT)
    client.close()
    return int(job.output_rows or 0)


def weather_csv() -> str:
    """The packaged file, with dates as BigQuery reads them."""
    with source().open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "date": row["date"].replace("/", "-")} for row in rows)
    return text.getvalue()


def source() -> Path:
    """The file, found without importing the package: that would import pandas."""
    spec = find_spec("vega_datasets")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package vega-datasets is not installed")
    return Path(spec.origin).parent / "_data" / "seattle-weather.csv"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
