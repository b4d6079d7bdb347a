"""The limit on failed sign-ins: whom it stops, for how long, and whom it doesn't."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client, RequestFactory, override_settings

from access.audit import Actor
from access.models import AuditEvent, SignInAttempt
from access.sign_in import (
    ADDRESS_FACTOR,
    CALL_FACTOR,
    Throttled,
    client_address,
    confirm_password,
    count_bad_token,
    count_token_call,
    sign_in,
)
from access.users import set_password
from patchbay.environment import Environment, Rate
from tests.environment import HOME
from tests.roles import user_of
from tests.test_architecture import OURS, REPOSITORY

pytestmark = pytest.mark.django_db
PASSWORD = "a long password"
LIMIT = Rate(3, 300)


@pytest.fixture(autouse=True)
def _limit(settings: Any) -> None:
    settings.SIGN_IN_LIMIT = LIMIT


@pytest.fixture
def ann() -> Any:
    return user_of("Viewer", "ann", password=PASSWORD)


def post(name: str, password: str, *, address: str = "10.0.0.1") -> Any:
    sent = {"username": name, "password": password}
    return Client().post("/login/", sent, REMOTE_ADDR=address)


def fail(name: str, *, times: int = LIMIT.times, address: str = "10.0.0.1") -> None:
    for _ in range(times):
        assert post(name, "wrong", address=address).status_code == 200


def a_while_passes(seconds: int) -> None:
    for row in SignInAttempt.objects.all():
        row.at -= timedelta(seconds=seconds)
        row.save()


def test_after_the_limit_the_right_password_is_refused_too_with_words_and_a_time(ann: Any) -> None:
    fail("ann")
    answer = post("ann", PASSWORD)
    assert answer.status_code == 429
    assert 290 < int(answer.headers["Retry-After"]) <= 300
    assert "Too many failed attempts. Try again in 5 minutes." in answer.content.decode()
    assert "_auth_user_id" not in answer.client.session
    assert PASSWORD not in answer.content.decode()


def test_a_password_is_checked_in_one_place() -> None:
    checks = re.compile(r"import .*\bauthenticate\b|\.check_password\(")
    folders = (REPOSITORY / name for name in OURS)
    files = [path for folder in folders for path in folder.rglob("*.py")]
    found = [path.name for path in files if checks.search(path.read_text(encoding="utf-8"))]
    assert found == ["sign_in.py"]


def test_when_the_time_has_passed_the_name_may_be_tried_again(ann: Any) -> None:
    fail("ann")
    a_while_passes(200)
    assert int(post("ann", PASSWORD).headers["Retry-After"]) <= 100
    a_while_passes(100)
    assert post("ann", PASSWORD).status_code == 302


def test_being_refused_does_not_lengthen_the_wait(ann: Any) -> None:
    fail("ann")
    a_while_passes(200)
    for _ in range(5):
        assert post("ann", "wrong").status_code == 429
    assert int(post("ann", PASSWORD).headers["Retry-After"]) <= 100


def test_a_success_makes_the_count_of_a_name_begin_anew(ann: Any) -> None:
    for _ in range(3):
        fail("ann", times=LIMIT.times - 1)
        assert post("ann", PASSWORD).status_code == 302
        SignInAttempt.objects.all().delete()


def test_a_success_does_not_clear_the_address(ann: Any) -> None:
    """Who has an account of his own may not try another's for ever."""
    for number in range(LIMIT.times * ADDRESS_FACTOR - 1):
        fail(f"name{number}", times=1)
    assert post("ann", PASSWORD).status_code == 302
    fail("last", times=1)
    assert post("ann", PASSWORD).status_code == 429


def test_other_names_and_other_addresses_go_on(ann: Any) -> None:
    user_of("Viewer", "bob", password=PASSWORD)
    fail("ann")
    assert post("bob", PASSWORD).status_code == 302
    assert post("ann", PASSWORD, address="10.0.0.2").status_code == 429
    for number in range(2):
        fail(f"nobody{number}")
    assert post("bob", PASSWORD).status_code == 429
    assert post("bob", PASSWORD, address="10.0.0.2").status_code == 302


@pytest.mark.parametrize("name", ["ANN", "ａｎｎ"])
def test_another_spelling_of_a_name_counts_with_it(ann: Any, name: str) -> None:
    fail("ann", times=2)
    post(name, "wrong")
    assert post("ann", PASSWORD).status_code == 429


def test_of_many_attempts_at_once_no_more_than_the_limit_are_checked(
    transactional_db: None,
) -> None:
    user_of("Viewer", "ann", password=PASSWORD)
    outcomes: list[Any] = []

    def attempt() -> None:
        request = RequestFactory().post("/login/")
        try:
            outcomes.append(sign_in(request, username="ann", password="wrong"))
        except Throttled:
            outcomes.append("throttled")
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 8
    assert outcomes.count(None) <= LIMIT.times


def test_failures_beyond_the_limit_do_not_fill_the_audit_trail(ann: Any) -> None:
    fail("ann")
    for _ in range(5):
        post("ann", "wrong")
    assert AuditEvent.objects.filter(action="failed to sign in").count() == LIMIT.times


