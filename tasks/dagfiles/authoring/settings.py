"""Arguments that every task or DAG of Airflow has, and what becomes of each here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any

from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.moments import MOST_SECONDS, seconds
from tasks.spec import TRIGGER_RULES, RetryOn

_LENGTH = (timedelta, int, float)
_DATE = (date, str)
_ANY = (object,)


#: The key of ``executor_config`` that speaks to Patchbay.
OURS = "patchbay"


class Fate(Enum):
    """What becomes of an argument."""

    #: The run goes by it.
    USED = "used"
    #: It changes no run in Airflow either.
    QUIET = "quiet"
    #: Airflow acts on it, and nothing here does: a notice says so.
    NOTICED = "noticed"
    #: A run without it would be wrong: any value but an idle one is refused.
    REFUSED = "refused"


@dataclass(frozen=True)
class Setting:
    """One such argument.

    ``idle`` are the values that change nothing. An argument that is ``NOTICED``
    changes nothing either while those that it ``needs`` are all idle. ``least``
    and ``most`` bound a number, or a length of time in seconds.
    """

    name: str
    kinds: tuple[type, ...] = _ANY
    fate: Fate = Fate.USED
    idle: tuple[Any, ...] = (None,)
    needs: str = ""
    least: float = 0
    most: float = MOST_SECONDS

    def check(self, owner: str, value: Any) -> None:
        """Raise ``ArgumentProblem`` for a value that can't be, or is refused."""
        shown = value.value if isinstance(value, Enum) else value
        if self.fate is Fate.REFUSED and not self.is_idle(shown):
            raise ArgumentProblem(
                f"{owner}: {self.name}={show(shown)} isn't supported, only {self.idle[0]!r}."
            )
        if value is None or self.kinds is _ANY:
            return
        is_stray_bool = isinstance(value, bool) and bool not in self.kinds
        if is_stray_bool or not isinstance(value, self.kinds):
            names = " or ".join(kind.__name__ for kind in self.kinds)
            raise ArgumentProblem(
                f"{owner}: {self.name} must be {names}, not {type(value).__name__}."
            )
        if isinstance(value, _LENGTH) and not isinstance(value, bool):
            self._check_size(owner, value)

    def is_idle(self, value: Any) -> bool:
        return any(value is idle or _equal(value, idle) for idle in self.idle)

    def is_missed(self, values: Mapping[str, Any], settings: Mapping[str, Setting]) -> bool:
        """Whether Airflow would do something that Patchbay doesn't."""
        if self.fate is not Fate.NOTICED or self.name not in values:
            return False
        if self.is_idle(values[self.name]):
            return False
        return not self.needs or settings[self.needs].is_missed(values, settings)

    def _check_size(self, owner: str, value: Any) -> None:
        number = seconds(value)
        if number is None or not self.least <= number <= self.most:
            unit = " s" if timedelta in self.kinds else ""
            raise ArgumentProblem(
                f"{owner}: {self.name}={value} can't be; "
                f"it must be from {self.least:g} to {self.most:,.0f}{unit}."
            )


def show(value: object) -> str:
    """A value in words for its author; a function by its name alone."""
    if callable(value):
        return str(getattr(value, "__name__", type(value).__name__))
    if isinstance(value, list | tuple) and any(callable(item) for item in value):
        return f"[{', '.join(map(show, value))}]"
    if isinstance(value, timedelta):
        return str(value)
    text = repr(value)
    if " at 0x" in text:
        return type(value).__name__
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


_SHOWN = 60


def _equal(value: object, idle: object) -> bool:
    return type(value) is type(idle) and value == idle


def _by_name(*settings: Setting) -> dict[str, Setting]:
    return {setting.name: setting for setting in settings}


def _quiet(*names: str, kinds: tuple[type, ...] = _ANY) -> list[Setting]:
    return [Setting(name, kinds, Fate.QUIET) for name in names]


def _noticed(*names: str, idle: tuple[Any, ...] = (None,)) -> list[Setting]:
    return [Setting(name, _ANY, Fate.NOTICED, idle) for name in names]


def _refused(*names: str, idle: tuple[Any, ...] = (None,)) -> list[Setting]:
    return [Setting(name, _ANY, Fate.REFUSED, idle) for name in names]


_NO_FLAG = (False, None)
_NOTHING: tuple[Any, ...] = (None, [], (), {}, "")

