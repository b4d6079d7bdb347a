"""DAGs, their versions, and what is wrong with files that should define some."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from tasks.spec import DagSpec


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
        """Raise as ``DagVersion.parsed`` does."""
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
        """Raise ``SpecError``, also ``AttributeError`` or ``ValueError``, for one that another
        release stored and this one can't read."""
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
