"""What the tests of failures share: the expected tables, and the row that must explain itself."""

from __future__ import annotations

from dataclasses import dataclass

from connections.diagnosis import Explanation
from tasks.models import DagRun
from tasks.presentation.execution_table import run_table

AT_STEP_2 = ["success", "failed", "skipped", "skipped", "skipped", "failed"]
AT_STEP_3 = ["success", "success", "failed", "skipped", "skipped", "failed"]
AT_STEP_4 = ["success", "success", "success", "failed", "success", "failed"]


@dataclass(frozen=True)
class FailedRow:
    """The row of the step that failed, with its words."""

    number: int
    result: str
    retries: int
    vendor_message: str
    explanation: Explanation


def failed_row(run: DagRun) -> FailedRow:
    """The row that failed, which must explain itself."""
    assert run.state == "failed"
    row = next(row for row in run_table(run).rows if row.state == "failed")
    assert row.explanation is not None
    words = row.explanation
    for text in (words.short, words.happened, words.cause, words.remedy):
        assert text
        assert "{" not in text
        assert "?" not in text
    assert run.steps.get(number=6).result == f"DAG run failed: bq_task failed at step {row.number}"
    return FailedRow(row.number, row.result, row.retries, row.vendor_message, words)
