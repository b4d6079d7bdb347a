"""What the tests of failures share: the expected tables, and the row that must explain itself."""

from __future__ import annotations

from tasks.models import DagRun
from tasks.presentation import StepRow, run_table

AT_STEP_2 = ["success", "failed", "skipped", "skipped", "skipped", "failed"]
AT_STEP_3 = ["success", "success", "failed", "skipped", "skipped", "failed"]
AT_STEP_4 = ["success", "success", "success", "failed", "success", "failed"]


def failed_row(run: DagRun) -> StepRow:
    """The row that failed, which must explain itself."""
    assert run.state == "failed"
    row = next(row for row in run_table(run).rows if row.state == "failed")
    assert row.explanation is not None
    words = row.explanation
    for text in (words.short, words.happened, words.cause, words.remedy):
        assert text
        assert "{" not in text
        assert "?" not in text
    assert run.steps.get(number=6).result == (
        f"DAG run failed: bq_task failed at step {row.number}"
    )
    return row
