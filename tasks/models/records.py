"""What a run tells and leaves: the rows of its table, its log, and what tasks leave for others."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from tasks.models.choices import choices
from tasks.models.runs import DagRun, TaskInstance
from tasks.states import (
    StepState,
)


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
    state = models.CharField(max_length=20, choices=choices(StepState), default=StepState.PENDING)
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
