from django.urls import path, register_converter

from tasks.views import (
    dags,
    download,
    editor,
    run_acts,
    run_list,
    run_log,
    runs,
    streams,
    task_instances,
    trigger,
    versions,
)


class KeyConverter:
    """A dag_id in an address."""

    regex = r"[\w.-]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(KeyConverter, "key")

urlpatterns = [
    path("events/", streams.dashboard_events, name="dashboard-events"),
    path("dags/", dags.index, name="dags"),
    path("dags/new/", editor.create, name="dag-new"),
    path("dags/<key:dag_id>/", dags.detail, name="dag"),
    path("dags/<key:dag_id>/edit/", editor.edit, name="dag-edit"),
    path("dags/<key:dag_id>/download/", download.download, name="dag-download"),
    path("dags/<key:dag_id>/delete/", editor.delete, name="dag-delete"),
    path("dags/<key:dag_id>/trigger/", trigger.trigger, name="dag-trigger"),
    path("dags/<key:dag_id>/pause/", dags.pause, name="dag-pause"),
    path("dags/<key:dag_id>/versions/", versions.index, name="dag-versions"),
    path("dags/<key:dag_id>/versions/<int:number>/", versions.detail, name="dag-version"),
    path("runs/", run_list.index, name="runs"),
    path("runs/<int:pk>/", runs.detail, name="run"),
    path("runs/<int:pk>/events/", streams.run_events, name="run-events"),
    path("runs/<int:pk>/log.txt", run_log.download, name="run-log"),
    path("runs/<int:pk>/cancel/", run_acts.cancel, name="run-cancel"),
    path("runs/<int:pk>/clear/", run_acts.clear, name="run-clear"),
    path("runs/<int:pk>/note/", run_acts.note, name="run-note"),
    path("runs/<int:pk>/tasks/<key:task_id>/", task_instances.detail, name="task-instance"),
    path("runs/<int:pk>/tasks/<key:task_id>/cancel/", run_acts.cancel_one, name="task-cancel"),
    path("runs/<int:pk>/tasks/<key:task_id>/mark/", run_acts.mark, name="task-mark"),
]
