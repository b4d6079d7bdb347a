"""Reads rows from BigQuery, and judges them.

Imported on first use, because it needs Google's client.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar

from google.api_core.exceptions import GoogleAPICallError

from connections.exceptions import Failure
from connections.hooks.bigquery_failures import refused
from connections.hooks.shortening import shortened
from tasks.operators.base import AlreadyDone, Context, TaskResult
from tasks.operators.bigquery_jobs import cancel_job, finished_job, is_googles, project_of
from tasks.operators.bigquery_outcome import result_of
from tasks.operators.bigquery_requests import JobRequest
from tasks.operators.google_calls import RETRIED_WHILE_WAITING, Caller, caller_of

Values = Mapping[str, Any]
#: Characters of a row that the words of a failure show.
LONGEST_ROW = 500
LARGEST_PAGE = 10_000
#: Google's annotations forbid the None that its documentation asks for.
NEVER: Any = None

T = TypeVar("T")


def check_row(
    values: Values, configuration: dict[str, Any], session: Any, context: Context
) -> TaskResult:
    """Raise ``Failure`` unless there is a row, and all in it is true."""
    row, result = _first_row(values, configuration, session, context)
    if not all(row.values()):
        raise Failure("job:check-failed", row=_shown(row), **result.facts)
    return TaskResult(f"Check passed: {_shown(row)}", result.facts, xcoms=result.xcoms)


def check_value(
    values: Values, configuration: dict[str, Any], session: Any, context: Context
) -> TaskResult:
    """Raise ``Failure`` unless there is a row, and all in it is what is expected."""
    row, result = _first_row(values, configuration, session, context)
    expected, tolerance = values["pass_value"], values["tolerance"]
    number = None if isinstance(expected, bool) else _number(expected)
    if number is None:
        passes = all(str(value) == str(expected) for value in row.values())
    else:
        margin = abs(number) * (tolerance or 0)
        found = map(_number, row.values())
        passes = all(value is not None and abs(value - number) <= margin for value in found)
    if not passes:
        within = f" within {tolerance:.4g} of it" if tolerance and number is not None else ""
        words = f"{expected}{within}"
        raise Failure("job:value-differs", row=_shown(row), expected=words, **result.facts)
    return TaskResult(f"Check passed: {_shown(row)}", result.facts, xcoms=result.xcoms)


def cancel_query(
    values: Values, configuration: dict[str, Any], session: Any, context: Context
) -> str:
    """As ``cancel_job``; a query that had ended has checked nothing yet."""
    try:
        return cancel_job(caller_of(values, session, context), _request(values, configuration))
    except AlreadyDone:
        return "The query had ended, and its row was not looked at."


def _request(values: Values, configuration: dict[str, Any]) -> JobRequest:
    return JobRequest.of(values, configuration=configuration)


def _first_row(
    values: Values, configuration: dict[str, Any], session: Any, context: Context
) -> tuple[dict[str, Any], TaskResult]:
    caller = caller_of(values, session, context)
    job, statistics = finished_job(caller, _request(values, configuration))
    result = result_of(job, statistics, is_googles=is_googles(session))
    rows = _read(caller, job.project, lambda: _rows_of(job, most=1))
    if not rows:
        raise Failure("job:check-empty", **result.facts)
    return rows[0], result


def get_data(values: Values, session: Any, context: Context) -> TaskResult:
    """The rows as the XCom value: lists, or dicts with ``as_dict``."""
    caller = caller_of(values, session, context)
    most = int(values["max_results"])
    names = [name.strip() for name in (values["selected_fields"] or "").split(",") if name.strip()]
    if values["job_id"]:
        project = project_of(values["job_project_id"], session)
        where = f"the result of job {values['job_id']}"
        rows = _read(caller, project, lambda: _rows_of(_job(caller, values, project), most=most))
    else:
        project = project_of(values["table_project_id"] or values["project_id"], session)
        where = f"{project}.{values['dataset_id']}.{values['table_id']}"
        rows = _read(caller, project, lambda: _table_rows(caller, where, names, most=most))
    rows = [_selected(row, names, where=where) for row in rows]
    data = [{name: plain(value) for name, value in row.items()} for row in rows]
    summary = f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'} of {where} read"
    facts = {"project": project, "rows": len(rows)}
    return TaskResult(
        summary, facts, value=data if values["as_dict"] else [list(row.values()) for row in data]
    )


def _read(caller: Caller, project: str, function: Callable[[], T]) -> T:
    try:
        return caller.call(function, retried=RETRIED_WHILE_WAITING)
    except GoogleAPICallError as error:
        raise refused(error, project=project, identity=caller.session.identity) from None


def _job(caller: Caller, values: Values, project: str) -> Any:
    location = values["location"] or caller.session.bigquery.location
    get = caller.session.bigquery.get_job
    return get(values["job_id"], project=project, location=location, retry=NEVER)


def _rows_of(job: Any, *, most: int) -> list[dict[str, Any]]:
    """The first rows of what a query found; none of a statement that finds none."""
    if job.job_type != "query":
        raise Failure("job:no-result", job_id=job.job_id, kind=job.job_type)
    rows = job.result(max_results=most, retry=NEVER, job_retry=NEVER)
    return [dict(row.items()) for row in islice(rows, most)]


def _table_rows(
    caller: Caller, table_id: str, names: list[str], *, most: int
) -> list[dict[str, Any]]:
    client = caller.session.bigquery
    table = client.get_table(table_id, retry=NEVER)
    fields = [field for field in table.schema if not names or field.name in names]
    _selected({field.name: None for field in fields}, names, where=table_id)
    rows = client.list_rows(
        table,
        selected_fields=fields,
        max_results=most,
        page_size=min(most, LARGEST_PAGE) or None,
        retry=NEVER,
    )
    return [dict(row.items()) for row in rows]


def _selected(row: dict[str, Any], names: list[str], *, where: str) -> dict[str, Any]:
    if missing := [name for name in names if name not in row]:
        raise Failure("job:no-column", table=where, names=", ".join(missing))
    return {name: row[name] for name in names} if names else row


def plain(value: Any) -> Any:
    """As JSON has it: dates and times as ISO text, NUMERIC as text, bytes as base64."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: plain(item) for name, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
    return str(value)


def _shown(row: dict[str, Any]) -> str:
    text = ", ".join(f"{name} = {value}" for name, value in row.items())
    return shortened(text, LONGEST_ROW)


def _number(value: Any) -> float | None:
    if isinstance(value, (int, float, Decimal, str)):
        try:
            return float(value)
        except ValueError:
            return None
    return None
