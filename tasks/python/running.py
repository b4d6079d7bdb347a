"""Runs the Python code of one task, on the worker: the door to this package for operators."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from connections.exceptions import Failure
from tasks.operators.base import Context
from tasks.python.answers import Answers, dates_among, names_for
from tasks.python.conversation import Conversation
from tasks.python.endings import failure_of, failure_of_end
from tasks.python.lines import shortened
from tasks.python.process import Child

LEVELS = frozenset({"debug", "info", "warning", "error", "critical"})
_ARGUMENTS = ("op_args", "op_kwargs", "templates_dict")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Returned:
    """What the code returned and left. ``skipped`` says why, where it asked to be skipped."""

    value: Any = None
    xcoms: dict[str, Any] = field(default_factory=dict)
    skipped: str | None = None


def run_code(values: Mapping[str, Any], context: Context) -> Returned:
    """Run the code of ``context``'s task with the operator's arguments. Raise ``Failure``."""
    if not settings.PYTHON_TASKS:
        raise Failure("task:python-off")
    if not context.source:
        raise Failure("task:python-no-code")
    task = {
        "kind": "task",
        "source": context.source,
        "filename": context.filename,
        "folder": str(settings.DAGS_FOLDER.absolute()),
        "dag_id": context.dag_id,
        "task_id": context.task_id,
        "names": names_for(context),
        "dates": dates_among(context),
        "memory": settings.PYTHON_TASK_MEMORY,
        **{name: values[name] for name in _ARGUMENTS},
    }
    answers = Answers(context)
    last = _last_word(task, answers, context)
    if last["kind"] == "returned":
        outputs = last.get("outputs")
        kept = outputs if isinstance(outputs, dict) else {}
        return Returned(last.get("value"), {**kept, **answers.pushed})
    if last.get("how") == "skipped":
        return Returned(None, answers.pushed, skipped=str(last.get("message") or ""))
    raise failure_of(last, megabytes=settings.PYTHON_TASK_MEMORY)


def _last_word(task: dict[str, Any], answers: Answers, context: Context) -> dict[str, Any]:
    """Have a child do ``task``; return its last word. Raise ``Failure`` if it had none."""

    def log(line: str, level: str) -> None:
        context.log(line, level=level if level in LEVELS else "info")

    try:
        child = Child(settings.PYTHON_TASK_ENVIRONMENT)
    except OSError as error:
        raise Failure("task:python-not-started", reason=error.strerror or str(error)) from None
    conversation = Conversation(child, handle=answers.handle, log=log, show=context.flush)
    try:
        with context.stopped_by(conversation.stop):
            conversation.hold(task)
        # A cancel or a time limit may have ended it: then that is why.
        context.check()
    finally:
        returncode = child.end()
        answers.close_sessions()
    if conversation.last is None:
        raise failure_of_end(returncode, is_garbled=conversation.is_garbled)
    return conversation.last


def told(value: Any) -> str:
    """A returned value for the log."""
    return shortened(repr(value), longest=1000)
