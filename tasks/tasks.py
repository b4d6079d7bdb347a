"""What Celery runs. Messages carry ids only."""

from __future__ import annotations

import logging

from celery import shared_task
from django.conf import settings

logger = logging.getLogger(__name__)


@shared_task(name="tasks.run_task_instance")
def run_task_instance(task_instance_id: int) -> None:
    """Run one task instance, and send those that are ready after it."""
    from tasks.runner import run
    from tasks.services import send

    send(run(task_instance_id))


@shared_task(name="tasks.sweep")
def sweep() -> None:
    """Send again what was lost; called by beat every few seconds."""
    from tasks.recovery import lost
    from tasks.services import send

    ids = lost()
    if ids:
        logger.info("Sending %d task instances again.", len(ids))
        send(ids)


@shared_task(name="tasks.sync_dags")
def sync_dags() -> None:
    """Read the DAG files that changed; called by beat."""
    from tasks.dagfiles.sync import sync_if_changed

    sync_if_changed(settings.DAGS_FOLDER, timeout=settings.DAG_PARSE_TIMEOUT)
