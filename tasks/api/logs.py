"""The log of a try, and what a task left for others, as Airflow has them."""

from __future__ import annotations

import json
from typing import Annotated, Any

from django.core.signing import BadSignature, Signer
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query
from pydantic import BaseModel

from access.bearer import Bearer
from access.filtering import Pattern, PrefixPattern, beginning, containing, ordering
from access.paging import Limit, Offset, page_of
from access.problems import Problem, Refused, refusals
from access.rights import Right
from tasks.api.accepting import wanted_type
from tasks.api.finding import ALL, is_possible, known_instance, refuse_unknown_filters
from tasks.api.moments import Ranges, run_after, within, written
from tasks.api.routing import task_instances
from tasks.api.run_schemas import XComCollection, XComValue
from tasks.api.run_shapes import xcom_shape
from tasks.models import LogLine, TaskInstance, XCom
from tasks.states import TASK_TERMINAL

#: So many lines are in one answer; the token of the answer asks for the next ones.
LINES = 5_000
NEXT_HEADER = "Airflow-Continuation-Token"
JSON, LINES_OF_JSON, TEXT = "application/json", "application/x-ndjson", "text/plain"
XCOM_ORDERS = {
    "key": "key",
    "dag_id": "task_instance__run__dag__dag_id",
    "run_id": "task_instance__run__run_id",
    "task_id": "task_instance__task_id",
    "map_index": "",
    "timestamp": "at",
    "run_after": "run_after",
}
_TOKENS = Signer(salt="log")


class LogMessage(BaseModel):
    """One line of a log."""

    timestamp: str
    event: str
    level: str
    logger: str


class LogResponse(BaseModel):
    """A part of a log."""

    content: list[LogMessage]
    continuation_token: str | None


@task_instances.get(
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}",
    auth=Bearer(Right.SEE),
    summary="The log of a try",
    response={200: LogResponse, 400: Problem, **refusals(404, 406)},
)
def get_log(
    request: HttpRequest,
    dag_id: str,
    dag_run_id: str,
    task_id: str,
    try_number: Annotated[int, Path(ge=0)],
    full_content: bool = False,
    map_index: int = -1,
    token: str | None = None,
) -> Any:
    """Up to 5,000 lines, oldest first, with secrets masked. While there are more, or the try goes
    on, `continuation_token` asks for those that follow. `Accept: application/x-ndjson` gives a
    JSON object a line and `text/plain` plain lines; the token then is in a header."""
    row = known_instance(dag_id, dag_run_id, task_id, words="TaskInstance not found")
    if not 1 <= try_number <= row.try_number or map_index != -1:
        raise Refused(404, "TaskInstance not found")
    kind = wanted_type(request, JSON, LINES_OF_JSON, TEXT)
    sequence, pk = _read(token)
    rows = row.log_lines.filter(try_number=try_number, sequence__lte=row.run.sequence)
    rows = rows.filter(Q(sequence__gt=sequence) | Q(sequence=sequence, pk__gt=pk))
    found = list(rows.order_by("sequence", "pk")[: LINES + 1])
    lines = found[:LINES]
    is_more = len(found) > LINES or _goes_on(row, try_number)
    after = _written(lines, sequence, pk) if is_more else None
    if kind == JSON:
        return {"content": [_message(line) for line in lines], "continuation_token": after}
    write = _as_text if kind == TEXT else _as_json
    content = "".join(map(write, lines))
    charset = "; charset=utf-8" if kind == TEXT else ""
    answer = HttpResponse(content, content_type=kind + charset)
    if after:
        answer[NEXT_HEADER] = after
    return answer


def _goes_on(row: TaskInstance, try_number: int) -> bool:
    return try_number == row.try_number and row.state not in TASK_TERMINAL


def _written(lines: list[LogLine], sequence: int, pk: int) -> str:
    """A token that stands for all up to the last of ``lines``."""
    if lines:
        sequence, pk = lines[-1].sequence, lines[-1].pk
    return _TOKENS.sign(f"{sequence}.{pk}")


def _read(token: str | None) -> tuple[int, int]:
    if not token:
        return 0, 0
    try:
        sequence, _, pk = _TOKENS.unsign(token).partition(".")
    except BadSignature:
        words = "Bad Signature. Please use only the tokens provided by the API."
        raise Refused(400, words) from None
    return int(sequence), int(pk)


