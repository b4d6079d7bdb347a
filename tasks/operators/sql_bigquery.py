"""Runs the SQL operators in BigQuery: each text is a job. Imported on first use.

The job's ID is derived from run, task and try, as for the operators of BigQuery.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from google.api_core.exceptions import GoogleAPICallError

from connections.exceptions import Failure
from connections.hooks.bigquery_failures import refused
from tasks.operators import bigquery_reading
from tasks.operators.base import AlreadyDone, Context, TaskResult
from tasks.operators.bigquery_jobs import cancel_job, finished_job, is_googles
from tasks.operators.bigquery_outcome import result_of
from tasks.operators.bigquery_requests import JobRequest
from tasks.operators.google_calls import RETRIED_WHILE_WAITING, Caller
from tasks.operators.sql_statements import MOST_ROWS

Values = Mapping[str, Any]
#: Google's annotations forbid the None that its documentation asks for.
NEVER: Any = None


def run(values: Values, session: Any, context: Context) -> TaskResult:
    """Run each text as a job, one after the other; BigQuery itself reads scripts."""
    _check_arguments(values)
    caller = Caller(session, context)
    results: list[TaskResult] = []
    rows: list[Any] = []
    for request in _requests(values):
        job, statistics = finished_job(caller, request)
        results.append(result_of(job, statistics, is_googles=is_googles(session)))
        rows.append(_rows_of(caller, job) if values["do_xcom_push"] else None)
    is_single = isinstance(values["sql"], str)
    value = rows[-1] if is_single else rows
    last = results[-1]
    return TaskResult(last.summary, last.facts, value=value, xcoms=last.xcoms)


def check_row(values: Values, session: Any, context: Context) -> TaskResult:
    """Raise ``Failure`` unless there is a row, and all in it is true."""
    _check_arguments(values)
    return bigquery_reading.check_row(values, _configuration(values["sql"]), session, context)


def check_value(values: Values, session: Any, context: Context) -> TaskResult:
    """Raise ``Failure`` unless there is a row, and all in it is what is expected."""
    _check_arguments(values)
    return bigquery_reading.check_value(values, _configuration(values["sql"]), session, context)


def look(values: Values, session: Any, context: Context) -> TaskResult | None:
    """Whether the first cell is true by now."""
    _check_arguments(values)
    caller = Caller(session, context)
    job, statistics = finished_job(caller, _look_request(values, context))
    rows = _rows_of(caller, job, most=1) or []
    if not rows and values["fail_on_empty"]:
        raise Failure("sql:no-rows")
    if not rows or not rows[0][0]:
        return None
    result = result_of(job, statistics, is_googles=is_googles(session))
    return TaskResult(f"It is there: {rows[0][0]}", result.facts)


def cancel(values: Values, session: Any, context: Context) -> str:
    """See ``Operator.cancel``. A job that had ended well stays as it is."""
    caller = Caller(session, context)
    return " ".join(filter(None, (_cancelled(caller, each) for each in _requests(values))))


def cancel_look(values: Values, session: Any, context: Context) -> str:
    return _cancelled(Caller(session, context), _look_request(values, context))


def _cancelled(caller: Caller, request: JobRequest) -> str:
    try:
        return cancel_job(caller, request)
    except AlreadyDone as done:
        return f"The job {done.result.value} had ended already."


def _requests(values: Values) -> list[JobRequest]:
    texts = [values["sql"]] if isinstance(values["sql"], str) else list(values["sql"])
    return [
        JobRequest(_configuration(text), job_id=f"{number}" if number > 1 else None)
        for number, text in enumerate(texts, start=1)
    ]


def _look_request(values: Values, context: Context) -> JobRequest:
    return JobRequest(_configuration(values["sql"]), job_id=f"look_{context.look_number}")


def _configuration(sql: str) -> dict[str, Any]:
    return {"query": {"query": sql, "useLegacySql": False}}


def _check_arguments(values: Values) -> None:
    for name, instead in (
        ("parameters", "Use templates, or BigQueryInsertJobOperator with queryParameters."),
        ("database", "Name project and data set in the SQL."),
        ("autocommit", "Leave it out; write BEGIN TRANSACTION in the SQL where one is needed."),
    ):
        if values.get(name):
            raise Failure("sql:unsupported", what=f"{name} with BigQuery", instead=instead)


def _rows_of(caller: Caller, job: Any, *, most: int = 0) -> list[Any] | None:
    """The rows as lists; ``None`` of a statement that gives none. Raise ``Failure`` for too many.

    With ``most`` only so many are read.
    """

    def read() -> tuple[bool, list[Any]]:
        limit = most or MOST_ROWS + 1
        found = job.result(max_results=limit, retry=NEVER, job_retry=NEVER)
        rows = [list(map(bigquery_reading.plain, row.values())) for row in islice(found, limit)]
        return bool(rows or found.schema), rows

    try:
        gives_rows, rows = caller.call(read, retried=RETRIED_WHILE_WAITING)
    except GoogleAPICallError as error:
        identity = caller.session.identity
        raise refused(error, project=job.project, identity=identity) from None
    if not most and len(rows) > MOST_ROWS:
        raise Failure("sql:result-too-large", limit=f"{MOST_ROWS:,} rows")
    return rows if gives_rows else None
