"""Planted secrets turn up in no answer, no header and no line of the log."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from access.tokens import password_token
from connections.masking import encodings
from tests import processes
from tests.api.calls import CONNECTIONS, OWN, stored
from tests.roles import user_of

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PASSWORD = 'tulip-Öl-7 "quoted" & <tagged>'
TOKEN, NESTED = "daffodil+8/9=", "crocus-10\nof two lines"
SECRETS = (PASSWORD, TOKEN, NESTED)
EXTRA = {"my_token": TOKEN, "deep": [{"private_key": NESTED}], "plain": 1}
WHOLE = {
    "connection_id": "pg",
    "conn_type": "postgres",
    "password": PASSWORD,
    "extra": json.dumps(EXTRA),
}
#: What is wrong with each of them is told, and must be told without what is secret in it.
BODIES: list[Any] = [
    WHOLE,
    {**WHOLE, "connection_id": "new"},
    {**WHOLE, "connection_id": "a b"},
    {**WHOLE, "connection_id": f"postgres://ann:{TOKEN}@h/d"},
    {**WHOLE, "port": PASSWORD},
    {**WHOLE, "port": 0},
    {**WHOLE, "uri": f"postgres://ann:{TOKEN}@h"},
    {**WHOLE, "passwort": PASSWORD},
    {**WHOLE, "extra": EXTRA},
    {**WHOLE, "extra": json.dumps(EXTRA)[:-1]},
    {**WHOLE, "extra": json.dumps([EXTRA])},
    {**WHOLE, "password": [PASSWORD]},
    {**WHOLE, "password": {PASSWORD: 1}.popitem()[0] + "\0"},
    {**WHOLE, "team_name": "x"},
    {**WHOLE, "host": {"password": PASSWORD, "token": [TOKEN]}},
    {**WHOLE, "conn_type": "google_cloud_platform", "extra": json.dumps({"keyfile_dict": NESTED})},
    {"password": PASSWORD, "extra": json.dumps(EXTRA)},
    [WHOLE],
    PASSWORD,
    {"username": "ann", "password": PASSWORD},
    {"username": PASSWORD, "password": PASSWORD},
    {"username": ["ann"], "password": [PASSWORD], "x": TOKEN},
    {"name": "t", "scopes": ["read"], "password": PASSWORD},
    {"actions": [{"action": "create", "entities": [WHOLE]}]},
    {"actions": [{"action": "create", "entities": [{**WHOLE, "conn_type": None}]}]},
    {"actions": [{"action": "update", "entities": [{**WHOLE, "port": 0}]}]},
    {"actions": [{"action": "delete", "entities": [{"password": PASSWORD}]}]},
    {"actions": [{"action": "nope", "entities": [WHOLE]}, WHOLE, PASSWORD]},
    {"pg": {"conn_type": "postgres", "password": PASSWORD, "extra": EXTRA, "x": TOKEN}},
    {"pg": f"postgres://ann:{TOKEN}@[h:99999999/d", "b": PASSWORD},
]
CALLS = [
    ("POST", "/auth/token"),
    ("POST", "/auth/token/cli"),
    ("POST", CONNECTIONS),
    ("PATCH", CONNECTIONS),
    ("PATCH", f"{CONNECTIONS}/pg"),
    ("POST", f"{CONNECTIONS}/test"),
    ("POST", f"{CONNECTIONS}/enqueue-test"),
    ("POST", f"{OWN}/connections/import?file_format=json&existing=overwrite&skip_bad=true"),
    ("POST", f"{OWN}/connections/import?file_format=env&dry_run=true"),
    ("POST", f"{OWN}/connections/export"),
    ("POST", f"{OWN}/tokens"),
]
READS = [CONNECTIONS, f"{CONNECTIONS}/pg", f"{OWN}/connections/pg/used-by", f"{OWN}/me"]


@pytest.fixture
def web(db: None) -> Iterator[tuple[processes.Process, str]]:
    with processes.web(
        PATCHBAY_LOG_LEVEL="DEBUG",
        PATCHBAY_CONNECTION_TEST_WAIT="0.05",
        PATCHBAY_SIGN_IN_LIMIT="off",
    ) as found:
        yield found


def answer_to(request: urllib.request.Request) -> str:
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return f"{answer.status} {answer.headers} {answer.read().decode()}"
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.code} {error.headers} {error.read().decode()}"


def test_no_answer_no_header_and_no_log_repeats_a_secret(
    web: tuple[processes.Process, str],
) -> None:
    process, url = web
    stored("pg", password=PASSWORD, extra=EXTRA)
    token = password_token(user_of("Admin", "ann"))
    authorization = {"Authorization": f"Bearer {token}"}
    answers: list[str] = []
    for method, path in CALLS:
        for body in BODIES:
            text = json.dumps(body)
            for data, kind in (
                (text, "application/json"),
                (text[:-1], "application/json"),
                (text, "text/plain"),
            ):
                headers = {**authorization, "Content-Type": kind}
                request = urllib.request.Request(url + path, data.encode(), headers, method=method)
                answers.append(answer_to(request))
    for path in READS:
        answers.append(answer_to(urllib.request.Request(url + path, headers=authorization)))
    codes = {answer[:3] for answer in answers}
    assert {"200", "201", "401", "409", "422"} <= codes
    assert "500" not in codes
    for secret in (*SECRETS, token):
        for encoded in encodings(secret):
            wrong = [answer for answer in answers if encoded in answer]
            assert not wrong, wrong[0]
            assert encoded not in process.text