TASK_SETTINGS = _by_name(
    Setting("retries", (int,), most=1000),
    Setting("retry_delay", _LENGTH),
    Setting("retry_exponential_backoff", (bool, int, float), most=100),
    Setting("max_retry_delay", _LENGTH),
    Setting("execution_timeout", (timedelta,), least=0.001),
    Setting("queue", (str,)),
    Setting("trigger_rule", (str,)),
    Setting("executor_config", (dict,)),
    Setting("doc_md", (str,)),
    Setting("start_date", _DATE),
    Setting("end_date", _DATE),
    *_quiet("owner", "doc", kinds=(str,)),
    *_quiet("doc_json", "doc_rst", "doc_yaml", "task_display_name", "map_index_template"),
    *_quiet("ignore_first_depends_on_past", "wait_for_past_depends_before_skipping"),
    *_quiet("weight_rule", "allow_nested_operators", "logger_name", "email_on_failure"),
    *_quiet("email_on_retry"),
    *_noticed("on_execute_callback", "on_failure_callback", "on_retry_callback", idle=_NOTHING),
    *_noticed("on_skipped_callback", "on_success_callback", idle=_NOTHING),
    *_noticed("pre_execute", "post_execute", "sla", "executor", "resources", "run_as_user"),
    *_noticed("email", "inlets", "outlets", idle=_NOTHING),
    *_noticed("max_active_tis_per_dag", "max_active_tis_per_dagrun", "task_concurrency"),
    *_noticed("pool", idle=(None, "default_pool")),
    *_noticed("pool_slots", "priority_weight", idle=(1, None)),
    *_noticed("do_xcom_push", idle=(True, None)),
    *_refused("depends_on_past", "wait_for_downstream", idle=_NO_FLAG),
    *_refused("render_template_as_native_obj", idle=_NO_FLAG),
    *_refused("params", idle=(None, {})),
    *_refused("retry_policy"),
)

DAG_SETTINGS = _by_name(
    Setting("start_date", _DATE),
    Setting("end_date", _DATE),
    Setting("catchup", (bool,)),
    Setting("is_paused_upon_creation", (bool,)),
    Setting("max_active_runs", (int,), least=1, most=100_000),
    Setting("max_active_tasks", (int,), least=1, most=100_000),
    Setting("concurrency", (int,), least=1, most=100_000),
    Setting("dagrun_timeout", (timedelta,), least=0.001),
    Setting("template_searchpath", (str, list, tuple)),
    Setting("auto_register", (bool,)),
    *_quiet("default_view", "orientation", "owner_links", "dag_display_name"),
    *_quiet("rerun_with_latest_version", "disable_bundle_versioning"),
    *_noticed("on_success_callback", "on_failure_callback", "sla_miss_callback", idle=_NOTHING),
    *_noticed("deadline", "access_control", "allowed_run_types", idle=_NOTHING),
    *_noticed("max_consecutive_failed_dag_runs", idle=(None, 0)),
    *_refused("render_template_as_native_obj", "fail_fast", "fail_stop", idle=_NO_FLAG),
    *_refused("user_defined_macros", "user_defined_filters", idle=(None, {})),
    *_refused("jinja_environment_kwargs", idle=(None, {})),
    *_refused("template_undefined", "timetable"),
)


def check_settings(
    owner: Callable[[], str], values: Mapping[str, Any], settings: Mapping[str, Setting]
) -> None:
    """Raise ``ArgumentProblem`` for the first value that can't be."""
    for name, value in values.items():
        setting = settings[name]
        if value is not None or setting.fate is Fate.REFUSED:
            setting.check(owner(), value)


def trigger_rule(owner: str, value: Any) -> str:
    """The rule's name; raise ``ArgumentProblem`` for one that Patchbay doesn't have."""
    name = str(value.value if isinstance(value, Enum) else value)
    if name not in TRIGGER_RULES:
        raise ArgumentProblem(
            f"{owner}: there is no trigger_rule {name!r}; there are "
            f"{', '.join(sorted(TRIGGER_RULES))}."
        )
    return name


def retry_on(task_id: str, config: Mapping[str, Any] | None) -> str:
    """What ``executor_config`` says to Patchbay, for which Airflow has no argument.

    Airflow passes over what it doesn't know there, so that the file runs there too.
    """
    ours = (config or {}).get(OURS) or {}
    if not isinstance(ours, dict) or not ours.keys() <= {"retry_on"}:
        raise ArgumentProblem(
            f"Task {task_id!r}: executor_config[{OURS!r}] may hold only 'retry_on'."
        )
    value = ours.get("retry_on", RetryOn.TRANSIENT.value)
    if value not in list(RetryOn):
        raise ArgumentProblem(
            f"Task {task_id!r}: retry_on must be {' or '.join(RetryOn)}, not {value!r}."
        )
    return str(value)
