"""The pages of DAGs and runs, and the trigger."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from access.models import AuditEvent
from tasks.models import Dag, DagImportError, DagRun
from tests.tasks.conftest import query_task, save_dag

pytestmark = pytest.mark.django_db


def page(client: Client, path: str, *, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


def test_trigger_makes_a_run_and_shows_it(admin_client: Client) -> None:
    save_dag(query_task())
    answer = admin_client.post("/dags/example_dag/trigger/", {"conf": '{"day": "2026-01-31"}'})
    run = DagRun.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/runs/{run.pk}/")
    assert run.conf == {"day": "2026-01-31"}
    assert run.triggered_by_name == "admin"
    [event] = AuditEvent.objects.all()
    assert (event.action, event.object_id) == ("triggered", "example_dag")


@pytest.mark.parametrize(
    ("conf", "words"),
    [
        ("{", "line 1, column 2"),
        ("[]", "JSON object"),
        ('{"a": "\\u0000"}', "NUL"),
        ('{"a": "\\ud800"}', "surrogate"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1e999}', "1e999"),
        (f'{{"a": {"9" * 5000}}}', "too long"),
        ("[" * 900 + "]" * 900, "nested too deeply"),
    ],
)
def test_a_wrong_conf_is_refused_at_its_field_and_kept(
    admin_client: Client, conf: str, words: str
) -> None:
    save_dag(query_task())
    answer = admin_client.post("/dags/example_dag/trigger/", {"conf": conf})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert words in html
    assert conf.replace('"', "&quot;") in html
    assert not DagRun.objects.exists()


def test_an_escaped_backslash_is_no_nul(admin_client: Client) -> None:
    save_dag(query_task())
    admin_client.post("/dags/example_dag/trigger/", {"conf": '{"a": "\\\\u0000"}'})
    assert DagRun.objects.get().conf == {"a": "\\u0000"}


def test_an_address_with_a_nul_is_not_found(admin_client: Client) -> None:
    page(admin_client, "/dags/%00/", status=404)


def test_a_dag_that_is_not_there_cannot_be_triggered(admin_client: Client) -> None:
    answer = admin_client.post("/dags/nowhere/trigger/", follow=True)
    assert "There is no DAG nowhere." in answer.content.decode()


def test_a_dag_whose_file_is_gone_cannot_be_triggered(admin_client: Client) -> None:
    save_dag(query_task())
    Dag.objects.update(is_missing=True)
    answer = admin_client.post("/dags/example_dag/trigger/")
    assert answer.status_code == 422
    assert "no longer defines it" in answer.content.decode()
    assert not DagRun.objects.exists()


def test_a_get_triggers_nothing(admin_client: Client) -> None:
    save_dag(query_task())
    assert "Trigger" in page(admin_client, "/dags/example_dag/trigger/")
    assert not DagRun.objects.exists()


def test_import_errors_stand_above_the_list_with_file_line_and_words(admin_client: Client) -> None:
    save_dag(query_task())
    DagImportError.objects.create(
        filename="team/broken.py", line=7, kind="syntax", message="'(' was never closed"
    )
    html = page(admin_client, "/dags/")
    assert html.index("team/broken.py:7") < html.index("example_dag")
    assert "was never closed" in html


def test_a_new_run_shows_all_its_rows(admin_client: Client) -> None:
    save_dag(query_task("first"), query_task("second", upstream=("first",)))
    admin_client.post("/dags/example_dag/trigger/")
    html = page(admin_client, f"/runs/{DagRun.objects.get().pk}/")
    assert html.count('class="step ') == 10
    assert html.count("Pending") >= 10


def test_a_connection_that_a_dag_needs_and_nobody_made_is_named(admin_client: Client) -> None:
    save_dag(query_task())
    assert "/connections/new/?conn_id=my_gcp_conn" in page(admin_client, "/dags/example_dag/")
    assert "is used, but not there" in page(admin_client, "/")


def test_the_runs_can_be_filtered(admin_client: Client, run_dag: Any) -> None:
    run = run_dag()
    assert run.state == "failed"
    address = f"/runs/{run.pk}/"
    assert address in page(admin_client, "/runs/?state=failed")
    assert address not in page(admin_client, "/runs/?state=success")
    assert address not in page(admin_client, "/runs/?state=live")


def test_the_lists_ask_a_fixed_number_of_queries(
    admin_client: Client, run_dag: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        run_dag()
    with django_assert_max_num_queries(12):
        page(admin_client, "/runs/")
    with django_assert_max_num_queries(24):
        page(admin_client, "/")


@pytest.mark.parametrize("path", ["/", "/dags/", "/dags/x/", "/runs/", "/runs/1/", "/audit/"])
def test_nobody_sees_a_page_without_signing_in(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/login/?next={path}")


def test_every_page_has_a_policy_without_inline_scripts(admin_client: Client) -> None:
    for path in ("/", "/dags/", "/admin/", "/nowhere/"):
        policy = admin_client.get(path).headers["Content-Security-Policy"]
        assert "unsafe-inline" not in policy
        assert "default-src 'none'" in policy


def test_the_health_check_answers_without_signing_in(client: Client) -> None:
    assert page(client, "/healthz") == "ok"
