"""The words for every failure, by its stable code. Code raises codes; people read these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connections.diagnosis.connection import CONNECTION, SESSION
from connections.diagnosis.database import DATABASE
from connections.diagnosis.python import PYTHON
from connections.diagnosis.service import CLOUD
from connections.diagnosis.storage import AWS, HTTP, OBJECT
from connections.diagnosis.words import INTERNAL, Diagnosis, FailureType
from connections.diagnosis.work import JOB, TASK, TEST

__all__ = ["CATALOGUE", "Diagnosis", "Explanation", "FailureType", "explain"]

CATALOGUE: dict[str, Diagnosis] = {
    **CONNECTION,
    **SESSION,
    **CLOUD,
    **JOB,
    **TEST,
    **TASK,
    **HTTP,
    **AWS,
    **OBJECT,
    **DATABASE,
    **PYTHON,
}


@dataclass(frozen=True)
class Explanation:
    """A ``Diagnosis`` with its facts filled in."""

    code: str
    type: FailureType
    short: str
    happened: str
    cause: str
    remedy: str
    command: str
    fields: tuple[str, ...]


#: For a code that an earlier release stored, and this one doesn't have.
UNKNOWN = Diagnosis(
    INTERNAL,
    "Failed, with a code that this release doesn't know",
    "The step failed with a code that this release of Patchbay has no words for.",
    "The run is older than this release.",
    "Run it again.",
)


def explain(code: str, facts: Mapping[str, Any]) -> Explanation:
    """The words for ``code``. A fact that is not known shows as ``?``."""
    diagnosis = CATALOGUE.get(code, UNKNOWN)
    known = defaultdict(lambda: "?", {name: value for name, value in facts.items() if value})
    needs_unknown = any(
        f"{{{name}}}" in diagnosis.command and not facts.get(name)
        for name in ("account", "project")
    )
    return Explanation(
        code=code,
        type=diagnosis.type,
        short=diagnosis.short.format_map(known),
        happened=diagnosis.happened.format_map(known),
        cause=diagnosis.cause.format_map(known),
        remedy=diagnosis.remedy.format_map(known),
        command="" if needs_unknown else diagnosis.command.format_map(known),
        fields=diagnosis.fields,
    )