def _message(line: LogLine) -> dict[str, str]:
    return {
        "timestamp": written(line.at),
        "event": line.text,
        "level": line.level,
        "logger": "task",
    }


def _as_json(line: LogLine) -> str:
    return json.dumps(_message(line), ensure_ascii=False) + "\n"


def _as_text(line: LogLine) -> str:
    return f"{written(line.at)} {line.level.upper():<7} {line.text}\n"


class XComFilters(Ranges):
    """Which results are asked for."""

    xcom_key: str | None = None
    map_index: int | None = None
    xcom_key_pattern: Pattern = None
    xcom_key_prefix_pattern: PrefixPattern = None
    run_id_pattern: Pattern = None
    run_id_prefix_pattern: PrefixPattern = None
    task_id_pattern: Pattern = None
    task_id_prefix_pattern: PrefixPattern = None
    dag_display_name_pattern: Pattern = None
    dag_display_name_prefix_pattern: PrefixPattern = None
    order_by: list[str] = ["key"]


_COLUMNS = {
    "xcom_key": "key",
    "run_id": XCOM_ORDERS["run_id"],
    "task_id": XCOM_ORDERS["task_id"],
    "dag_display_name": XCOM_ORDERS["dag_id"],
}


@task_instances.get(
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries",
    auth=Bearer(Right.SEE),
    summary="What tasks left for others",
    response={200: XComCollection, 400: Problem, **refusals()},
)
def get_xcom_entries(
    request: HttpRequest,
    dag_id: str,
    dag_run_id: str,
    task_id: str,
    filters: Query[XComFilters],
    limit: Limit = 50,
    offset: Offset = 0,
) -> dict[str, Any]:
    """A page of them, without their values. Each of the IDs may be `~`."""
    refuse_unknown_filters(request, ("map_index_filter",))
    rows = XCom.objects.select_related("task_instance__run__dag").defer("value")
    for column, name in (("dag_id", dag_id), ("run_id", dag_run_id), ("task_id", task_id)):
        if name != ALL:
            rows = rows.filter(**{XCOM_ORDERS[column]: name}) if is_possible(name) else rows.none()
    rows = rows.alias(run_after=run_after("task_instance__run__"))
    for name, column in _COLUMNS.items():
        rows = rows.filter(
            containing(column, getattr(filters, f"{name}_pattern")),
            beginning(column, getattr(filters, f"{name}_prefix_pattern")),
        )
    key = filters.xcom_key
    if key is not None:
        rows = rows.filter(key=key) if is_possible(key) else rows.none()
    if filters.map_index not in (None, -1):
        rows = rows.none()
    dates = {"run_after": "run_after", "logical_date": "task_instance__run__logical_date"}
    rows = within(rows, filters, dates)
    rows = rows.order_by(*ordering(filters.order_by, XCOM_ORDERS))
    page = rows[page_of(limit=limit, offset=offset)]
    return {"xcom_entries": [xcom_shape(row) for row in page], "total_entries": rows.count()}


@task_instances.get(
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key}",
    auth=Bearer(Right.SEE),
    summary="What a task left for others, with its value",
    response={200: XComValue, **refusals(404)},
)
def get_xcom_entry(
    request: HttpRequest,
    dag_id: str,
    dag_run_id: str,
    task_id: str,
    xcom_key: str,
    map_index: int = -1,
    stringify: Annotated[bool, Query(description="The value as JSON in a text.")] = False,
) -> dict[str, Any]:
    """The value is JSON, with secrets masked."""
    names = (dag_id, dag_run_id, task_id, xcom_key)
    rows = XCom.objects.select_related("task_instance__run__dag")
    columns = (XCOM_ORDERS[name] for name in ("dag_id", "run_id", "task_id", "key"))
    wanted = dict(zip(columns, names, strict=True))
    row = (
        rows.filter(**wanted).first() if map_index == -1 and all(map(is_possible, names)) else None
    )
    if row is None:
        raise Refused(404, f"XCom entry with key: `{xcom_key}` not found")
    value = row.value
    if stringify and not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False)
    return {**xcom_shape(row), "value": value}
