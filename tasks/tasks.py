"""What Celery runs, and how it is sent. Messages carry ids only."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from celery import shared_task
from django.conf import settings

from connections import messages
from tasks.models import TaskInstance
from tasks.states import TaskState

logger = logging.getLogger(__name__)


def send(task_instance_ids: Sequence[int]) -> bool:
    """Send a message for each; what the broker refuses is left to the sweep."""
    for position, task_instance_id in enumerate(task_instance_ids):
        if not messages.send(run_task_instance, task_instance_id):
            logger.warning("The broker can't be reached; queued tasks are sent again later.")
            unsent = task_instance_ids[position:]
            rows = TaskInstance.objects.filter(pk__in=unsent, state=TaskState.QUEUED)
            rows.update(sent_at=None)
            return False
    return True


@shared_task(name="tasks.run_task_instance")
def run_task_instance(task_instance_id: int) -> None:
    """Run one task instance, and send those that are ready after it."""
    from tasks.runner import run

    send(run(task_instance_id))


def sweep() -> None:
    """Send again what was lost; called by a thread of every worker, every few seconds."""
    from tasks.recovery import lost

    ids = lost()
    if ids:
        logger.info("Sending %d task instances again.", len(ids))
        send(ids)


@shared_task(name="tasks.sync_dags")
def sync_dags() -> None:
    """Read the DAG files that changed; called by beat."""
    from tasks.dagfiles.sync import sync_if_changed

    sync_if_changed(settings.DAGS_FOLDER, timeout=settings.DAG_PARSE_TIMEOUT)
