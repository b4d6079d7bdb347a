"""gcpbigquery: BigQuery, with all that google_cloud_platform has and its own options.

As in Airflow's Google provider: its BigQuery hook reads the same fields, with
the same legacy prefix.
"""

from __future__ import annotations

import re
from dataclasses import replace

from connections.types.base import TypeField
from connections.types.google_cloud_platform import GOOGLE_CLOUD_PLATFORM

LOCATION = re.compile(r"[A-Za-z]{2}|[a-z]+(-[a-z]+)*-[a-z]+[0-9]+")


def location(value: str) -> str:
    """https://cloud.google.com/bigquery/docs/locations"""
    return "" if LOCATION.fullmatch(value) else "A region such as europe-west3, or EU or US."


_BIGQUERY = (
    TypeField(
        "location",
        "Location",
        placeholder="EU",
        help="Where jobs run, if the task names none.",
        check=location,
    ),
    TypeField(
        "priority",
        "Priority",
        group="advanced",
        choices=("INTERACTIVE", "BATCH"),
        default="INTERACTIVE",
    ),
    TypeField("use_legacy_sql", "Legacy SQL", kind="boolean", group="advanced"),
    TypeField(
        "api_resource_configs",
        "API resource",
        kind="json",
        group="advanced",
        placeholder='{"query": {"useQueryCache": false}}',
        help="Airflow adds it to the configuration of every job.",
    ),
    TypeField(
        "labels",
        "Labels",
        kind="json",
        group="advanced",
        placeholder='{"team": "reports"}',
        help="Airflow sets them on every job.",
    ),
)

GCPBIGQUERY = replace(
    GOOGLE_CLOUD_PLATFORM,
    name="gcpbigquery",
    label="Google BigQuery",
    category="Warehouse",
    description="BigQuery alone, with its own options",
    fields=(*GOOGLE_CLOUD_PLATFORM.fields, *_BIGQUERY),
    docs="docs/connection-types-cloud.md#google-bigquery",
)
