"""Settings: one's own account and tokens, and for Admins users and the tokens of others."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from access.audit import Actor
from access.models import ApiToken, AuditEvent, OneTimePassword
from access.roles import role_of
from access.tokens import caller_for, create_token, password_token
from tests.roles import user_of

pytestmark = pytest.mark.django_db
PASSWORD = "a long password"
BY = Actor("tester")


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def trail() -> list[tuple[str, str, str]]:
    rows = AuditEvent.objects.order_by("pk")
    return list(rows.values_list("actor_name", "action", "object_id"))


@pytest.fixture
def ann() -> Any:
    return user_of("Admin", "ann", password=PASSWORD)


@pytest.fixture
def client(ann: Any) -> Client:
    return signed_in(ann)


@pytest.fixture
def bob() -> Any:
    return user_of("Viewer", "bob", password=PASSWORD)


# Profile


def test_the_profile_says_in_words_what_one_may_and_may_not(bob: Any) -> None:
    text = text_of(signed_in(bob).get("/settings/"))
    assert "You may </span>see Patchbay&#x27;s pages" in text
    assert "You may not </span>export secrets" in text
    assert "/settings/users/" not in text


def test_who_has_no_role_learns_who_may_give_one(ann: Any) -> None:
    client = signed_in(user_of("", "eve"))
    text = text_of(client.get("/settings/"))
    assert "You have no role yet" in text
    assert "give you one: ann." in text
    assert "/connections/" not in text
    refused = client.get("/")
    assert refused.status_code == 403
    assert 'href="/settings/"' in text_of(refused)


def test_one_changes_ones_own_password_and_stays_signed_in_here_alone(bob: Any) -> None:
    client, elsewhere, token = signed_in(bob), signed_in(bob), password_token(bob)
    sent = {"old": PASSWORD, "password": "quite another one", "again": "quite another one"}
    assert client.post("/settings/password/", sent).headers["Location"] == "/settings/"
    assert client.get("/settings/").status_code == 200
    assert elsewhere.get("/settings/").status_code == 302
    assert caller_for(token) is None
    assert trail() == [("bob", "changed", "bob")]
    bob.refresh_from_db()
    assert bob.check_password("quite another one")


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"old": "wrong"}, "This isn&#x27;t your present password."),
        ({"again": "something else"}, "The two new passwords differ."),
        ({"password": "12345678", "again": "12345678"}, "This password is too common."),
        ({"password": PASSWORD, "again": PASSWORD}, "This is your present password."),
        ({"password": "", "again": ""}, "This field is required."),
        ({"password": "x" * 5000, "again": "x" * 5000}, "at most 4096 characters"),
        ({"password": "a\0bcdefghij", "again": "a\0bcdefghij"}, "Null characters"),
    ],
)
def test_a_password_that_is_refused_changes_nothing(
    bob: Any, sent: dict[str, str], words: str
) -> None:
    good = {"old": PASSWORD, "password": "quite another one", "again": "quite another one"}
    answer = signed_in(bob).post("/settings/password/", good | sent)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert "quite another one" not in text_of(answer)
    bob.refresh_from_db()
    assert bob.check_password(PASSWORD)
    assert [event for event in trail() if event[1] == "changed"] == []


# API tokens


def make_token(client: Client, **sent: Any) -> Any:
    return client.post(
        "/settings/tokens/", {"name": "nightly", "scopes": ["read"], "lifetime": "30"} | sent
    )


def test_a_token_is_shown_once_and_works(bob: Any) -> None:
    client = signed_in(bob)
    answer = make_token(client)
    found = re.search(r'<code id="once">(pb_[\w-]{43})</code>', text_of(answer))
    assert found
    assert f'data-copy="{found[1]}"' in text_of(answer)
    assert "no-store" in answer.headers["Cache-Control"]
    caller = caller_for(found[1])
    assert caller is not None
    assert caller.user == bob
    after = text_of(client.get("/settings/tokens/"))
    assert found[1] not in after
    assert f"{found[1][:9]}…" in after
    assert trail() == [("bob", "created", "nightly")]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"name": ""}, "This field is required."),
        ({"scopes": []}, "Choose at least one scope."),
        ({"scopes": ["write"]}, "Select a valid choice."),
        ({"lifetime": "9999"}, "Select a valid choice."),
        ({"name": "x" * 101}, "at most 100 characters"),
    ],
)
def test_a_token_that_is_refused_is_not_made(bob: Any, sent: dict[str, Any], words: str) -> None:
    answer = make_token(signed_in(bob), **sent)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert "pb_" not in text_of(answer)
    assert not ApiToken.objects.exists()


def test_only_scopes_of_use_to_a_role_are_offered(bob: Any, client: Client) -> None:
    assert re.findall(r'name="scopes" value="(\w+)"', text_of(make_token(signed_in(bob)))) == [
        "read"
    ]
    offered = re.findall(r'name="scopes" value="(\w+)"', text_of(client.get("/settings/tokens/")))
    assert offered == ["read", "write", "use"]


def test_one_revokes_ones_own_token_after_a_question(bob: Any) -> None:
    row, text = create_token(bob, name="old", scopes=["read"], expires_at=None, actor=BY)
    client = signed_in(bob)
    assert "Revoke “old”?" in text_of(client.get(f"/settings/tokens/{row.pk}/delete/"))
    assert caller_for(text)
    assert client.post(f"/settings/tokens/{row.pk}/delete/").status_code == 302
    assert caller_for(text) is None


def test_only_who_may_sees_and_revokes_the_tokens_of_others(
    ann: Any, client: Client, bob: Any
) -> None:
    row, _ = create_token(bob, name="of bob", scopes=["read"], expires_at=None, actor=BY)
    other = signed_in(user_of("Editor", "eve"))
    assert "of bob" not in text_of(other.get("/settings/tokens/"))
    for answer in (
        other.get(f"/settings/tokens/{row.pk}/delete/"),
        other.post(f"/settings/tokens/{row.pk}/delete/"),
    ):
        assert answer.status_code == 403
        assert "manage the tokens of others" in text_of(answer)
    assert ApiToken.objects.filter(pk=row.pk).exists()
    assert "of bob" in text_of(client.get("/settings/tokens/"))
    client.post(f"/settings/tokens/{row.pk}/delete/")
    assert not ApiToken.objects.exists()
    assert trail()[-1] == ("ann", "revoked", "of bob")


# Users


def test_an_admin_adds_a_user_with_a_password(client: Client) -> None:
    sent = {"username": "eve", "role": "Editor", "password": "quite another one"}
    answer = client.post("/settings/users/new/", sent)
    eve = get_user_model().objects.get(username="eve")
    assert answer.headers["Location"] == f"/settings/users/{eve.pk}/"
    assert role_of(eve) == "Editor"
    assert eve.check_password("quite another one")
    assert Client().login(username="eve", password="quite another one")
    assert trail() == [("ann", "created", "eve")]
    assert "quite" not in str(list(AuditEvent.objects.values()))


def test_a_one_time_password_opens_nothing_until_it_is_changed(client: Client) -> None:
    sent = {"username": "eve", "role": "Viewer", "made_up": "on"}
    answer = client.post("/settings/users/new/", sent)
    found = re.search(r'<code id="once">([\w-]{20})</code>', text_of(answer))
    assert found
    assert "no-store" in answer.headers["Cache-Control"]
    eve = Client()
    assert eve.post("/login/", {"username": "eve", "password": found[1]}).status_code == 302
    for url in ("/", "/connections/", "/settings/", "/settings/tokens/"):
        assert eve.get(url).headers["Location"] == "/settings/password/"
    assert "Choose a password of your own" in text_of(eve.get("/settings/password/"))
    new = {"old": found[1], "password": "quite another one", "again": "quite another one"}
    eve.post("/settings/password/", new)
    assert eve.get("/").status_code == 200
    assert not OneTimePassword.objects.exists()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"username": "bob"}, "There is a user of this name."),
        ({"username": "BOB"}, "There is a user of this name."),
        ({"username": "e ve"}, "A name has 1 to 150 letters"),
        ({"username": "a/b"}, "A name has 1 to 150 letters"),
        ({"username": ""}, "This field is required."),
        ({"password": "eve"}, "This password is too short."),
        ({"password": ""}, "Type a password, or have a one-time password made up."),
        ({"role": "God"}, "Select a valid choice."),
    ],
)
def test_a_user_that_is_refused_is_not_added(
    client: Client, bob: Any, sent: dict[str, str], words: str
) -> None:
    good = {"username": "eve", "role": "Viewer", "password": "quite another one"}
    answer = client.post("/settings/users/new/", good | sent)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert "quite another one" not in text_of(answer)
    assert get_user_model().objects.count() == 2
    assert trail() == []


def test_an_admin_changes_a_role_and_the_trail_says_from_what(client: Client, bob: Any) -> None:
    client.post(f"/settings/users/{bob.pk}/role/", {"role": "Editor"})
    assert role_of(bob) == "Editor"
    assert AuditEvent.objects.get().detail == {"role": "Editor", "role_before": "Viewer"}
    client.post(f"/settings/users/{bob.pk}/role/", {"role": "none"})
    assert role_of(get_user_model().objects.get(username="bob")) == ""


def test_nobody_gives_up_the_own_role_by_accident(client: Client, ann: Any) -> None:
    user_of("Admin", "zoe")
    answer = client.post(f"/settings/users/{ann.pk}/role/", {"role": "Viewer"})
    assert "Give up your own role?" in text_of(answer)
    assert role_of(ann) == "Admin"
    assert trail() == []
    client.post(f"/settings/users/{ann.pk}/role/", {"role": "Viewer", "sure": "1"})
    assert role_of(get_user_model().objects.get(username="ann")) == "Viewer"
    assert client.get("/settings/users/").status_code == 403


def test_the_last_active_admin_stays(client: Client, ann: Any) -> None:
    user_of("Admin", "gone")
    get_user_model().objects.filter(username="gone").update(is_active=False)
    page = text_of(client.get(f"/settings/users/{ann.pk}/"))
    assert "This is the last active Admin." in page
    assert "/role/" not in page
    role = client.post(f"/settings/users/{ann.pk}/role/", {"role": "Viewer", "sure": "1"})
    gone = [
        role,
        client.post(f"/settings/users/{ann.pk}/activation/", {"active": "0"}),
        client.post(f"/settings/users/{ann.pk}/delete/"),
    ]
    assert [answer.status_code for answer in gone] == [422, 422, 422]
    assert "It is the last active Admin" in text_of(role)
    ann.refresh_from_db()
    assert (ann.is_active, role_of(ann)) == (True, "Admin")
    assert trail() == []


def test_a_superuser_who_gets_another_role_is_none_any_more(client: Client) -> None:
    root = get_user_model().objects.create_superuser("root")
    client.post(f"/settings/users/{root.pk}/role/", {"role": "Viewer"})
    root = get_user_model().objects.get(username="root")
    assert (root.is_superuser, root.is_staff, role_of(root)) == (False, False, "Viewer")


def test_who_is_deactivated_is_out_at_once_and_back_with_a_click(client: Client, bob: Any) -> None:
    his = signed_in(bob)
    _, text = create_token(bob, name="x", scopes=["read"], expires_at=None, actor=BY)
    client.post(f"/settings/users/{bob.pk}/activation/", {"active": "0"})
    assert his.get("/").status_code == 302
    assert not Client().login(username="bob", password=PASSWORD)
    assert caller_for(text) is None
    client.post(f"/settings/users/{bob.pk}/activation/", {"active": "1"})
    assert Client().login(username="bob", password=PASSWORD)
    assert [act for _, act, _ in trail()][-2:] == ["deactivated", "activated"]


def test_a_new_password_for_another_ends_the_sessions(client: Client, bob: Any) -> None:
    his = signed_in(bob)
    url = f"/settings/users/{bob.pk}/password/"
    assert client.post(url, {"password": "12345678"}).status_code == 422
    assert his.get("/").status_code == 200
    assert client.post(url, {"password": "quite another one"}).status_code == 302
    assert his.get("/").status_code == 302
    assert "<code" in text_of(client.post(url, {"made_up": "on"}))
    assert trail() == [("ann", "changed", "bob")] * 2


def test_ones_own_password_is_not_set_without_the_present_one(client: Client, ann: Any) -> None:
    answer = client.post(f"/settings/users/{ann.pk}/password/", {"password": "quite another one"})
    assert answer.headers["Location"] == "/settings/password/"
    ann.refresh_from_db()
    assert ann.check_password(PASSWORD)


def test_deleting_asks_first_and_names_the_tokens(client: Client, bob: Any) -> None:
    create_token(bob, name="of bob", scopes=["read"], expires_at=None, actor=Actor.of(bob))
    assert "of bob" in text_of(client.get(f"/settings/users/{bob.pk}/delete/"))
    assert get_user_model().objects.filter(username="bob").exists()
    client.post(f"/settings/users/{bob.pk}/delete/")
    assert not get_user_model().objects.filter(username="bob").exists()
    assert trail() == [("bob", "created", "of bob"), ("ann", "deleted", "bob")]


def test_the_list_is_searched_and_says_who_has_no_role(client: Client, bob: Any) -> None:
    user_of("", "eve")
    text = text_of(client.get("/settings/users/"))
    assert all(name in text for name in ("ann", "bob", "eve", "no role"))
    found = text_of(client.get("/settings/users/?q=BO"))
    assert "bob" in found
    assert ">eve<" not in found
    assert "No users match." in text_of(client.get("/settings/users/?q=%00zz"))


def test_the_list_takes_as_many_queries_for_many_users_as_for_few(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        user_of("Viewer", f"user{number}")
    with django_assert_max_num_queries(14):
        client.get("/settings/users/")


def test_ones_own_tokens_go_on_by_fifty() -> None:
    ann = user_of("Viewer", "ann")
    ApiToken.objects.bulk_create(
        ApiToken(user=ann, name=f"token-{n:02}", digest=str(n), prefix="pb_", scopes=["read"])
        for n in range(51)
    )
    client = Client()
    client.force_login(ann)
    assert len(client.get("/settings/tokens/").context["own"]) == 50
    page = client.get("/settings/tokens/?own=2")
    assert len(page.context["own"]) == 1
    assert "Page 2 of 2" in page.content.decode()
    assert 'href="/api/docs"' in page.content.decode()