def test_neither_names_nor_addresses_nor_passwords_can_be_read_from_what_is_stored(
    ann: Any,
) -> None:
    post("my-secret-password", "wrong")
    rows = list(SignInAttempt.objects.values_list("key", flat=True))
    assert len(rows) == 2
    assert all(len(row) == 64 and row.isalnum() for row in rows)
    assert "my-secret-password" not in str(list(AuditEvent.objects.values()))


def test_what_is_stored_is_dropped_when_its_time_is_over(ann: Any) -> None:
    fail("ann")
    fail("nobody", times=1, address="10.9.9.9")
    a_while_passes(300)
    fail("somebody", times=1, address="10.0.0.3")
    assert SignInAttempt.objects.count() == 2


def test_a_new_password_lets_the_name_in_at_once(ann: Any) -> None:
    fail("ann")
    set_password(ann, "another long password", actor=Actor("tester"))
    assert post("ann", "another long password").status_code == 302


def test_without_a_limit_nothing_is_counted(ann: Any, settings: Any) -> None:
    settings.SIGN_IN_LIMIT = None
    fail("ann", times=5)
    assert post("ann", PASSWORD).status_code == 302
    assert not SignInAttempt.objects.exists()


@pytest.mark.parametrize("name", ["a\0b", "x" * 151, "é" * 10_000, ""])
def test_a_name_that_nobody_can_have_is_refused_like_any(ann: Any, name: str) -> None:
    request = RequestFactory().post("/login/")
    assert sign_in(request, username=name, password="x") is None
    assert not AuditEvent.objects.exists()


def test_bad_tokens_are_counted_apart_and_for_the_address_alone(ann: Any) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1")
    for _ in range(LIMIT.times * ADDRESS_FACTOR):
        count_bad_token(request)
    with pytest.raises(Throttled) as caught:
        count_bad_token(request)
    assert 0 < caught.value.retry_after <= LIMIT.seconds
    assert post("ann", PASSWORD).status_code == 302
    count_bad_token(RequestFactory().get("/", REMOTE_ADDR="10.0.0.2"))


def test_the_present_password_cannot_be_guessed_on_from_an_open_session(ann: Any) -> None:
    request = RequestFactory().post("/")
    request.user = ann
    assert confirm_password(request, PASSWORD)
    for _ in range(LIMIT.times):
        assert not confirm_password(request, "wrong")
    with pytest.raises(Throttled):
        confirm_password(request, PASSWORD)


# Where somebody comes from


PROXY = override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"))


def address(forwarded: str | None, *, own: str = "10.0.0.1") -> str:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return client_address(RequestFactory().get("/", headers=headers, REMOTE_ADDR=own))


def test_without_a_trusted_proxy_what_the_client_says_of_itself_is_not_believed() -> None:
    assert address("1.2.3.4") == "10.0.0.1"


@PROXY
@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("6.6.6.6,1.2.3.4 ", "1.2.3.4"),
        ("unknown", "10.0.0.1"),
        ("1.2.3.4, unknown", "10.0.0.1"),
        ("", "10.0.0.1"),
        (None, "10.0.0.1"),
    ],
)
def test_behind_a_trusted_proxy_its_own_entry_counts_and_none_before_it(
    forwarded: str | None, expected: str
) -> None:
    assert address(forwarded) == expected


def test_all_addresses_of_one_network_of_version_6_are_one() -> None:
    assert address(None, own="2001:db8::1") == address(None, own="2001:db8::ffff:1")
    assert address(None, own="2001:db8::1") != address(None, own="2001:db8:0:1::1")
    assert address(None, own="::ffff:1.2.3.4") == "1.2.3.4"
    assert address(None, own="") == ""


# The setting


def environment(value: str) -> Environment:
    return Environment({"PATCHBAY_SIGN_IN_LIMIT": value}, base=HOME / "nothing")


@pytest.mark.parametrize(
    ("value", "rate"),
    [
        ("10/5m", Rate(10, 300)),
        ("3/s", Rate(3, 1)),
        (" 100/1H ", Rate(100, 3600)),
        ("off", None),
        ("", Rate(10, 300)),
    ],
)
def test_the_limit_is_so_many_in_such_a_time(value: str, rate: Rate | None) -> None:
    assert environment(value).rate("SIGN_IN_LIMIT", default="10/5m") == rate


@pytest.mark.parametrize(
    "value", ["10", "0/5m", "10/0m", "-1/m", "10/5d", "ten/m", "10 / 5m", "٣/m"]
)
def test_a_limit_that_cannot_be_read_stops_the_start(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"PATCHBAY_SIGN_IN_LIMIT.*10/5m"):
        environment(value).rate("SIGN_IN_LIMIT", default="10/5m")


def ask_for_token(address: str = "10.0.0.1") -> Any:
    body = {"username": "ann", "password": PASSWORD}
    return Client().post("/auth/token", body, content_type="application/json", REMOTE_ADDR=address)


def test_calls_for_a_token_are_counted_for_the_address_also_when_they_succeed(
    ann: Any, settings: Any
) -> None:
    settings.SIGN_IN_LIMIT = Rate(1, 300)
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1")
    for _ in range(CALL_FACTOR - 1):
        count_token_call(request)
    assert ask_for_token().status_code == 201
    events = AuditEvent.objects.count()
    answer = ask_for_token()
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 300
    assert "Too many calls for a token." in answer.json()["detail"]
    assert AuditEvent.objects.count() == events
    assert ask_for_token("10.0.0.2").status_code == 201
    assert post("ann", PASSWORD).status_code == 302
