"""A run whose connection comes from the worker's environment."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection
from tasks.models import LogLine
from tests import processes
from tests.fakes.google import FakeGoogle
from tests.tasks.conftest import states, trigger
from tests.tasks.failures import AT_STEP_2, failed_row

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_a_run_takes_its_connection_from_the_environment_and_says_so(
    google: FakeGoogle, key: dict[str, Any], connect: Any, over: Any, admin_client: Client
) -> None:
    connect(project="stored-project", is_anonymous=True)
    extra = {"keyfile_dict": json.dumps(key), "api_endpoint": google.url}
    value = json.dumps({"conn_type": "google_cloud_platform", "extra": extra})
    with processes.worker(AIRFLOW_CONN_MY_GCP_CONN=value) as worker:
        run = over(trigger())
    assert states(run) == ["success"] * 6
    assert len(google.jobs) == 1
    assert run.task_instances.get().conn_version == 0
    page = admin_client.get(f"/runs/{run.pk}/").content.decode()
    assert "from the environment" in page
    assert " v0" not in page
    lines = "\n".join(LogLine.objects.filter(run=run).values_list("text", flat=True))
    assert "from AIRFLOW_CONN_MY_GCP_CONN" in lines
    assert Connection.objects.get().version == 1
    for text in (page, lines, worker.text):
        assert key["private_key"][40:80] not in text
        assert key["private_key_id"] not in text


def test_a_variable_that_cant_be_read_fails_at_step_2_without_its_value(
    connect: Any, over: Any, admin_client: Client
) -> None:
    connect(is_anonymous=True, project="stored-project")
    with processes.worker(PATCHBAY_CONN_MY_GCP_CONN="http://u:tulip-7@h#") as worker:
        run = over(trigger())
    assert states(run) == AT_STEP_2
    row = failed_row(run)
    assert row.explanation.code == "connection:environment-invalid"
    assert "PATCHBAY_CONN_MY_GCP_CONN" in row.result
    page = admin_client.get(f"/runs/{run.pk}/").content.decode()
    assert "tulip" not in page + worker.text
