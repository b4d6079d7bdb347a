"""Plants unique secrets in every secret field, lets everything happen, and looks for them.

Everything that the system wrote or sent is searched: pages, JSON, streams,
messages in the broker, the database, the logs and the output of all processes.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client

from connections.masking import encodings
from connections.models import Connection
from tests import processes
from tests.e2e.events import Stream, session_cookie
from tests.environment import HOME
from tests.fakes.google import FakeGoogle, Fault, service_account_key
from tests.tasks.conftest import query_task, trigger
from tests.terminal import in_a_process

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

PLANTED = {
    "client_secret": "planted-client-secret-4711",
    "password": "planted-pass/word+4712",
    "undeclared_token": "planted-undeclared-token-4713",
}


@pytest.fixture
def secrets(google: FakeGoogle) -> dict[str, str]:
    """Every planted secret by name, with the private key of a key file of its own."""
    key = service_account_key(google, project="acme-reports", fresh=True)
    return {**PLANTED, "private_key": key["private_key"], "key_json": json.dumps(key)}


class Broker(threading.Thread):
    """Hears everything that goes through Valkey, as ``MONITOR`` tells it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.client = redis.Redis.from_url(settings.BROKER_URL)
        self.heard: list[str] = []
        self.stopping = False

    def run(self) -> None:
        with self.client.monitor() as monitor, contextlib.suppress(redis.ConnectionError):
            for command in monitor.listen():
                self.heard.append(str(command["command"]))
                if self.stopping:
                    return

    def stop(self) -> str:
        self.stopping = True
        self.client.ping()
        self.join(5)
        return "\n".join(self.heard)


@pytest.fixture
def broker() -> Iterator[Broker]:
    thread = Broker()
    thread.start()
    yield thread
    thread.stop()


def leaks(text: str, secrets: dict[str, str]) -> list[str]:
    """The names of the secrets that stand in ``text``, in any encoding."""
    found = []
    for name, secret in secrets.items():
        parts = encodings(secret)
        if name in ("private_key", "key_json"):
            # Every line of the key's body, so that no part of it gets through.
            body = json.loads(secrets["key_json"])["private_key"].split("\n")[1:-2]
            parts |= set(body)
        if any(part in text for part in parts):
            found.append(name)
    return found


def create_in_the_browser(client: Client, secrets: dict[str, str], google: FakeGoogle) -> list[Any]:
    """Make the connection through the form, with mistakes first; return all answers."""
    form = {
        "conn_id": "my_gcp_conn",
        "description": "planted",
        "method": "key",
        "keyfile_dict": secrets["key_json"],
        "project": "acme-reports",
        "api_endpoint": google.url,
        "extra": json.dumps({"undeclared_token": secrets["undeclared_token"], "harmless": "x"}),
    }
    wrong = {**form, "client_secret": secrets["client_secret"]}
    broken = {**form, "keyfile_dict": secrets["key_json"][:-20]}
    url = "/connections/new/?type=google_cloud_platform"
    answers = [
        client.post(url, wrong),
        client.post(url, broken),
        client.post(url, {**form, "conn_id": "a b"}),
    ]
    assert {answer.status_code for answer in answers} == {422}
    saved = client.post(url, form)
    assert saved.status_code == 302, saved.content.decode()
    return [*answers, saved]


def database_text() -> str:
    """Every row of every table, as text."""
    parts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            parts += [repr(row) for row in cursor.fetchall()]
    return "\n".join(parts)


