"""Runs, their task instances, and the places that these hold."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from tasks.models.choices import choices, values
from tasks.models.dags import Dag, DagVersion
from tasks.states import (
    RUN_TERMINAL,
    TASK_HELD,
    TASK_TERMINAL,
    RunState,
    TaskState,
)


class DagRun(models.Model):
    """One execution of a DAG.

    ``sequence`` numbers every change that a watcher may see; it is the cursor of the live page.
    ``uid`` goes into the ids of cloud jobs. ``admitted_at`` is null while the run waits for a place
    among the active runs of its DAG. ``tasks_left`` counts the task instances that are not over.
    ``deadline_at`` follows from the DAG's ``dagrun_timeout``.
    """

    dag = models.ForeignKey(Dag, models.CASCADE, related_name="runs")
    version = models.ForeignKey(DagVersion, models.PROTECT, related_name="runs")
    run_id = models.CharField("run ID", max_length=250)
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    run_type = models.CharField(max_length=20, default="manual")
    state = models.CharField(max_length=20, choices=choices(RunState), default=RunState.QUEUED)
    conf = models.JSONField(default=dict)
    logical_date = models.DateTimeField(default=timezone.now)
    triggered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    triggered_by_name = models.CharField(max_length=150, blank=True)
    data_interval_start = models.DateTimeField(null=True)
    data_interval_end = models.DateTimeField(null=True)
    note = models.TextField(blank=True)
    cancelled_by_name = models.CharField(max_length=150, blank=True)
    cancel_reason = models.TextField(blank=True, default="", db_default="")
    queued_at = models.DateTimeField(default=timezone.now)
    admitted_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    tasks_left = models.PositiveIntegerField(default=0)
    sequence = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = "DAG run"
        ordering: ClassVar = ["-queued_at", "-pk"]
        permissions: ClassVar = [("cancel_dagrun", "Can cancel runs and tasks")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dag", "run_id"], name="one_run_a_run_id"),
            models.UniqueConstraint(
                fields=["dag", "logical_date"],
                condition=models.Q(run_type="scheduled"),
                name="one_run_a_scheduled_date",
            ),
        ]
        indexes: ClassVar = [
            # What is active of each DAG, and what waits for a place.
            models.Index(
                fields=["dag", "admitted_at"],
                name="run_active",
                condition=~models.Q(state__in=values(RUN_TERMINAL)),
            ),
            models.Index(
                fields=["deadline_at"],
                name="run_deadline",
                condition=models.Q(deadline_at__isnull=False)
                & ~models.Q(state__in=values(RUN_TERMINAL)),
            ),
            models.Index(fields=["state", "-queued_at"]),
            models.Index(fields=["-queued_at", "-id"]),
            # The last runs of each DAG, for lists of DAGs.
            models.Index(fields=["dag", "-queued_at"], name="run_by_dag"),
        ]

    def __str__(self) -> str:
        return self.run_id

    @property
    def is_over(self) -> bool:
        return self.state in RUN_TERMINAL

    @property
    def seconds(self) -> float | None:
        """How long it has taken, queue included; ``None`` while it goes on."""
        return (self.ended_at - self.queued_at).total_seconds() if self.ended_at else None


class TaskInstance(models.Model):
    """One task of one run.

    A worker holds it by ``lease_token`` until ``lease_expires_at``, which it renews; after that
    another worker may take it over (``takeovers`` counts them in this try). ``sent_at`` is when a
    message was last sent for it, or null if the broker refused it. ``upstream_left``,
    ``upstream_failed`` and ``upstream_skipped`` count the tasks directly before it: those that are
    not over, those that failed (or stand behind one that did, or were cancelled), and those that
    were skipped. ``due_at`` is when it goes on after a failed try or a look of a sensor.
    ``waits_on`` names what a queued one waits for beside a worker: one of ``WaitsOn``. Its times
    are those of the present try; ``max_tries`` is how many it may have. ``sequence`` is the number
    of its last change in the run's sequence.
    """

    class WaitsOn(models.TextChoices):
        NOTHING = "", "a worker"
        #: ``max_active_tasks`` of the DAG.
        TASKS = "tasks", "a place among the DAG's active tasks"
        #: ``max_sessions`` of the connection.
        CONNECTION = "connection", "a session of its connection"

    run = models.ForeignKey(DagRun, models.CASCADE, related_name="task_instances")
    task_id = models.CharField("task ID", max_length=250)
    position = models.PositiveIntegerField()
    operator = models.CharField(max_length=250)
    conn_id = models.CharField("connection ID", max_length=250, blank=True)
    conn_version = models.PositiveIntegerField("connection version", null=True)
    state = models.CharField(max_length=20, choices=choices(TaskState), default=TaskState.PENDING)
    try_number = models.PositiveIntegerField(default=1)
    max_tries = models.PositiveIntegerField(default=1)
    queue = models.CharField(max_length=250, default="default")
    upstream_left = models.PositiveIntegerField(default=0)
    upstream_failed = models.PositiveIntegerField(default=0)
    upstream_skipped = models.PositiveIntegerField(default=0)
    waits_on = models.CharField(max_length=20, choices=WaitsOn, default=WaitsOn.NOTHING, blank=True)
    due_at = models.DateTimeField(null=True)
    looks = models.PositiveIntegerField(default=0)
    takeovers = models.PositiveSmallIntegerField(default=0)
    note = models.TextField(blank=True)
    marked_by_name = models.CharField(max_length=150, blank=True)
    worker = models.CharField(max_length=250, blank=True)
    lease_token = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    queued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    sequence = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["run", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "task_id"], name="one_instance_a_task")
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "lease_expires_at"]),
            models.Index(fields=["run", "state"]),
            # Who holds a session of a connection, and who waits for one.
            models.Index(
                fields=["conn_id", "queued_at"],
                name="task_at_connection",
                condition=models.Q(state__in=values(TASK_HELD))
                | models.Q(state="queued", waits_on="connection"),
            ),
            models.Index(
                fields=["due_at"],
                name="task_due",
                condition=models.Q(state__in=["up_for_reschedule", "up_for_retry"]),
            ),
        ]

    def __str__(self) -> str:
        return self.task_id

    @property
    def is_over(self) -> bool:
        return self.state in TASK_TERMINAL


class HeldSession(models.Model):
    """A task's place at a further connection than that of its row, for as long as its lease."""

    task_instance = models.ForeignKey(TaskInstance, models.CASCADE, related_name="+")
    conn_id = models.CharField(max_length=250, db_index=True)
    lease_token = models.UUIDField()

    class Meta:
        unique_together: ClassVar = [("task_instance", "conn_id")]

    def __str__(self) -> str:
        return self.conn_id
