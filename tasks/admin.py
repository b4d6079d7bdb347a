"""DAGs and runs in the Django admin, to look at: the engine alone changes them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from tasks.models import Dag, DagImportError, DagRun, DagVersion, LogLine, Step, TaskInstance


class ReadOnly:
    """Nothing can be added, changed or deleted."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StepInline(ReadOnly, admin.TabularInline[Step, DagRun]):
    model = Step
    fields = ("number", "task_instance", "conn_id", "state", "result", "retries", "error_code")


class TaskInstanceInline(ReadOnly, admin.TabularInline[TaskInstance, DagRun]):
    model = TaskInstance
    fields = ("task_id", "operator", "conn_id", "conn_version", "state", "worker")


@admin.register(Dag)
class DagAdmin(ReadOnly, admin.ModelAdmin[Dag]):
    list_display = ("dag_id", "filename", "current_version", "is_missing", "updated_at")
    search_fields = ("dag_id",)


@admin.register(DagVersion)
class DagVersionAdmin(ReadOnly, admin.ModelAdmin[DagVersion]):
    list_display = ("dag", "number", "created_at")
    list_select_related = ("dag",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[DagVersion]:
        return super().get_queryset(request).select_related("dag")


@admin.register(DagImportError)
class DagImportErrorAdmin(ReadOnly, admin.ModelAdmin[DagImportError]):
    list_display = ("filename", "line", "kind", "message", "since")


@admin.register(DagRun)
class DagRunAdmin(ReadOnly, admin.ModelAdmin[DagRun]):
    list_display = ("run_id", "dag", "state", "triggered_by_name", "queued_at", "ended_at")
    list_filter = ("state", "dag")
    search_fields = ("run_id", "dag__dag_id")
    list_select_related = ("dag",)
    inlines = (TaskInstanceInline, StepInline)


@admin.register(TaskInstance)
class TaskInstanceAdmin(ReadOnly, admin.ModelAdmin[TaskInstance]):
    list_display = ("task_id", "run", "operator", "conn_id", "conn_version", "state", "worker")
    list_filter = ("state",)
    search_fields = ("task_id", "conn_id")
    list_select_related = ("run",)


@admin.register(Step)
class StepAdmin(ReadOnly, admin.ModelAdmin[Step]):
    list_display = ("run", "number", "task_instance", "conn_id", "state", "result", "started_at")
    list_filter = ("state", "number")
    search_fields = ("conn_id", "result")
    list_select_related = ("run", "task_instance")


@admin.register(LogLine)
class LogLineAdmin(ReadOnly, admin.ModelAdmin[LogLine]):
    list_display = ("at", "run", "task_instance", "level", "text")
    list_filter = ("level",)
    list_select_related = ("run", "task_instance")
