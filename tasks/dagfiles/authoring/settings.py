"""Arguments that every task or DAG of Airflow has, and what becomes of each here.

None of these reaches a ``DagSpec``: the engine doesn't act on them yet. What
would change a run is told to the author in a notice (``notices``); what would
make the run wrong is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any

from tasks.dagfiles.authoring.errors import ArgumentProblem

_LENGTH = (timedelta, int, float)
_DATE = (date, str)


@dataclass(frozen=True)
class Setting:
    """One such argument.

    ``idle`` are the values that change nothing, so that no notice is due; so
    is any value while the argument named by ``needs`` is idle. With ``only``,
    any value but the first idle one is refused.
    """

    name: str
    kinds: tuple[type, ...]
    idle: tuple[Any, ...] = (None,)
    needs: str = ""
    only: bool = False
    quiet: bool = False

    def check(self, owner: str, value: Any) -> None:
        """Raise ``ArgumentProblem`` for a value of the wrong kind, or one that is refused."""
        shown = value.value if isinstance(value, Enum) else value
        if self.only and shown not in self.idle:
            raise ArgumentProblem(
                f"{owner}: {self.name}={shown!r} isn't supported, only {self.idle[0]!r}."
            )
        is_stray_bool = isinstance(value, bool) and bool not in self.kinds
        if value is not None and (is_stray_bool or not isinstance(value, self.kinds)):
            names = " or ".join(kind.__name__ for kind in self.kinds)
            raise ArgumentProblem(
                f"{owner}: {self.name} must be {names}, not {type(value).__name__}."
            )

    def matters(self, values: Mapping[str, Any], settings: Mapping[str, Setting]) -> bool:
        """Whether a run would differ if this argument's value were used."""
        if self.quiet or self.name not in values or values[self.name] in self.idle:
            return False
        return not self.needs or settings[self.needs].matters(values, settings)


def _by_name(*settings: Setting) -> dict[str, Setting]:
    return {setting.name: setting for setting in settings}


TASK_SETTINGS = _by_name(
    Setting("retries", (int,), idle=(None, 0)),
    Setting("retry_delay", _LENGTH, needs="retries"),
    Setting("retry_exponential_backoff", (bool, int, float), (None, False), needs="retries"),
    Setting("max_retry_delay", _LENGTH, needs="retries"),
    Setting("execution_timeout", (timedelta,)),
    Setting("queue", (str,), idle=(None, "default")),
    Setting("priority_weight", (int,), idle=(None, 1)),
    Setting("owner", (str,), idle=(None, "", "airflow")),
    Setting("email", (str, list, tuple, set), idle=(None, "", [], (), set())),
    Setting("email_on_failure", (bool,), idle=(None, False), needs="email"),
    Setting("email_on_retry", (bool,), idle=(None, False), needs="email"),
    Setting("doc", (str,), idle=(None, "")),
    Setting("doc_md", (str,), idle=(None, "")),
    # They bound the schedule, and the schedule has a notice of its own.
    Setting("start_date", _DATE, quiet=True),
    Setting("end_date", _DATE, quiet=True),
    Setting("trigger_rule", (str,), idle=("all_success",), only=True),
    Setting("depends_on_past", (bool,), idle=(False,), only=True),
    Setting("wait_for_downstream", (bool,), idle=(False,), only=True),
)

DAG_SETTINGS = _by_name(
    Setting("start_date", _DATE, quiet=True),
    Setting("end_date", _DATE, quiet=True),
    Setting("catchup", (bool,), quiet=True),
    Setting("max_active_runs", (int,)),
    Setting("max_active_tasks", (int,)),
    Setting("dagrun_timeout", (timedelta,)),
)
