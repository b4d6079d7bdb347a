"""Whether each value of a spec is of its kind and within bounds.

The reader of DAG files has words for all of it, with the line. This is for what
may have been written by something else: the user's code runs in the process
that hands a spec back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from typing import Any

from tasks.schedules.cron import BadCron, Cron, zone_of
from tasks.spec import DagSpec, RetryOn, SpecError, TaskSpec

#: Seconds; ten years.
LONGEST = 3650 * 86_400
MOST_RETRIES = 1000
MOST_ACTIVE = 100_000
#: Presets of Airflow that name no times.
NO_TIMES = ("@once", "@continuous")

Check = Callable[[Any], bool]


def check_values(spec: DagSpec) -> None:
    """Raise ``SpecError``."""
    _check(spec, _DAG)
    for task in spec.tasks:
        _check(task, _TASK)
    try:
        zone_of(spec.timezone)
        if spec.schedule and spec.schedule not in NO_TIMES:
            Cron(spec.schedule, spec.timezone)
    except BadCron as error:
        raise SpecError(f"schedule {spec.schedule!r} can't be: {error}.") from None


def _check(spec: DagSpec | TaskSpec, checks: dict[str, Check]) -> None:
    for each in fields(spec):
        if not checks[each.name](getattr(spec, each.name)):
            raise SpecError(f"{each.name} can't be {getattr(spec, each.name)!r:.80}.")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)


def _is_count(least: int, most: int) -> Check:
    def check(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most

    return check


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value <= LONGEST


def _is_positive(value: Any) -> bool:
    return _is_number(value) and value > 0


def _are_texts(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, str) for item in value)


def _is_moment(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return False
    return moment.utcoffset() is not None and 1900 <= moment.year < 2500


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


_TASK: dict[str, Check] = {
    "task_id": _is_text,
    "operator": _is_text,
    "conn_id": _or_none(_is_text),
    "arguments": _is_dict,
    "upstream": _are_texts,
    "line": _or_none(_is_count(0, 1 << 30)),
    "trigger_rule": _is_text,
    "retries": _is_count(0, MOST_RETRIES),
    "retry_delay": _is_number,
    "retry_exponential_backoff": _is_number,
    "max_retry_delay": _or_none(_is_number),
    "retry_on": lambda value: value in set(RetryOn),
    "execution_timeout": _or_none(_is_positive),
    "queue": lambda value: _is_text(value) and 0 < len(value) <= 250,
    "group": _is_text,
    "doc_md": _is_text,
}

_DAG: dict[str, Check] = {
    "dag_id": _is_text,
    "tasks": lambda value: isinstance(value, tuple),
    "description": _is_text,
    "doc_md": _is_text,
    "schedule": _is_text,
    "interval": _or_none(_is_positive),
    "timezone": _is_text,
    "start_date": _or_none(_is_moment),
    "end_date": _or_none(_is_moment),
    "catchup": _is_flag,
    "is_paused_upon_creation": _or_none(_is_flag),
    "max_active_runs": _or_none(_is_count(1, MOST_ACTIVE)),
    "max_active_tasks": _or_none(_is_count(1, MOST_ACTIVE)),
    "dagrun_timeout": _or_none(_is_positive),
    "tags": _are_texts,
    "params": _is_dict,
    "param_schemas": lambda value: _is_dict(value) and all(map(_is_dict, value.values())),
    "groups": lambda value: _is_dict(value) and all(map(_is_text, value.values())),
    "source_digest": _is_text,
}
