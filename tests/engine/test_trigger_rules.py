"""Trigger rules, one by one."""

from __future__ import annotations

import pytest

from tasks.engine.trigger_rules import Upstream, Verdict, verdict
from tasks.spec import TriggerRule

RUN, SKIP, FAIL, WAIT = Verdict.RUN, Verdict.SKIP, Verdict.FAIL, Verdict.WAIT

#: rule -> verdicts for: all three succeeded, one of them failed, one skipped, all skipped,
#: all failed, one succeeded and two are still to come, one failed and two still to come.
TABLE = {
    "all_success": (RUN, FAIL, SKIP, SKIP, FAIL, WAIT, FAIL),
    "all_failed": (SKIP, SKIP, SKIP, SKIP, RUN, SKIP, WAIT),
    "all_done": (RUN, RUN, RUN, RUN, RUN, WAIT, WAIT),
    "all_done_min_one_success": (RUN, RUN, RUN, SKIP, FAIL, WAIT, WAIT),
    "all_skipped": (SKIP, SKIP, SKIP, RUN, SKIP, SKIP, SKIP),
    "one_success": (RUN, RUN, RUN, SKIP, FAIL, RUN, WAIT),
    "one_failed": (SKIP, RUN, SKIP, SKIP, RUN, WAIT, RUN),
    "one_done": (RUN, RUN, RUN, SKIP, RUN, RUN, RUN),
    "none_failed": (RUN, FAIL, RUN, RUN, FAIL, WAIT, FAIL),
    "none_failed_min_one_success": (RUN, FAIL, RUN, SKIP, FAIL, WAIT, FAIL),
    "none_skipped": (RUN, RUN, SKIP, SKIP, RUN, WAIT, WAIT),
    "always": (RUN, RUN, RUN, RUN, RUN, RUN, RUN),
}
CASES = (
    Upstream(3, 0, 0, 0),
    Upstream(3, 0, 1, 0),
    Upstream(3, 0, 0, 1),
    Upstream(3, 0, 0, 3),
    Upstream(3, 0, 3, 0),
    Upstream(3, 2, 0, 0),
    Upstream(3, 2, 1, 0),
)


@pytest.mark.parametrize("rule", list(TriggerRule))
def test_each_rule_follows_the_table(rule: str) -> None:
    assert tuple(verdict(rule, case) for case in CASES) == TABLE[rule]


@pytest.mark.parametrize("rule", list(TriggerRule))
def test_a_task_with_nothing_before_it_runs_whatever_its_rule(rule: str) -> None:
    assert verdict(rule, Upstream(0, 0, 0, 0)) is RUN


@pytest.mark.parametrize("rule", list(TriggerRule))
@pytest.mark.parametrize("failed", range(4))
@pytest.mark.parametrize("skipped", range(4))
def test_nothing_waits_when_all_before_it_are_over(rule: str, failed: int, skipped: int) -> None:
    if failed + skipped <= 3:
        assert verdict(rule, Upstream(3, 0, failed, skipped)) is not WAIT
