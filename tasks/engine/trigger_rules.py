"""When a task may run, by how the tasks directly before it ended.

Follows Airflow's trigger rules
(https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/dags.html#trigger-rules).
A cancelled task counts as one that failed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from tasks.spec import TriggerRule


class Verdict(Enum):
    WAIT = auto()
    RUN = auto()
    SKIP = auto()
    #: It ends as ``upstream_failed``.
    FAIL = auto()


@dataclass(frozen=True)
class Upstream:
    """How many tasks stand directly before one, and how those that are over ended."""

    total: int
    left: int
    failed: int
    skipped: int

    @property
    def succeeded(self) -> int:
        return self.total - self.left - self.failed - self.skipped

    @property
    def is_over(self) -> bool:
        return self.left == 0


def verdict(rule: str, upstream: Upstream) -> Verdict:
    """A task with nothing before it runs, whatever its rule."""
    return _RULES[TriggerRule(rule)](upstream) if upstream.total else Verdict.RUN


def _when_over(upstream: Upstream) -> Verdict:
    return Verdict.RUN if upstream.is_over else Verdict.WAIT


def _unless(is_wrong: bool, otherwise: Verdict, upstream: Upstream) -> Verdict:
    return otherwise if is_wrong else _when_over(upstream)


def _all_success(upstream: Upstream) -> Verdict:
    if upstream.failed:
        return Verdict.FAIL
    return _unless(upstream.skipped > 0, Verdict.SKIP, upstream)


def _one_success(upstream: Upstream) -> Verdict:
    if upstream.succeeded:
        return Verdict.RUN
    if not upstream.is_over:
        return Verdict.WAIT
    return Verdict.SKIP if upstream.skipped == upstream.total else Verdict.FAIL


def _one_failed(upstream: Upstream) -> Verdict:
    if upstream.failed:
        return Verdict.RUN
    return Verdict.SKIP if upstream.is_over else Verdict.WAIT


def _one_done(upstream: Upstream) -> Verdict:
    if upstream.failed or upstream.succeeded:
        return Verdict.RUN
    return Verdict.SKIP if upstream.is_over else Verdict.WAIT


def _none_failed_min_one_success(upstream: Upstream) -> Verdict:
    if upstream.failed:
        return Verdict.FAIL
    return _unless(upstream.skipped == upstream.total, Verdict.SKIP, upstream)


def _all_done_min_one_success(upstream: Upstream) -> Verdict:
    if not upstream.is_over or upstream.succeeded:
        return _when_over(upstream)
    return Verdict.SKIP if upstream.skipped == upstream.total else Verdict.FAIL


_RULES: dict[TriggerRule, Callable[[Upstream], Verdict]] = {
    TriggerRule.ALL_SUCCESS: _all_success,
    TriggerRule.ALL_FAILED: lambda u: _unless(u.succeeded + u.skipped > 0, Verdict.SKIP, u),
    TriggerRule.ALL_DONE: _when_over,
    TriggerRule.ALL_DONE_MIN_ONE_SUCCESS: _all_done_min_one_success,
    TriggerRule.ALL_SKIPPED: lambda u: _unless(u.succeeded + u.failed > 0, Verdict.SKIP, u),
    TriggerRule.ONE_SUCCESS: _one_success,
    TriggerRule.ONE_FAILED: _one_failed,
    TriggerRule.ONE_DONE: _one_done,
    TriggerRule.NONE_FAILED: lambda u: _unless(u.failed > 0, Verdict.FAIL, u),
    TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS: _none_failed_min_one_success,
    TriggerRule.NONE_SKIPPED: lambda u: _unless(u.skipped > 0, Verdict.SKIP, u),
    TriggerRule.ALWAYS: lambda _: Verdict.RUN,
}
