"""Airflow's exceptions, which a task's own code raises to tell how it should end."""

from __future__ import annotations

from typing import Any


class AirflowException(Exception):
    """The root of those that are ordinary failures: such a task is tried again."""


class AirflowFailException(AirflowException):
    """Fail, and don't try again."""


class AirflowSkipException(AirflowException):
    """End as skipped."""


class AirflowNotFoundException(AirflowException):
    """Something that was asked for isn't there, such as a connection."""


class AirflowConfigException(AirflowException):
    """Something is configured wrongly."""


class AirflowSensorTimeout(AirflowException):
    """What was waited for didn't come in time."""


class AirflowTaskTimeout(BaseException):
    """The task took too long."""


class AirflowTaskTerminated(BaseException):
    """The task is to end: it was cancelled, or its time is up. Raised where the code is."""


class Refused(AirflowNotFoundException):
    """Patchbay can't give what the code asked for: ``code`` is the stable code of why."""

    def __init__(self, words: str, *, code: str, facts: dict[str, Any], message: str = "") -> None:
        super().__init__(words)
        self.code = code
        self.facts = facts
        self.vendor_message = message


_NAMES: dict[str, Any] = {
    each.__name__: each
    for each in (
        AirflowException,
        AirflowFailException,
        AirflowSkipException,
        AirflowNotFoundException,
        AirflowConfigException,
        AirflowSensorTimeout,
        AirflowTaskTimeout,
        AirflowTaskTerminated,
    )
}
#: What can be imported from where.
MODULES: dict[str, dict[str, Any]] = {
    "airflow.exceptions": _NAMES,
    "airflow.sdk.exceptions": _NAMES,
}
