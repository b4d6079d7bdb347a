"""What every task has beside its operator's arguments: its connection, rule, retries, limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connections.validation import wrong_conn_id
from tasks.dagfiles.authoring.operators import CONN_ID_TEMPLATE_LENGTH
from tasks.dagfiles.checks import MOST_RETRIES
from tasks.drafting.dag_settings import Errors, Texts, checked_text, count_of, length_of
from tasks.drafting.lengths import WrongLength, length_text, seconds_of
from tasks.drafting.values import WrongText
from tasks.operators.base import Operator
from tasks.spec import TRIGGER_RULES, RetryOn, TaskSpec

#: The choice of a connection that isn't listed, or of a template; its text stands in ``OTHER``.
ANOTHER, CONN, OTHER = "*", "conn_id", "conn_other"
LONGEST_QUEUE = 250
MOST_BACKOFF = 100
NAMES = (
    *("trigger_rule", "retries", "retry_delay", "retry_exponential_backoff", "max_retry_delay"),
    *("retry_on", "execution_timeout", "queue", "doc_md"),
)


def read_task_settings(texts: Texts) -> tuple[dict[str, Any], Errors]:
    """What of a ``TaskSpec`` isn't the default, and what is wrong, by the form's names."""
    found: dict[str, Any] = {}
    errors: Errors = {}
    for name, read in _READERS.items():
        try:
            value = read(checked_text(texts.get(name, ""), is_long=name == "doc_md"))
        except (WrongText, WrongLength) as error:
            errors[name] = str(error)
        else:
            if value is not None:
                found[name] = value
    return found, errors


def task_settings_texts(task: TaskSpec) -> Texts:
    """The texts of what isn't the default."""
    backoff = task.retry_exponential_backoff
    texts = {
        "trigger_rule": task.trigger_rule,
        "retries": str(task.retries),
        "retry_delay": length_text(task.retry_delay),
        "retry_exponential_backoff": f"{backoff:g}",
        "max_retry_delay": length_text(task.max_retry_delay or 0),
        "retry_on": task.retry_on,
        "execution_timeout": length_text(task.execution_timeout or 0),
        "queue": task.queue,
        "doc_md": task.doc_md,
    }
    return {
        name: text for name, text in texts.items() if getattr(task, name) != getattr(TaskSpec, name)
    }


def chosen_conn_id(texts: Texts) -> str:
    """The connection as the form has it, or the template of one."""
    chosen = texts.get(CONN, "")
    return (texts.get(OTHER, "") if chosen == ANOTHER else chosen).strip()


def conn_id_of(operator: type[Operator], texts: Texts) -> str | None:
    """As DAG files may have it. Raise ``WrongText``."""
    if not operator.connection_argument:
        return None
    given = checked_text(chosen_conn_id(texts)) or operator.default_conn_id
    if not given:
        raise WrongText("Choose the connection that the task uses.")
    if "{{" in given:
        if len(given) > CONN_ID_TEMPLATE_LENGTH:
            raise WrongText(f"A template has at most {CONN_ID_TEMPLATE_LENGTH} characters.")
    elif words := wrong_conn_id(given):
        raise WrongText(words)
    return given


def _rule(text: str) -> str | None:
    if text and text not in TRIGGER_RULES:
        raise WrongText("Choose one of the list.")
    return text or None


def _retry_on(text: str) -> str | None:
    if text and text not in set(RetryOn):
        raise WrongText("Choose one of the list.")
    return text or None


def _delay(text: str) -> float | None:
    return seconds_of(text) if text else None


def _backoff(text: str) -> float | None:
    if not text:
        return None
    try:
        factor = float(text)
    except ValueError:
        factor = -1
    if not 0 <= factor <= MOST_BACKOFF:
        raise WrongText(f"A number up to {MOST_BACKOFF} is needed, such as 2.")
    return factor


def _queue(text: str) -> str | None:
    if len(text) > LONGEST_QUEUE:
        raise WrongText(f"At most {LONGEST_QUEUE} characters.")
    return text or None


_READERS: dict[str, Callable[[str], Any]] = {
    "trigger_rule": _rule,
    "retries": lambda text: count_of(text, least=0, most=MOST_RETRIES),
    "retry_delay": _delay,
    "retry_exponential_backoff": _backoff,
    "max_retry_delay": length_of,
    "retry_on": _retry_on,
    "execution_timeout": length_of,
    "queue": _queue,
    "doc_md": lambda text: text or None,
}
