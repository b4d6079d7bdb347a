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
    TASK_HELD,
    TASK_TERMINAL,
    RunState,
    StepState,
    TaskState,
)


def _choices(states: type[RunState] | type[TaskState] | type[StepState]) -> list[tuple[str, str]]:
    return [(state.value, state.value.replace("_", " ")) for state in states]


def _values(states: frozenset[RunState] | frozenset[TaskState]) -> list[str]:
    """As migrations shall have them."""
    return sorted(state.value for state in states)


class DagOrigin(models.TextChoices):
    FILE = "file", "a file"
    BROWSER = "browser", "the browser"


class Dag(models.Model):
    """A DAG by its ``dag_id``; what it does stands in its versions.

    ``is_missing`` is true when its file no longer defines it: its runs stay,
    and it can't be triggered. ``next_run_at`` is when the schedule makes its
    next run; null while it is paused or has no schedule. A pause stops the
    schedule only.
    """

    dag_id = models.CharField("DAG ID", max_length=250, unique=True)
    filename = models.CharField("file", max_length=500, blank=True)
    origin = models.CharField(max_length=10, choices=DagOrigin, default=DagOrigin.FILE)
    description = models.TextField(blank=True)
    notices = models.JSONField(default=list, blank=True)
    current_version = models.ForeignKey("DagVersion", models.PROTECT, null=True, related_name="+")
    is_missing = models.BooleanField("missing", default=False)
    is_paused = models.BooleanField("paused", default=False)
    next_run_at = models.DateTimeField(null=True, editable=False)
    next_logical_date = models.DateTimeField(null=True, editable=False)
    next_interval_start = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "DAG"
        verbose_name_plural = "DAGs"
        ordering: ClassVar = ["dag_id"]
        permissions: ClassVar = [("trigger_dag", "Can trigger DAGs")]
        indexes: ClassVar = [
            models.Index(
                fields=["next_run_at"],
                name="dag_due",
                condition=models.Q(next_run_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.dag_id

    @property
    def spec(self) -> DagSpec | None:
        return self.current_version.parsed if self.current_version else None


class DagVersion(models.Model):
    """What a DAG was at a time. A run shows the version that it ran.

    ``source`` is the text of its file; empty for a DAG made in the browser.
    """

    dag = models.ForeignKey(Dag, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    spec = models.JSONField()
    digest = models.CharField(max_length=64)
    #: The conn_ids that the spec names, for "used by".
    conn_ids = models.JSONField(default=list)
    source = models.TextField(blank=True)
    created_by_name = models.CharField(max_length=150, blank=True)
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
    state = models.CharField(max_length=20, choices=_choices(RunState), default=RunState.QUEUED)
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
    cancel_reason = models.TextField(blank=True)
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
                condition=~models.Q(state__in=_values(RUN_TERMINAL)),
            ),
            models.Index(
                fields=["deadline_at"],
                name="run_deadline",
                condition=models.Q(deadline_at__isnull=False)
                & ~models.Q(state__in=_values(RUN_TERMINAL)),
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
    state = models.CharField(max_length=20, choices=_choices(TaskState), default=TaskState.PENDING)
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
                condition=models.Q(state__in=_values(TASK_HELD))
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


class Step(models.Model):
    """One row of the execution table.

    ``sequence`` is the number of its last change in the run's sequence. ``facts`` are what the
    words of its result or failure are made of; ``vendor_message`` is masked before it is stored.
    """

    run = models.ForeignKey(DagRun, models.CASCADE, related_name="steps")
    task_instance = models.ForeignKey(TaskInstance, models.CASCADE, null=True, related_name="steps")
    number = models.PositiveSmallIntegerField("step")
    position = models.PositiveBigIntegerField()
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
            ),
            # When a task last failed with it, before it could use it: tasks/presentation/care.py.
            models.Index(
                fields=["conn_id", "-ended_at"],
                name="step_last_refusal",
                condition=models.Q(number__in=(2, 3), state=StepState.FAILED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.number}"


class LogLine(models.Model):
    """One line of a task's log. Masked before it is stored."""

    run = models.ForeignKey(DagRun, models.CASCADE, related_name="log_lines")
    task_instance = models.ForeignKey(
        TaskInstance, models.CASCADE, null=True, related_name="log_lines"
    )
    try_number = models.PositiveIntegerField(default=1)
    sequence = models.PositiveBigIntegerField()
    at = models.DateTimeField(default=timezone.now)
    level = models.CharField(max_length=10, default="info")
    text = models.TextField()

    class Meta:
        ordering: ClassVar = ["run", "sequence", "pk"]
        indexes: ClassVar = [models.Index(fields=["run", "sequence"])]

    def __str__(self) -> str:
        return self.text


class XCom(models.Model):
    """A small result that a task left for others, by key. Masked before it is stored."""

    task_instance = models.ForeignKey(TaskInstance, models.CASCADE, related_name="xcoms")
    key = models.CharField(max_length=250)
    value = models.JSONField(null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "XCom"
        ordering: ClassVar = ["task_instance", "key"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["task_instance", "key"], name="one_xcom_a_key")
        ]

    def __str__(self) -> str:
        return self.key


class RenderedFields(models.Model):
    """The templated arguments of one try, as they were filled. Masked before they are stored."""

    task_instance = models.ForeignKey(TaskInstance, models.CASCADE, related_name="rendered")
    try_number = models.PositiveIntegerField()
    fields = models.JSONField(default=dict)

    class Meta:
        verbose_name = verbose_name_plural = "rendered templates"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["task_instance", "try_number"], name="one_rendering_a_try"
            )
        ]

    def __str__(self) -> str:
        return f"{self.task_instance_id}/{self.try_number}"
