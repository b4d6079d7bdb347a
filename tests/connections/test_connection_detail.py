"""A connection's own page: overview, health, who uses it, what was done; and no secret on it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections.models import Connection, ConnectionTest, ConnectionTestState
from connections.services import create_connection
from connections.snippets import snippets_of
from connections.validation import Draft
from tasks.services import trigger_dag_run
from tasks.states import StepState
from tests.conftest import ACTOR
from tests.connections.conftest import key_file
from tests.connections.pages import assert_unseen
from tests.roles import user_of
from tests.tasks.conftest import query_task, save_dag

pytestmark = pytest.mark.django_db
TABS = ("overview", "health", "used-by", "audit")


def url(tab: str, conn_id: str = "my_gcp_conn") -> str:
    return f"/connections/{conn_id}/{tab}/"


@pytest.mark.parametrize("tab", TABS)
def test_no_tab_shows_a_secret(admin_client: Client, connect: Any, tab: str) -> None:
    key = key_file()
    connect(keyfile_dict=key, my_token="tulip-7-tulip", nested={"password": "rose-8-rose"})
    page = admin_client.get(url(tab))
    assert page.status_code == 200
    assert_unseen(page, key["private_key"], "tulip-7-tulip", "rose-8-rose")


def test_the_overview_shows_what_may_be_seen_and_who_set_a_secret(
    admin_client: Client, connect: Any
) -> None:
    key = key_file()
    connect(keyfile_dict=key, project="acme-reports", colour="green")
    text = admin_client.get(url("overview")).content.decode()
    assert "acme-reports" in text
    assert "extra.colour" in text
    assert "by tester · v1" in text
    for title in ("In a DAG", "In Python", "As an environment variable", "secrets backend"):
        assert title in text
    assert "AIRFLOW_CONN_MY_GCP_CONN" in text


@pytest.mark.parametrize(
    ("conn_type", "operator"),
    [
        ("postgres", "SQLExecuteQueryOperator"),
        ("http", "HttpOperator"),
        ("aws", "S3ListOperator"),
        ("gcpbigquery", "BigQueryInsertJobOperator"),
    ],
)
def test_what_runs_here_is_shown_with_an_operator_that_fits(conn_type: str, operator: str) -> None:
    draft = Draft("somewhere", conn_type, host="db.example.com")
    [dag, *_] = snippets_of(create_connection(draft, actor=ACTOR).load())
    assert operator in dag.text
    compile(dag.text, "dag.py", "exec")


def test_the_short_address_leads_to_the_overview(admin_client: Client, connect: Any) -> None:
    connect()
    answer = admin_client.get("/connections/my_gcp_conn/")
    assert answer.headers["Location"] == url("overview")


def test_a_stage_that_an_older_version_knew_is_told_by_its_name(
    admin_client: Client, connect: Any
) -> None:
    ConnectionTest.objects.create(
        connection=connect(),
        conn_id="my_gcp_conn",
        digest="1",
        version=1,
        state=ConnectionTestState.FAILED,
        stages=[{"name": "handshake", "state": "failed"}],
        requested_by="tester",
        ended_at=timezone.now(),
    )
    assert "Failed at handshake" in admin_client.get(url("health")).content.decode()


def test_health_lists_the_tests_with_their_versions(admin_client: Client, connect: Any) -> None:
    connection = connect()
    ConnectionTest.objects.create(
        connection=connection,
        version=1,
        conn_id="my_gcp_conn",
        digest="0" * 64,
        state=ConnectionTestState.FAILED,
        code="session:credentials-rejected",
        message="Google rejected the key.",
        stages=[{"name": "session", "state": "failed", "words": "rejected", "seconds": 0.2}],
        requested_by="ann",
        ended_at=timezone.now(),
    )
    text = admin_client.get(url("health")).content.decode()
    assert "Failed at token and identity" in text
    assert "Google rejected the key." in text
    assert "v1" in text


def test_who_uses_it_stands_on_a_tab(admin_client: Client, connect: Any) -> None:
    connect()
    save_dag(query_task())
    text = admin_client.get(url("used-by")).content.decode()
    assert "1 DAG uses it" in text
    assert "/dags/example_dag/" in text


def test_what_was_done_names_fields_only(admin_client: Client, connect: Any) -> None:
    connect(project="acme-reports")
    text = admin_client.get(url("audit")).content.decode()
    assert "tester" in text
    assert "project" in text
    assert "acme-reports" not in text.partition("<main")[2]


def test_an_unreadable_connection_says_so_on_every_tab(
    admin_client: Client, connect: Any, lose_keys: Any
) -> None:
    connect(keyfile_dict=key_file())
    lose_keys()
    for tab in TABS:
        assert admin_client.get(url(tab)).status_code == 200
    text = admin_client.get(url("overview")).content.decode()
    assert "can’t be decrypted" in text


def test_a_type_that_nothing_declares_is_shown_as_unknown(admin_client: Client) -> None:
    Connection.objects.create(conn_id="my_gcp_conn", conn_type="tulip_db", host="h.example")
    text = admin_client.get(url("overview")).content.decode()
    assert "unknown type" in text
    assert "h.example" in text


def test_a_connection_of_the_environment_is_shown_read_only(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", "postgres://ann:tulip-7-tulip@db.example/sales")
    page = admin_client.get(url("overview", "warehouse"))
    text = page.content.decode()
    assert "AIRFLOW_CONN_WAREHOUSE" in text
    assert "db.example" in text
    assert "/warehouse/edit/" not in text
    assert_unseen(page, "tulip-7-tulip")


def test_a_variable_that_cannot_be_read_is_told_without_its_value(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHBAY_CONN_WAREHOUSE", "tulip-7-tulip://a://b://c")
    page = admin_client.get(url("overview", "warehouse"))
    assert "can’t be read" in page.content.decode()
    assert_unseen(page, "tulip-7-tulip")


def test_what_is_nowhere_is_not_found(admin_client: Client) -> None:
    for tab in TABS:
        assert admin_client.get(url(tab, "nowhere")).status_code == 404


def test_a_viewer_is_offered_nothing_that_writes(connect: Any) -> None:
    connect()
    client = Client()
    client.force_login(user_of("Viewer"))
    text = client.get(url("overview")).content.decode()
    for offered in ("/edit/", "/delete/", "/connections/test/"):
        assert offered not in text


def test_the_last_uses_lead_to_their_runs(admin_client: Client, connect: Any) -> None:
    connect()
    save_dag(query_task())
    run = trigger_dag_run("example_dag", actor=ACTOR)
    run.steps.filter(number=2).update(state=StepState.SUCCESS, started_at=timezone.now())
    text = admin_client.get(url("used-by")).content.decode()
    assert f'href="/runs/{run.pk}/"' in text
    assert "bq_task" in text


@pytest.mark.parametrize("tab", TABS)
def test_a_connection_that_is_not_there_says_who_names_it_and_offers_to_create_it(
    admin_client: Client, tab: str
) -> None:
    save_dag(query_task())
    page = admin_client.get(url(tab))
    text = page.content.decode()
    assert page.status_code == 404
    assert "There is no connection" in text
    assert "1 DAG names it." in text
    assert "?conn_id=my_gcp_conn" in text
    other = admin_client.get(url(tab, "nothing"))
    assert (other.status_code, "No DAG names it." in other.content.decode()) == (404, True)


def test_who_may_not_create_one_is_told_so(client: Client) -> None:
    client.force_login(user_of("Viewer"))
    text = client.get(url("overview")).content.decode()
    assert "ask somebody who is an Editor" in text
    assert "?conn_id=" not in text


def test_an_id_that_cannot_be_has_no_page_of_its_own(admin_client: Client) -> None:
    page = admin_client.get(url("overview", "a b"))
    assert (page.status_code, "There is no connection" in page.content.decode()) == (404, False)


def test_acts_of_the_menu_come_back_to_the_page(admin_client: Client, connect: Any) -> None:
    connect()
    sent = {"id": "my_gcp_conn", "from": "my_gcp_conn"}
    text = admin_client.get(url("overview")).content.decode()
    for act in ("duplicate", "disable"):
        assert f'name="act" value="{act}"' in text
    assert 'href="/connections/export/?id=my_gcp_conn"' in text
    asked = admin_client.post("/connections/bulk/", {"act": "disable", **sent}).content.decode()
    assert f'href="{url("overview")}"' in asked
    assert '<input type="hidden" name="from" value="my_gcp_conn">' in asked
    sure = {"act": "disable", "confirmed": "1", **sent}
    assert admin_client.post("/connections/bulk/", sure).headers["Location"] == url("overview")
    assert Connection.objects.get().is_disabled
    assert 'value="enable"' in admin_client.get(url("overview")).content.decode()
    answer = admin_client.post("/connections/bulk/", {"act": "enable", **sent})
    assert answer.headers["Location"] == url("overview")
    assert not Connection.objects.get().is_disabled


@pytest.mark.parametrize("origin", ["//evil.example", "../", "a b", ""])
def test_an_act_goes_back_to_nowhere_else(admin_client: Client, connect: Any, origin: str) -> None:
    connect()
    sent = {"act": "duplicate", "id": "my_gcp_conn", "from": origin, "match": "q=my&page=2"}
    answer = admin_client.post("/connections/bulk/", sent)
    assert answer.headers["Location"] == "/connections/?q=my&page=2"


def test_who_may_only_see_has_no_menu(client: Client, connect: Any) -> None:
    connect()
    client.force_login(user_of("Viewer"))
    assert ">More<" not in client.get(url("overview")).content.decode()
