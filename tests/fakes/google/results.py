"""A query's result as JSON, page by page.

https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/getQueryResults; values as
https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/list describes them.
"""

import base64
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.google.answers import Json
from tests.fakes.google.jobs import Job
from tests.fakes.google.plans import SchemaField
from tests.fakes.google.statistics import affected_rows


def unfinished(job: Job) -> Json:
    """The answer while the job isn't done."""
    return {"jobReference": job.reference, "jobComplete": False}


def finished(job: Job, params: Mapping[str, str]) -> Json:
    """The answer once it is: schema and a page of rows for a SELECT, counts for DML."""
    plan = job.plan
    answer: Json = {
        "jobReference": job.reference,
        "jobComplete": True,
        "cacheHit": plan.cache_hit,
        "totalBytesProcessed": str(0 if plan.cache_hit else plan.bytes_processed),
        **affected_rows(plan, job.configuration),
    }
    if job.returns_rows:
        answer |= {"schema": table_schema(plan.schema), "totalRows": str(len(plan.rows))}
        answer |= page_of(plan.rows, params)
    return answer


def table_schema(schema: Sequence[SchemaField]) -> Json:
    """TableSchema of planned fields."""
    return {"fields": [_field(field) for field in schema]}


def _field(field: SchemaField) -> Json:
    if isinstance(field, dict):
        return field
    name, kind, *mode = field
    return {"name": name, "type": kind, "mode": mode[0] if mode else "NULLABLE"}


def page_of(rows: Sequence[Sequence[Any]], params: Mapping[str, str]) -> Json:
    """A page of rows, as ``maxResults``, ``startIndex`` and ``pageToken`` ask for it."""
    # maxResults=0 is how the Python client waits for the end without reading rows.
    first = int(params.get("pageToken") or params.get("startIndex") or 0)
    size = int(params.get("maxResults", len(rows)))
    page = rows[first : first + size]
    answer: Json = {"rows": [{"f": [_cell(value) for value in row]} for row in page]}
    if size == 0:
        return {}
    if first + size < len(rows):
        answer["pageToken"] = str(first + size)
    return answer


def _cell(value: Any) -> Json:
    return {"v": _encode(value)}


def _encode(value: Any) -> Any:
    match value:
        case None:
            return None
        case list() | tuple():
            return [_cell(item) for item in value]
        case dict():
            return {"f": [_cell(item) for item in value.values()]}
    return _scalar(value)


def _scalar(value: Any) -> str:
    """A value as the REST API writes it: always text, timestamps in microseconds."""
    match value:
        case bool():
            return "true" if value else "false"
        case bytes():
            return base64.b64encode(value).decode()
        case dt.datetime() if value.tzinfo is not None:
            return str(round(value.timestamp() * 1_000_000))
        case dt.date() | dt.time():
            return value.isoformat()
    return str(value)
