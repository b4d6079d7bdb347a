"""What Celery runs for connections."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="connections.test")
def run_test(test_id: int) -> None:
    """Test one connection, where tasks would use it."""
    from connections.trial import run

    run(test_id)