def test_no_planted_secret_is_found_anywhere(
    google: FakeGoogle, secrets: dict[str, str], broker: Broker, admin_client: Client, over: Any
) -> None:
    texts: dict[str, str] = {}
    answers = create_in_the_browser(admin_client, secrets, google)
    stored = Connection.objects.get()
    stored.password = secrets["password"]
    stored.save()
    with processes.worker(PATCHBAY_LOG_LEVEL="DEBUG") as worker, processes.web() as (web, url):
        good = over(trigger())
        google.on("token", Fault.token("invalid_grant", f"bad: {secrets['private_key']}"))
        bad_token = over(trigger())
        google.reset()
        echo = Fault.status(403, reason="accessDenied", message=f"no {secrets['private_key']}")
        google.on("jobs.insert", echo)
        denied = over(trigger())
        google.reset()
        template = {"query": {"query": "SELECT '{{ nothing.there }}'"}}
        untold = over(trigger(query_task(configuration=template)))
        runs = (good, bad_token, denied, untold)
        assert [run.state for run in runs] == ["success", "failed", "failed", "failed"]
        for run in runs:
            with Stream(f"{url}/runs/{run.pk}/events/?after=0", cookie=session_cookie()) as stream:
                texts[f"stream {run.pk}"] = "".join(str(event) for event in stream)
            answers.append(admin_client.get(f"/runs/{run.pk}/"))
            answers.append(admin_client.get(f"/admin/tasks/dagrun/{run.pk}/change/"))
    for path in (
        "/",
        "/connections/",
        "/connections/my_gcp_conn/edit/",
        "/connections/my_gcp_conn/delete/",
        "/dags/",
        "/dags/example_dag/",
        "/runs/",
        "/audit/",
        f"/admin/connections/connection/{stored.pk}/change/",
        "/admin/connections/connection/",
        "/admin/access/auditevent/",
        "/admin/tasks/logline/",
        "/admin/tasks/step/",
    ):
        answer = admin_client.get(path)
        assert answer.status_code == 200, path
        answers.append(answer)
    for number, answer in enumerate(answers):
        texts[f"page {number}"] = answer.content.decode() + str(answer.headers)
    texts["worker"], texts["web"] = worker.text, web.text
    texts["broker"], texts["database"] = broker.stop(), database_text()
    dump = io.StringIO()
    call_command("dumpdata", "connections", "tasks", "access", stdout=dump)
    texts["dumpdata"] = dump.getvalue()
    assert "acme-reports" in dump.getvalue() or "my_gcp_conn" in dump.getvalue()
    assert re.search(r"my_gcp_conn", texts["database"])
    found = {where: names for where, text in texts.items() if (names := leaks(text, secrets))}
    assert found == {}


def test_a_client_secret_is_found_nowhere_though_its_provider_sends_it_back(
    google: FakeGoogle, secrets: dict[str, str], admin_client: Client, connect: Any, over: Any
) -> None:
    """The identity provider here refuses, and its answer quotes what it was sent."""
    google.on("token", Fault.token("invalid_client", f"not {secrets['client_secret']}", code=401))
    configuration = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
    }
    connect(
        project="acme-reports",
        credential_config_file=json.dumps(configuration),
        idp_issuer_url=google.token_uri,
        client_id="patchbay",
        client_secret=secrets["client_secret"],
        idp_extra_parameters={"resource_password": secrets["password"]},
    )
    with processes.worker(PATCHBAY_LOG_LEVEL="DEBUG") as worker:
        run = over(trigger())
    assert run.steps.get(number=3).error_code == "session:provider-refused"
    [sent] = google.requests_of("token")
    assert sent.body["client_secret"] == secrets["client_secret"]
    pages = [
        admin_client.get(path).content.decode()
        for path in (f"/runs/{run.pk}/", "/connections/my_gcp_conn/edit/", "/", "/audit/")
    ]
    assert leaks("".join(pages) + worker.text + database_text(), secrets) == []


def test_the_command_line_and_the_files_of_a_run_hold_no_secret(
    google: FakeGoogle, secrets: dict[str, str], connect: Any, worker: Any
) -> None:
    connect(keyfile_dict=secrets["key_json"], api_endpoint=google.url)
    trigger()
    echo = Fault.status(400, reason="invalidQuery", message=secrets["private_key"])
    google.on("jobs.insert", echo)
    answer = in_a_process("dags", "trigger", "example_dag", "--watch")
    assert answer.returncode == 1
    assert leaks(answer.stdout + answer.stderr, secrets) == []
    assert leaks(worker.text, secrets) == []
    for path in Path(HOME).glob("*.log"):
        assert leaks(path.read_text(errors="replace"), secrets) == []


def test_the_search_finds_what_is_there(secrets: dict[str, str]) -> None:
    """A test that can't fail proves nothing: the same search must find a leak."""
    key = json.loads(secrets["key_json"])["private_key"]
    assert leaks(f"x {key} y", secrets)
    assert leaks(json.dumps({"key": key}), secrets)
    assert leaks(key.split("\n")[3], secrets)
    assert leaks(
        f"https://x/?p={PLANTED['password'].replace('/', '%2F').replace('+', '%2B')}", secrets
    )
    assert leaks("nothing", secrets) == []
