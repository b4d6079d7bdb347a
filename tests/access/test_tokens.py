"""Tokens: what they let through, for how long, and what is kept of them."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.core import serializers
from django.test import override_settings
from django.utils import timezone

from access.audit import Actor
from access.models import ApiToken, AuditEvent
from access.rights import Right
from access.tokens import caller_for, create_token, delete_token, password_token
from access.users import set_active, set_password
from tests.roles import user_of

pytestmark = pytest.mark.django_db
BY = Actor("tester")


@pytest.fixture
def ann() -> Any:
    return user_of("Admin", "ann", password="a long password")


def made(user: Any, *scopes: str, **more: Any) -> tuple[ApiToken, str]:
    more = {"expires_at": None, "name": "nightly", "actor": BY} | more
    return create_token(user, scopes=scopes or ("read",), **more)


# API tokens


def test_a_token_lets_its_user_in_and_has_43_random_characters(ann: Any) -> None:
    _, text = made(ann)
    caller = caller_for(text)
    assert caller is not None
    assert caller.user == ann
    assert (text[:3], len(text)) == ("pb_", 46)
    assert text != made(ann)[1]


def test_the_token_itself_is_stored_nowhere(ann: Any) -> None:
    row, text = made(ann)
    stored = serializers.serialize("json", [*ApiToken.objects.all(), *AuditEvent.objects.all()])
    assert text not in stored
    assert text[9:] not in stored
    assert row.prefix == text[:9]
    assert text not in repr(row)


@pytest.mark.parametrize("wrong", ["", "pb_", "pb_x", "pb_" + "A" * 43, "x", "a.b.c", "pb_\0", "é"])
def test_what_is_no_token_lets_nobody_in(ann: Any, wrong: str) -> None:
    made(ann)
    assert caller_for(wrong) is None


def test_a_token_with_one_other_character_is_none(ann: Any) -> None:
    _, text = made(ann)
    assert caller_for(text[:-1] + ("a" if text[-1] != "a" else "b")) is None
    assert caller_for(text.swapcase()) is None


@pytest.mark.parametrize(
    ("scopes", "may", "may_not"),
    [
        (["read"], Right.SEE, Right.WRITE_CONNECTIONS),
        (["write"], Right.WRITE_CONNECTIONS, Right.TRIGGER),
        (["use"], Right.TRIGGER, Right.SEE),
        (["read", "use"], Right.SEE, Right.WRITE_DAGS),
    ],
)
def test_a_token_does_what_its_scopes_say(
    ann: Any, scopes: list[str], may: Right, may_not: Right
) -> None:
    caller = caller_for(made(ann, *scopes)[1])
    assert caller is not None
    assert caller.may(may)
    assert not caller.may(may_not)


def test_a_token_never_does_more_than_its_user(ann: Any) -> None:
    caller = caller_for(made(user_of("Viewer", "bob"), "read", "write", "use")[1])
    assert caller is not None
    assert [right for right in Right if caller.may(right)] == [Right.SEE]


@pytest.mark.parametrize("scopes", [[], ["admin"], ["read", "all"]])
def test_a_token_without_a_known_scope_is_not_made(ann: Any, scopes: list[str]) -> None:
    with pytest.raises(ValueError, match="read, write, use"):
        create_token(ann, name="x", scopes=scopes, expires_at=None, actor=BY)
    assert not ApiToken.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_token_dies_at_its_end(ann: Any) -> None:
    now = timezone.now()
    _, old = made(ann, expires_at=now - timedelta(seconds=1))
    _, fresh = made(ann, expires_at=now + timedelta(hours=1))
    assert caller_for(old) is None
    assert caller_for(fresh)


def test_the_tokens_of_a_deactivated_user_are_dead_until_the_user_is_active_again(ann: Any) -> None:
    user = user_of("Editor", "bob")
    texts = [made(user)[1], password_token(user)]
    set_active(user, is_active=False, actor=BY)
    assert [caller_for(text) for text in texts] == [None, None]
    assert ApiToken.objects.get().last_used_at is None
    set_active(user, is_active=True, actor=BY)
    assert all(caller_for(text) for text in texts)


def test_a_revoked_token_is_refused_and_the_trail_names_it(ann: Any) -> None:
    row, text = made(ann, "read", "use")
    delete_token(row, actor=Actor.of(ann))
    assert caller_for(text) is None
    trail = AuditEvent.objects.order_by("pk").values_list("actor_name", "action", "object_id")
    assert list(trail) == [("tester", "created", "nightly"), ("ann", "revoked", "nightly")]
    created = AuditEvent.objects.get(action="created")
    assert created.detail == {
        "of": "ann", "prefix": text[:9], "scopes": ["read", "use"], "expires": None
    }  # fmt: skip


def test_the_last_use_is_written_at_most_once_a_minute(ann: Any) -> None:
    row, text = made(ann)
    caller_for(text)
    row.refresh_from_db()
    first = row.last_used_at
    assert first is not None
    caller_for(text)
    row.refresh_from_db()
    assert row.last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=1))
    caller_for(text)
    row.refresh_from_db()
    assert row.last_used_at is not None
    assert row.last_used_at >= first


# Tokens got by a password


def test_a_password_token_has_no_narrower_scope_than_its_user(ann: Any) -> None:
    caller = caller_for(password_token(ann))
    assert caller is not None
    assert (caller.user, caller.scopes) == (ann, None)
    assert all(caller.may(right) for right in Right)


def test_a_password_token_is_a_web_token_that_says_for_whom_and_how_long(ann: Any) -> None:
    claims = jwt.decode(password_token(ann), options={"verify_signature": False})
    assert claims["sub"] == str(ann.pk)
    assert claims["exp"] - claims["iat"] == settings.TOKEN_LIFETIME == 86_400
    assert ann.password not in json.dumps(claims)
    assert ann.get_session_auth_hash() not in json.dumps(claims)


def test_a_password_token_ends_with_its_time(ann: Any) -> None:
    with override_settings(TOKEN_LIFETIME=-1):
        text = password_token(ann)
    assert caller_for(text) is None


def test_a_password_token_ends_when_the_password_changes(ann: Any) -> None:
    text = password_token(ann)
    set_password(ann, "another long password", actor=BY)
    assert caller_for(text) is None
    assert caller_for(password_token(ann))


def test_a_password_token_of_a_deleted_user_is_refused(ann: Any) -> None:
    bob = user_of("Viewer", "bob")
    text = password_token(bob)
    bob.delete()
    assert caller_for(text) is None


def test_a_password_token_of_another_installation_is_refused(ann: Any) -> None:
    with override_settings(SECRET_KEY="another key, and long enough to sign"):
        text = password_token(ann)
    assert caller_for(text) is None


@pytest.mark.parametrize(
    "change",
    [{"sub": "999999"}, {"aud": "another"}, {"iss": "another"}, {"exp": 1}, {"pwd": "0" * 40}],
)
def test_a_token_with_other_claims_is_refused_even_with_the_right_signature(
    ann: Any, change: dict[str, Any]
) -> None:
    from access.tokens import _signing_key

    claims = jwt.decode(password_token(ann), options={"verify_signature": False})
    assert caller_for(jwt.encode(claims, _signing_key(), algorithm="HS256"))
    assert caller_for(jwt.encode(claims | change, _signing_key(), algorithm="HS256")) is None
    rest = {name: value for name, value in claims.items() if name not in change}
    assert caller_for(jwt.encode(rest, _signing_key(), algorithm="HS256")) is None


def test_an_unsigned_token_and_one_signed_with_the_bare_secret_key_are_refused(ann: Any) -> None:
    head, body, _ = password_token(ann).split(".")
    claims = json.loads(urlsafe_b64decode(body + "=="))
    none = urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    assert caller_for(f"{none}.{body}.") is None
    assert caller_for(f"{head}.{body}.") is None
    assert caller_for(jwt.encode(claims, settings.SECRET_KEY, algorithm="HS256")) is None
