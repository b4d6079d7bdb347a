from django.urls import path

from tasks.views import dags, runs, streams

urlpatterns = [
    path("events/", streams.dashboard_events, name="dashboard-events"),
    path("dags/", dags.index, name="dags"),
    path("dags/<str:dag_id>/", dags.detail, name="dag"),
    path("dags/<str:dag_id>/trigger/", dags.trigger, name="dag-trigger"),
    path("runs/", runs.index, name="runs"),
    path("runs/<int:pk>/", runs.detail, name="run"),
    path("runs/<int:pk>/events/", streams.run_events, name="run-events"),
]
