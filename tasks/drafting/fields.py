"""The fields of the editor as a page shows them: what stands in each, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import available_timezones

from tasks.dagfiles.authoring.schedule import PRESETS
from tasks.drafting import query_jobs
from tasks.drafting.draft import TASK
from tasks.drafting.query_jobs import is_query_job
from tasks.drafting.values import ARGUMENT, first_text, is_tick, offered, text_of
from tasks.operators.base import Argument, Operator
from tasks.spec import RetryOn, TaskSpec, TriggerRule


@dataclass(frozen=True)
class Option:
    value: str
    label: str


@dataclass(frozen=True)
class Field:
    """One field. ``name`` is the form's, ``id`` that of its element.

    ``widget`` is ``text``, ``area``, ``code``, ``select``, ``tick`` or ``moment``;
    ``language`` that of code. ``hints`` are offered beside whatever one types.
    ``looks``: a change of it shows in the graph or the next runs.
    """

    name: str
    id: str
    label: str
    widget: str = "text"
    text: str = ""
    help: str = ""
    error: str = ""
    placeholder: str = ""
    language: str = ""
    options: tuple[Option, ...] = ()
    hints: tuple[str, ...] = ()
    rows: int = 3
    is_needed: bool = False
    is_wide: bool = False
    is_mono: bool = False
    is_fixed: bool = False
    looks: bool = False

    @property
    def is_ticked(self) -> bool:
        return bool(self.text)


@dataclass(frozen=True)
class Texts:
    """What stands in the fields of the DAG or of one task, and what is wrong there."""

    texts: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    key: str = ""

    def field(self, name: str, label: str, widget: str = "text", **more: Any) -> Field:
        is_task = bool(self.key)
        return Field(
            name=TASK + name if is_task else name,
            id=f"{self.key}-{name}" if is_task else f"id_{name}",
            label=label,
            widget=widget,
            text=self.texts.get(name, more.pop("first", "")),
            error=self.errors.get(name, ""),
            **more,
        )


def main_settings(texts: Texts, *, is_new: bool) -> list[Field]:
    """Those of a DAG that most people give."""
    return [
        texts.field(
            "dag_id",
            "DAG ID",
            is_needed=is_new,
            is_mono=True,
            is_fixed=not is_new,
            placeholder="daily_report",
            help="" if is_new else "Fixed once the DAG is made.",
        ),
        texts.field("tags", "Tags", placeholder="reports, daily", help="With commas between."),
        texts.field("description", "Description", "area", rows=2, is_wide=True),
        texts.field(
            "schedule",
            "Schedule",
            is_mono=True,
            hints=PRESETS,
            looks=True,
            placeholder="0 6 * * 1-5",
            help="A cron text, a preset such as @daily, or every 15 min. Blank: by hand only.",
        ),
        texts.field("timezone", "Time zone", hints=ZONES, looks=True, placeholder="UTC"),
    ]


def more_settings(texts: Texts) -> list[Field]:
    """The others, in a fold."""
    return [
        texts.field(
            "start_date", "Start date", "moment", looks=True, help="By the clock of the time zone."
        ),
        texts.field("end_date", "End date", "moment", looks=True),
        texts.field(
            "catchup",
            "Make the runs that were missed since the start date",
            "tick",
            is_wide=True,
            help="As catchup in Airflow. Else only the latest that is due is made.",
        ),
        texts.field("max_active_runs", "Runs at once", help="At most; blank for 16 by schedule."),
        texts.field("max_active_tasks", "Tasks at once in a run", help="At most; blank for any."),
        texts.field(
            "dagrun_timeout", "Time limit of a run", placeholder="2 h", help="It is cancelled then."
        ),
        texts.field(
            "params",
            "Params",
            "code",
            language="json",
            is_wide=True,
            placeholder='{"day": "2026-01-31"}',
            help="A JSON object. Whoever triggers a run may give other values; templates read them "
            "as params.day.",
        ),
        texts.field("doc_md", "Documentation", "area", rows=3, is_wide=True, help="Markdown."),
    ]


def argument_fields(operator: type[Operator], texts: Texts) -> tuple[list[Field], list[Field]]:
    """The fields of its arguments: those that most tasks give, and the others."""
    main: list[Field] = []
    more: list[Field] = []
    for argument in offered(operator):
        if is_query_job(operator, argument):
            main += _query_job(argument, texts)
        else:
            (main if _is_main(argument) else more).append(_argument(argument, texts))
    return main, more


def _query_job(argument: Argument, texts: Texts) -> list[Field]:
    """The SQL in a field of its own, and the JSON that is left."""
    sql = texts.field(
        query_jobs.SQL,
        query_jobs.LABEL,
        "code",
        language="sql",
        help=query_jobs.HELP,
        rows=6,
        is_wide=True,
    )
    rest = replace(
        _argument(argument, texts),
        label=query_jobs.REST_LABEL,
        help=query_jobs.REST_HELP,
        is_needed=False,
    )
    return [sql, rest]


#: Arguments of many operators that few people give.
_RARE = ("impersonation_chain", "verify", "region_name", "database")


def _is_main(argument: Argument) -> bool:
    is_usual = argument.templated or (argument.kind == "text" and bool(argument.default))
    is_other = argument.name in _RARE or bool(argument.choices)
    return argument.required or (is_usual and not is_other)


_WIDGETS = {"sql": "code", "json": "code", "list": "code", "lines": "area", "texts": "area"}
_KINDS = {
    "texts": "One a line.",
    "json": "A JSON object.",
    "list": "A JSON list.",
    "any": "A text or JSON.",
}


def _argument(argument: Argument, texts: Texts) -> Field:
    widget = _WIDGETS.get(argument.kind, "text")
    options: tuple[Option, ...] = ()
    if is_tick(argument):
        widget = "tick"
    elif argument.choices or argument.kind == "boolean":
        widget, options = "select", tuple(_options(argument))
    elif argument.kind == "any" and len(texts.texts.get(ARGUMENT + argument.name, "")) > 60:
        widget = "area"
    words = [argument.help, _KINDS.get(argument.kind, "")]
    return texts.field(
        ARGUMENT + argument.name,
        argument.label or _in_words(argument.name),
        widget,
        first=first_text(argument),
        options=options,
        language={"sql": "sql", "json": "json", "list": "json"}.get(argument.kind, ""),
        help=" ".join(filter(None, words)),
        placeholder=_placeholder(argument),
        rows=6 if argument.kind in ("sql", "lines") else 3,
        is_needed=argument.required,
        is_wide=widget in ("code", "area", "tick"),
        is_mono=argument.kind in ("any", "texts"),
    )


def _options(argument: Argument) -> Iterator[Option]:
    default = f"default ({argument.default})" if argument.default else "not given"
    if not argument.required:
        yield Option("", default)
    values = argument.choices or ("true", "false")
    names = {"true": "yes", "false": "no"} if argument.kind == "boolean" else {}
    for value in values:
        yield Option(value, names.get(value, value))


def _in_words(name: str) -> str:
    words = name.replace("_", " ")
    for short, long in (("id", "ID"), ("sql", "SQL"), ("xcom", "XCom"), ("json", "JSON")):
        words = " ".join(long if word == short else word for word in words.split(" "))
    return words[:1].upper() + words[1:]


def _placeholder(argument: Argument) -> str:
    if argument.default is None or argument.choices or argument.kind == "boolean":
        return ""
    return text_of(argument, argument.default)


def advanced_fields(texts: Texts) -> list[Field]:
    """What every task has."""
    rules = tuple(Option(each.value, each.value) for each in TriggerRule)
    queue = str(TaskSpec.queue)
    return [
        texts.field(
            "trigger_rule",
            "Runs when",
            "select",
            options=rules,
            looks=True,
            first=TriggerRule.ALL_SUCCESS.value,
            help="How the tasks before it must have ended.",
        ),
        texts.field("retries", "Retries", placeholder="0", help="Further tries after a failure."),
        texts.field("retry_delay", "Time between tries", placeholder="5 min"),
        texts.field(
            "retry_exponential_backoff",
            "Grows by the factor",
            placeholder="0",
            help="2 doubles the time with each try; 0 leaves it.",
        ),
        texts.field("max_retry_delay", "Time between tries at most", placeholder="no limit"),
        texts.field(
            "retry_on",
            "Tries again after",
            "select",
            options=(
                Option(RetryOn.TRANSIENT.value, "failures that may pass"),
                Option(RetryOn.ANY.value, "any failure"),
            ),
        ),
        texts.field("execution_timeout", "Time limit of a try", placeholder="no limit"),
        texts.field("queue", "Queue", placeholder=queue, is_mono=True),
        texts.field("doc_md", "Documentation", "area", rows=2, is_wide=True, help="Markdown."),
    ]


def in_use(fields: Iterable[Field]) -> bool:
    """Whether one of them holds other than it does at first, so that the fold is open."""
    return any(
        each.error or (each.widget not in ("tick", "select") and each.text) for each in fields
    )


def _zones() -> tuple[str, ...]:
    regions = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
    return ("UTC", *sorted(each for each in available_timezones() if each.startswith(regions)))


ZONES = _zones()
