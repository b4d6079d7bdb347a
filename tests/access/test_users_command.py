"""``manage.py users``: what it prints, its exit codes, and no password as an argument."""

from __future__ import annotations

import getpass
import io
import json
from typing import Any

import pytest
import yaml
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from access.models import AuditEvent, OneTimePassword
from access.roles import role_of
from tests.roles import user_of

pytestmark = pytest.mark.django_db
PASSWORD = "a long password"


@pytest.fixture(autouse=True)
def _ann() -> None:
    user_of("Admin", "ann")


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("users", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    return caught.value.returncode, str(caught.value)


def give(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))


def user(name: str) -> Any:
    return get_user_model().objects.get(username=name)


def test_a_user_is_added_with_a_password_from_standard_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    give(monkeypatch, PASSWORD)
    out = run("add", "bob", "--role", "Editor", "--password-stdin")
    assert out == "bob is added: Editor.\n"
    assert role_of(user("bob")) == "Editor"
    assert user("bob").check_password(PASSWORD)
    event = AuditEvent.objects.get()
    assert (event.actor_name, event.action, event.detail) == (
        f"command line ({getpass.getuser()})",
        "created",
        {"role": "Editor"},
    )


def test_a_one_time_password_is_printed_and_must_be_changed() -> None:
    out = run("add", "bob", "--one-time")
    password = out.split()[-1]
    assert user("bob").check_password(password)
    assert role_of(user("bob")) == "Viewer"
    assert OneTimePassword.objects.get().user == user("bob")


def test_a_password_is_never_an_argument() -> None:
    with pytest.raises(CommandError):
        run("add", "bob", "--password", PASSWORD)
    with pytest.raises(CommandError):
        run("add", "bob", PASSWORD)
    assert get_user_model().objects.count() == 1


def test_without_a_terminal_it_says_where_the_password_may_come_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    give(monkeypatch, PASSWORD)
    code, words = refused("add", "bob")
    assert (code, "--password-stdin" in words) == (2, True)
    assert get_user_model().objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "password", "words"),
    [
        (["add", "ann", "--password-stdin"], PASSWORD, "There is a user of this name."),
        (["add", "b b", "--password-stdin"], PASSWORD, "A name has 1 to 150 letters"),
        (["add", "bob", "--password-stdin"], "tulip", "This password is too short."),
        (["password", "ann", "--password-stdin"], "12345678", "This password is too common."),
        (["password", "nobody", "--password-stdin"], PASSWORD, "There is no user of this name."),
        (["role", "nobody", "Viewer"], "", "There is no user of this name."),
        (["role", "ann", "Viewer"], "", "It is the last active Admin"),
        (["deactivate", "ann"], "", "It is the last active Admin"),
        (["delete", "ann"], "", "It is the last active Admin"),
    ],
)
def test_what_is_refused_changes_nothing_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], password: str, words: str
) -> None:
    give(monkeypatch, password)
    before = list(get_user_model().objects.values())
    code, said = refused(*arguments)
    assert (code, words in said) == (1, True)
    assert not password or password not in said
    assert list(get_user_model().objects.values()) == before
    assert not AuditEvent.objects.exists()


def test_role_password_deactivate_activate_and_delete(monkeypatch: pytest.MonkeyPatch) -> None:
    user_of("Viewer", "bob")
    assert run("role", "bob", "Operator") == "bob: Operator.\n"
    assert role_of(user("bob")) == "Operator"
    run("role", "bob", "none")
    assert role_of(user("bob")) == ""
    give(monkeypatch, PASSWORD)
    run("password", "bob", "--password-stdin")
    assert user("bob").check_password(PASSWORD)
    run("deactivate", "bob")
    assert not user("bob").is_active
    run("activate", "bob")
    assert user("bob").is_active
    run("delete", "bob")
    assert get_user_model().objects.count() == 1
    acts = [event.action for event in AuditEvent.objects.order_by("pk")]
    assert acts == ["changed", "changed", "changed", "deactivated", "activated", "deleted"]


def test_the_list_comes_in_four_forms() -> None:
    user_of("", "bob")
    expected = [
        {"username": "ann", "role": "Admin", "active": True, "superuser": False},
        {"username": "bob", "role": "none", "active": True, "superuser": False},
    ]
    expected = [row | {"last_sign_in": None} for row in expected]
    assert json.loads(run("list", "-o", "json")) == expected
    assert yaml.safe_load(run("list", "-o", "yaml")) == expected
    assert run("list", "-o", "plain").splitlines() == [
        "username  role   active  superuser  last_sign_in",
        "ann       Admin  yes     no",
        "bob       none   yes     no",
    ]
    assert [line.split() for line in run("list").splitlines() if "─" not in line] == [
        ["username", "role", "active", "superuser", "last_sign_in"],
        ["ann", "Admin", "yes", "no"],
        ["bob", "none", "yes", "no"],
    ]


@pytest.mark.parametrize("arguments", [["role", "ann", "God"], ["add"], ["list", "-o", "xml"], []])
def test_wrong_usage_is_told_before_anything_is_done(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)
    assert not AuditEvent.objects.exists()
