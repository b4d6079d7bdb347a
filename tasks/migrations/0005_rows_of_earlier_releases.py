"""Brings rows of earlier releases to what the engine now expects of them."""

from django.db import migrations
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

OVER = ("success", "failed", "upstream_failed")
LAST_POSITION = 10**15


def fill(apps, schema_editor):
    """Positions leave room for tries; every run that is there has its place already."""
    runs = apps.get_model("tasks", "DagRun").objects.all()
    instances = apps.get_model("tasks", "TaskInstance").objects.all()
    steps = apps.get_model("tasks", "Step").objects.all()
    position = instances.filter(pk=OuterRef("task_instance_id")).values("position")
    of_tasks = steps.filter(task_instance__isnull=False)
    of_tasks.update(
        position=(Subquery(position) + 1) * 100_000 + F("try_number") * 10 + F("number")
    )
    steps.filter(number=6).update(position=LAST_POSITION)
    left = (
        instances.filter(run=OuterRef("pk"))
        .exclude(state__in=OVER)
        .values("run")
        .annotate(n=Count("pk"))
        .values("n")
    )
    runs.update(admitted_at=F("queued_at"), tasks_left=Coalesce(Subquery(left), 0))
    _count_upstream(apps)
    _pause_scheduled(apps)


def _pause_scheduled(apps):
    """No schedule was run before: those that there are wait until they are switched on."""
    dags = apps.get_model("tasks", "Dag").objects.filter(current_version__isnull=False)
    for dag in dags.select_related("current_version"):
        if dag.current_version.spec.get("schedule"):
            dag.is_paused = True
            dag.save(update_fields=["is_paused"])


def _count_upstream(apps):
    """Only runs that are not over will be asked."""
    runs = apps.get_model("tasks", "DagRun").objects.filter(~Q(state__in=("success", "failed")))
    for run in runs.select_related("version"):
        upstream = {task["task_id"]: task.get("upstream", ()) for task in run.version.spec["tasks"]}
        rows = {row.task_id: row for row in run.task_instances.all()}
        for row in rows.values():
            states = [rows[name].state for name in upstream[row.task_id]]
            row.upstream_left = sum(state not in OVER for state in states)
            row.upstream_failed = sum(state in ("failed", "upstream_failed") for state in states)
            row.save(update_fields=["upstream_left", "upstream_failed"])


class Migration(migrations.Migration):
    dependencies = [("tasks", "0004_engine")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
