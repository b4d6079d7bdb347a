"""DAGs and runs in the Django admin: everybody with the right looks, nobody changes."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from tasks.models import Dag, DagRun, LogLine, Step, TaskInstance
from tasks.services import trigger_dag_run
from tests.conftest import ACTOR
from tests.tasks.conftest import query_task, save_dag

MODELS = ("dag", "dagversion", "dagimporterror", "dagrun", "taskinstance", "step")

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("ann"))
    return client


@pytest.fixture
def run() -> DagRun:
    return trigger_dag_run(save_dag(query_task()).dag_id, actor=ACTOR)


def rows() -> list[Any]:
    models = (Dag, DagRun, TaskInstance, Step, LogLine)
    return [list(model._default_manager.order_by("pk").values()) for model in models]


@pytest.mark.parametrize("model", MODELS)
def test_the_lists_are_shown_and_offer_no_change(client: Client, run: DagRun, model: str) -> None:
    page = client.get(f"/admin/tasks/{model}/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "delete_selected" not in text
    assert f"/admin/tasks/{model}/add/" not in text
    assert client.get(f"/admin/tasks/{model}/add/").status_code == 403


def test_a_run_its_task_instance_and_its_steps_are_shown_and_cannot_be_changed(
    client: Client, run: DagRun
) -> None:
    before = rows()
    instance, step = run.task_instances.get(), run.steps.order_by("position").first()
    assert step is not None
    pages = {"dagrun": run.pk, "taskinstance": instance.pk, "step": step.pk, "dag": run.dag_id}
    for model, pk in pages.items():
        url = f"/admin/tasks/{model}/{pk}/"
        page = client.get(f"{url}change/")
        assert page.status_code == 200
        text = page.content.decode()
        assert 'name="_save"' not in text
        assert "deletelink" not in text
        assert client.post(f"{url}change/", {"state": "success"}).status_code == 403
        assert client.post(f"{url}delete/", {"post": "yes"}).status_code == 403
    assert "my_gcp_conn" in client.get(f"/admin/tasks/dagrun/{run.pk}/change/").content.decode()
    assert rows() == before


def test_a_list_action_to_delete_deletes_nothing(client: Client, run: DagRun) -> None:
    before = rows()
    for model, pk in (("dagrun", run.pk), ("step", run.steps.values_list("pk", flat=True)[0])):
        sent = {"action": "delete_selected", "_selected_action": [pk], "post": "yes"}
        client.post(f"/admin/tasks/{model}/", sent)
    assert rows() == before


def test_the_index_of_the_admin_lists_every_table(client: Client) -> None:
    text = client.get("/admin/").content.decode()
    for model in ("connections/connection", "access/auditevent", "auth/user"):
        assert f"/admin/{model}/" in text
    for model in MODELS:
        assert f"/admin/tasks/{model}/" in text
