"""What runs: DAGs and their versions, runs, task instances, steps and log lines."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from tasks.spec import DagSpec
from tasks.states import (
    RUN_TERMINAL,
    STEP_TERMINAL,
    RunState,
    StepState,
    TaskState,
)


def _choices(states: type[RunState] | type[TaskState] | type[StepState]) -> list[tuple[str, str]]:
    return [(state.value, state.value.replace("_", " ")) for state in states]


class Dag(models.Model):
    """A DAG by its ``dag_id``; what it does stands in its versions.

    ``is_missing`` is true when its file no longer defines it: its runs stay,
    and it can't be triggered.
    """

    dag_id = models.CharField("DAG ID", max_length=250, unique=True)
    filename = models.CharField("file", max_length=500, blank=True)
    description = models.TextField(blank=True)
    notices = models.JSONField(default=list, blank=True)
    current_version = models.ForeignKey("DagVersion", models.PROTECT, null=True, related_name="+")
    is_missing = models.BooleanField("missing", default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "DAG"
        verbose_name_plural = "DAGs"
        ordering: ClassVar = ["dag_id"]
        permissions: ClassVar = [("trigger_dag", "Can trigger DAGs")]

    def __str__(self) -> str:
        return self.dag_id

    @property
    def spec(self) -> DagSpec | None:
        return self.current_version.parsed if self.current_version else None


class DagVersion(models.Model):
    """What a DAG was at a time. A run shows the version that it ran."""

    dag = models.ForeignKey(Dag, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    spec = models.JSONField()
    digest = models.CharField(max_length=64)
    #: The conn_ids that the spec names, for "used by".
    conn_ids = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "DAG version"
        ordering: ClassVar = ["dag", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dag", "number"], name="one_version_a_number")
        ]

    def __str__(self) -> str:
        return f"{self.dag_id} v{self.number}"

    @property
    def parsed(self) -> DagSpec:
        return DagSpec.from_json(self.spec)


class DagImportError(models.Model):
    """Why a file in the DAGs folder could not be read."""

    filename = models.CharField("file", max_length=500, unique=True)
    line = models.PositiveIntegerField(null=True)
    kind = models.CharField(max_length=30)
    message = models.TextField()
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "DAG import error"
        ordering: ClassVar = ["filename"]

    def __str__(self) -> str:
        return f"{self.filename}:{self.line}" if self.line else self.filename


class DagRun(models.Model):
    """One execution of a DAG.

    ``sequence`` numbers every change that a watcher may see; it is the
    cursor of the live page. ``uid`` goes into the ids of cloud jobs.
    """

    dag = models.ForeignKey(Dag, models.CASCADE, related_name="runs")
    version = models.ForeignKey(DagVersion, models.PROTECT, related_name="runs")
    run_id = models.CharField("run ID", max_length=250)
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    run_type = models.CharField(max_length=20, default="manual")
    state = models.CharField(max_length=20, choices=_choices(RunState), default=RunState.QUEUED)
    conf = models.JSONField(default=dict)
    logical_date = models.DateTimeField(default=timezone.now)
    triggered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    triggered_by_name = models.CharField(max_length=150, blank=True)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    sequence = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = "DAG run"
        ordering: ClassVar = ["-queued_at", "-pk"]
        permissions: ClassVar = [("cancel_dagrun", "Can cancel runs and tasks")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dag", "run_id"], name="one_run_a_run_id")
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "-queued_at"]),
            models.Index(fields=["-queued_at", "-id"]),
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

    A worker holds it by ``lease_token`` until ``lease_expires_at``, which it
    renews; after that another worker may take it over. ``sent_at`` is when a
    message was last sent for it, or null if the broker refused it.
    """

    run = models.ForeignKey(DagRun, models.CASCADE, related_name="task_instances")
    task_id = models.CharField("task ID", max_length=250)
    position = models.PositiveIntegerField()
    operator = models.CharField(max_length=250)
    conn_id = models.CharField("connection ID", max_length=250, blank=True)
    conn_version = models.PositiveIntegerField("connection version", null=True)
    state = models.CharField(max_length=20, choices=_choices(TaskState), default=TaskState.PENDING)
    try_number = models.PositiveIntegerField(default=1)
    worker = models.CharField(max_length=250, blank=True)
    lease_token = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    queued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["run", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "task_id"], name="one_instance_a_task")
        ]
        indexes: ClassVar = [models.Index(fields=["state", "lease_expires_at"])]

    def __str__(self) -> str:
        return self.task_id


class Step(models.Model):
    """One row of the execution table.

    ``sequence`` is the number of its last change in the run's sequence.
    ``facts`` are what the words of its result or failure are made of;
    ``vendor_message`` is masked before it is stored.
    """

    run = models.ForeignKey(DagRun, models.CASCADE, related_name="steps")
    task_instance = models.ForeignKey(TaskInstance, models.CASCADE, null=True, related_name="steps")
    number = models.PositiveSmallIntegerField("step")
    position = models.PositiveIntegerField()
    try_number = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=20, choices=_choices(StepState), default=StepState.PENDING)
    conn_id = models.CharField("connection ID used", max_length=250, blank=True)
    result = models.TextField(blank=True)
    facts = models.JSONField(default=dict)
    retries = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=100, blank=True)
    vendor_message = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    sequence = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["run", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "position"], name="one_step_a_position")
        ]
        indexes: ClassVar = [
            # When a connection was last fetched: tasks/usage.py.
            models.Index(
                fields=["conn_id", "-started_at"],
                name="step_last_use",
                condition=models.Q(number=2, state=StepState.SUCCESS),
            )
        ]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.number}"

    @property
    def is_over(self) -> bool:
        return self.state in STEP_TERMINAL


class LogLine(models.Model):
    """One line of a task's log. Masked before it is stored."""

    run = models.ForeignKey(DagRun, models.CASCADE, related_name="log_lines")
    task_instance = models.ForeignKey(
        TaskInstance, models.CASCADE, null=True, related_name="log_lines"
    )
    sequence = models.PositiveBigIntegerField()
    at = models.DateTimeField(default=timezone.now)
    level = models.CharField(max_length=10, default="info")
    text = models.TextField()

    class Meta:
        ordering: ClassVar = ["run", "sequence"]
        indexes: ClassVar = [models.Index(fields=["run", "sequence"])]

    def __str__(self) -> str:
        return self.text
