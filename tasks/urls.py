from django.urls import path, register_converter

from tasks.views import dags, runs, streams


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
    path("dags/<key:dag_id>/", dags.detail, name="dag"),
    path("dags/<key:dag_id>/trigger/", dags.trigger, name="dag-trigger"),
    path("runs/", runs.index, name="runs"),
    path("runs/<int:pk>/", runs.detail, name="run"),
    path("runs/<int:pk>/events/", streams.run_events, name="run-events"),
]
