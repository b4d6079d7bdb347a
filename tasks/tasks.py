"""What Celery runs, and how it is sent. Messages carry ids only."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from celery import shared_task
from django.conf import settings
from django.db import transaction

from connections import messages
from tasks.engine.places import Message
from tasks.engine.row_locks import unlocked
from tasks.models import TaskInstance
from tasks.states import TaskState

logger = logging.getLogger(__name__)
#: So many messages are sent by who makes them; the rest by a worker, so that nobody waits.
MOST_AT_ONCE = 50


def send(ready: Sequence[Message], *, at_once: bool = False) -> bool:
    """Send a message for each; what the broker refuses is left to the sweep.

    Of many, most are sent by a worker, unless ``at_once``.
    """
    if not at_once and len(ready) > MOST_AT_ONCE:
        return _hand_over(ready)
    for position, message in enumerate(ready):
        if not messages.send(run_task_instance, message.task_instance_id, queue=message.queue):
            _left_to_the_sweep(ready[position:])
            return False
    return True


def _hand_over(ready: Sequence[Message]) -> bool:
    """One message that makes a worker send them."""
    ids = [message.task_instance_id for message in ready]
    if messages.send(send_task_instances, ids):
        return True
    _left_to_the_sweep(ready)
    return False


def _left_to_the_sweep(ready: Sequence[Message]) -> None:
    logger.warning("The broker can't be reached; queued tasks are sent again later.")
    ids = [message.task_instance_id for message in ready]
    with transaction.atomic():
        rows = TaskInstance.objects.filter(pk__in=ids, state=TaskState.QUEUED)
        rows.filter(pk__in=list(unlocked(rows).values_list("pk", flat=True))).update(sent_at=None)


@shared_task(name="tasks.run_task_instance")
def run_task_instance(task_instance_id: int) -> None:
    """Run one task instance, and send those that are ready after it."""
    from tasks.engine.runner import run

    send(run(task_instance_id))


@shared_task(name="tasks.send_task_instances")
def send_task_instances(task_instance_ids: list[int]) -> None:
    """Send a message for each that is still queued."""
    rows = TaskInstance.objects.filter(
        pk__in=task_instance_ids, state=TaskState.QUEUED, waits_on=""
    )
    found = rows.order_by("position").values_list("pk", "queue")
    send([Message(pk, queue) for pk, queue in found], at_once=True)


@shared_task(name="tasks.sync_dags")
def sync_dags() -> None:
    """Read the DAG files that changed; called by beat."""
    from tasks.dagfiles.sync import sync_if_changed

    sync_if_changed(settings.DAGS_FOLDER, timeout=settings.DAG_PARSE_TIMEOUT)
