"""A connection is tested on a real worker, from its form and as it is stored."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from access.audit import Actor
from access.models import AuditEvent
from connections.models import Connection, ConnectionTest, ConnectionTestState
from connections.testing import (
    LONGEST_QUEUE,
    LONGEST_WAIT,
    find_test,
    refreshed,
    request_test,
    wait_for,
)
from connections.trial import run
from connections.validation import Draft
from tests import processes
from tests.connections.pages import form_on
from tests.fakes.google import FakeGoogle, Fault, JobError, JobPlan
from tests.roles import user_of

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
ACTOR = Actor("tester")
START = "/connections/test/"


def operator() -> Client:
    client = Client()
    client.force_login(user_of("Editor"))
    return client


def outcome_of(conn_id: str = "my_gcp_conn", draft: Draft | None = None) -> ConnectionTest:
    test, _ = request_test(draft, conn_id=conn_id, actor=ACTOR)
    return wait_for(test, seconds=90)


def stage(test: ConnectionTest, name: str) -> dict[str, Any]:
    return next(found for found in test.stages if found["name"] == name)


def test_a_stored_connection_works_and_says_as_whom(
    worker: Any, google: FakeGoogle, key: Any, connect: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    test = outcome_of()
    assert (test.state, test.code, test.version) == (ConnectionTestState.SUCCESS, "", 1)
    assert key["client_email"] in test.message
    assert [found["state"] for found in test.stages] == ["success"] * 4
    assert test.connection == Connection.objects.get()
    assert test.worker
    inserts = [request for request in google.requests if request.call == "jobs.insert"]
    assert [request.body["configuration"]["dryRun"] for request in inserts] == [True]


def test_a_rejected_key_fails_at_the_token_and_no_secret_is_kept(
    worker: processes.Process, google: FakeGoogle, key: Any, connect: Any
) -> None:
    google.revoke_key(key["private_key_id"])
    connect(keyfile_dict=key, api_endpoint=google.url)
    test = outcome_of()
    assert (test.state, test.code) == (ConnectionTestState.FAILED, "session:credentials-rejected")
    assert stage(test, "session")["why"]["remedy"]
    assert stage(test, "sample")["state"] == "skipped"
    row = json.dumps(list(ConnectionTest.objects.values("stages", "message", "code")))
    for line in key["private_key"].splitlines()[1:-1]:
        assert line not in row
        assert line not in worker.text


def test_a_missing_right_fails_at_the_sample_call_and_the_session_is_closed(
    worker: Any, google: FakeGoogle, key: Any, connect: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(error=JobError.table_denied()))
    test = outcome_of()
    assert (test.state, test.code) == (ConnectionTestState.FAILED, "job:permission-denied")
    assert stage(test, "close")["state"] == "success"
    assert key["client_email"] in stage(test, "sample")["why"]["command"]


def test_a_draft_is_tested_without_being_saved_and_is_dropped_afterwards(
    worker: Any, google: FakeGoogle, key: Any
) -> None:
    extra = {"keyfile_dict": key, "api_endpoint": google.url}
    draft = Draft("unsaved", "google_cloud_platform", extra=extra)
    test = outcome_of("unsaved", draft)
    assert (test.state, test.connection, test.version) == (ConnectionTestState.SUCCESS, None, None)
    assert test.draft is None
    assert not Connection.objects.exists()


def test_the_form_is_tested_as_it_stands_with_the_stored_secret(
    worker: Any, google: FakeGoogle, key: Any, connect: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint="http://127.0.0.1:9")
    client = operator()
    form = form_on(client.get("/connections/my_gcp_conn/edit/"))
    form["api_endpoint"] = google.url
    url = f"{START}?conn_id=my_gcp_conn&type=google_cloud_platform"
    answer = client.post(url, form, follow=True)
    test = wait_for(ConnectionTest.objects.get(), seconds=90)
    assert (test.state, test.connection, test.version) == (ConnectionTestState.SUCCESS, None, None)
    page = client.get(answer.redirect_chain[0][0]).content.decode()
    assert "Works" in page
    assert "of the form as it stood" in page
    assert Connection.objects.get().load().extra["api_endpoint"] == "http://127.0.0.1:9"


def test_an_unchanged_form_counts_as_a_test_of_what_is_stored(
    worker: Any, google: FakeGoogle, key: Any, connect: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    client = operator()
    form = form_on(client.get("/connections/my_gcp_conn/edit/"))
    client.post(f"{START}?conn_id=my_gcp_conn&type=google_cloud_platform", form)
    test = wait_for(ConnectionTest.objects.get(), seconds=90)
    assert (test.state, test.version) == (ConnectionTestState.SUCCESS, 1)


def test_a_disabled_connection_can_be_tested(
    worker: Any, google: FakeGoogle, key: Any, connect: Any
) -> None:
    connect(disabled=True, keyfile_dict=key, api_endpoint=google.url)
    assert outcome_of().state == ConnectionTestState.SUCCESS


def test_a_type_without_a_hook_says_that_it_cannot_be_tested_yet(worker: Any) -> None:
    test = outcome_of("a", Draft("a", "tulip_db", host="h"))
    assert (test.state, test.code) == (ConnectionTestState.FAILED, "test:no-hook")


def test_a_connection_that_is_not_there_is_told(worker: Any) -> None:
    test = outcome_of("nowhere")
    assert (test.state, test.code) == (ConnectionTestState.FAILED, "connection:not-found")


def test_a_form_that_cannot_be_right_is_not_tested() -> None:
    client = operator()
    form = form_on(client.get("/connections/new/?type=google_cloud_platform"))
    form["project"] = "No Project!"
    answer = client.post(f"{START}?type=google_cloud_platform", form)
    assert answer.status_code == 422
    assert "Project" in answer.content.decode()
    assert not ConnectionTest.objects.exists()


def test_without_a_broker_the_test_fails_at_once_with_words(settings: Any, connect: Any) -> None:
    settings.BROKER_URL = ""
    connect(is_anonymous=True, project="acme-reports")
    test, token = request_test(None, conn_id="my_gcp_conn", actor=ACTOR)
    found = find_test(token)
    assert found is not None
    assert (found.pk, found.state, found.code) == (
        test.pk,
        ConnectionTestState.FAILED,
        "test:no-broker",
    )


def test_a_broker_that_is_away_is_asked_once_for_many_tests(
    monkeypatch: pytest.MonkeyPatch, connect: Any
) -> None:
    """Each asking takes most of a second; a bulk test asks for up to 1,000."""
    asked: list[int] = []

    def refuse(_: Any, row_id: int, **options: Any) -> bool:
        asked.append(row_id)
        return False

    monkeypatch.setattr("connections.testing.send", refuse)
    monkeypatch.setattr("connections.testing._broker_is_away_until", 0.0)
    connect(is_anonymous=True, project="acme-reports")
    tests = [request_test(None, conn_id="my_gcp_conn", actor=ACTOR)[0] for _ in range(3)]
    assert asked == [tests[0].pk]
    assert {refreshed(test).code for test in tests} == {"test:no-broker"}


def test_a_test_that_no_worker_takes_ends_as_failed(settings: Any, connect: Any) -> None:
    settings.BROKER_URL = ""
    connect(is_anonymous=True, project="acme-reports")
    test, token = request_test(None, conn_id="my_gcp_conn", actor=ACTOR)
    long_ago = timezone.now() - timedelta(seconds=LONGEST_WAIT + 1)
    ConnectionTest.objects.filter(pk=test.pk).update(
        created_at=long_ago, state=ConnectionTestState.PENDING
    )
    found = find_test(token)
    assert found is not None
    assert (found.state, found.code) == (ConnectionTestState.FAILED, "test:no-worker")
    assert find_test("another token") is None


def test_a_test_waits_for_its_turn_while_workers_make_others(settings: Any, connect: Any) -> None:
    settings.BROKER_URL = ""
    connection = connect(is_anonymous=True, project="acme-reports")
    test, token = request_test(None, conn_id="my_gcp_conn", actor=ACTOR)
    now = timezone.now()
    ConnectionTest.objects.filter(pk=test.pk).update(
        created_at=now - timedelta(seconds=LONGEST_WAIT + 1), state=ConnectionTestState.PENDING
    )
    ConnectionTest.objects.create(
        connection=connection,
        conn_id="my_gcp_conn",
        digest="0" * 64,
        state=ConnectionTestState.RUNNING,
        started_at=now,
    )
    found = find_test(token)
    assert found is not None
    assert found.state == ConnectionTestState.PENDING
    late = now - timedelta(seconds=LONGEST_QUEUE + 1)
    ConnectionTest.objects.filter(pk=test.pk).update(created_at=late)
    found = find_test(token)
    assert found is not None
    assert found.code == "test:no-worker"


def test_a_test_does_not_wait_as_long_as_the_connection_would(
    worker: Any, google: FakeGoogle, key: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, where the limit can be made short: the server never answers."""
    monkeypatch.setattr("connections.trial.LONGEST_CALL", 0.3)
    google.on("jobs.insert", Fault.hang())
    connect(keyfile_dict=key, api_endpoint=google.url, read_timeout=3600)
    test = ConnectionTest.objects.create(
        connection=Connection.objects.get(), conn_id="my_gcp_conn", digest="1" * 64
    )
    run(test.pk)
    test.refresh_from_db()
    assert (test.state, test.code) == (ConnectionTestState.FAILED, "cloud:timeout")


def test_who_may_not_test_is_told_and_nothing_is_tested(connect: Any) -> None:
    connect(is_anonymous=True, project="acme-reports")
    client = Client()
    client.force_login(user_of("Viewer"))
    answer = client.post(f"{START}?conn_id=my_gcp_conn")
    assert answer.status_code == 403
    assert "test connections" in answer.content.decode()
    assert not ConnectionTest.objects.exists()


def test_an_audit_row_names_who_tested_and_no_secret(connect: Any, key: Any) -> None:
    connect(keyfile_dict=key)
    request_test(None, conn_id="my_gcp_conn", actor=ACTOR)
    event = AuditEvent.objects.get(action="tested")
    assert (event.actor_name, event.object_id) == ("tester", "my_gcp_conn")
    assert not re.search("private|BEGIN", json.dumps(event.detail))
