"""A note on a task of a run, which any who may run it again may write."""

from __future__ import annotations

from django.db import transaction

from access.audit import Actor, record
from tasks import live
from tasks.acts import LONGEST_NOTE
from tasks.engine import writing
from tasks.exceptions import ActRefused
from tasks.models import TaskInstance


def set_task_note(instance: TaskInstance, note: str, *, actor: Actor) -> None:
    """Raise ``ActRefused`` for a note that is too long."""
    if len(note) > LONGEST_NOTE:
        raise ActRefused(f"A note has at most {LONGEST_NOTE:,} characters.")
    run = instance.run
    with transaction.atomic():
        number = writing.take_number(run.pk)
        TaskInstance.objects.filter(pk=instance.pk).update(note=note, sequence=number)
        name = f"{run.dag.dag_id}/{run.run_id}"
        record(actor, "noted", what="run", name=name, task_id=instance.task_id)
        live.publish_on_commit(run.pk)
