"""Users and groups in the Django admin: written down, and an Admin always stays."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from access.models import AuditEvent
from access.roles import RoleMissing, role_of, set_role
from tests.roles import user_of

pytestmark = pytest.mark.django_db
PASSWORD = "a long password"


@pytest.fixture
def ann() -> Any:
    return user_of("Admin", "ann")


@pytest.fixture
def client(ann: Any) -> Client:
    client = Client()
    client.force_login(ann)
    return client


def change(client: Client, user: Any, **fields: Any) -> Any:
    joined = user.date_joined
    sent = {
        "username": user.username,
        "date_joined_0": f"{joined:%Y-%m-%d}",
        "date_joined_1": f"{joined:%H:%M:%S}",
        "groups": [group.pk for group in user.groups.all()],
    }
    for name in ("is_active", "is_staff", "is_superuser"):
        if getattr(user, name):
            sent[name] = "on"
    sent = {name: value for name, value in (sent | fields).items() if value is not None}
    return client.post(f"/admin/auth/user/{user.pk}/change/", sent)


def trail() -> list[tuple[str, str, str, Any]]:
    rows = AuditEvent.objects.order_by("pk")
    return list(rows.values_list("actor_name", "action", "object_id", "detail"))


def test_an_admin_who_is_no_superuser_adds_changes_and_deletes_users_and_it_is_written_down(
    client: Client,
) -> None:
    sent = {"username": "bob", "usable_password": "true"}
    sent |= {"password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/admin/auth/user/add/", sent).status_code == 302
    bob = get_user_model().objects.get(username="bob")
    editor = Group.objects.get(name="Editor")
    assert change(client, bob, groups=[editor.pk]).status_code == 302
    assert role_of(bob) == "Editor"
    assert "Groups" in AuditEvent.objects.get(action="changed").detail["fields"]
    assert client.post(f"/admin/auth/user/{bob.pk}/delete/", {"post": "yes"}).status_code == 302
    assert [entry[:3] for entry in trail()] == [
        ("ann", "created", "bob"),
        ("ann", "changed", "bob"),
        ("ann", "deleted", "bob"),
    ]


def test_a_password_that_is_set_in_the_admin_is_written_down_without_it(client: Client) -> None:
    bob = user_of("Viewer", "bob")
    sent = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    sent |= {"set-password": "x"}
    assert client.post(f"/admin/auth/user/{bob.pk}/password/", sent).status_code == 302
    bob.refresh_from_db()
    assert bob.check_password(PASSWORD)
    [(_, action, name, detail)] = trail()
    assert (action, name) == ("changed", "bob")
    assert PASSWORD not in str(detail)
    assert "password" in str(detail).lower()


@pytest.mark.parametrize("loss", [{"groups": []}, {"is_active": None}])
def test_the_last_admin_stays_one_in_the_admin_too(
    client: Client, ann: Any, loss: dict[str, Any]
) -> None:
    answer = change(client, ann, **loss)
    assert answer.status_code == 200
    assert "This is the last active Admin" in answer.content.decode()
    assert client.post(f"/admin/auth/user/{ann.pk}/delete/", {"post": "yes"}).status_code == 403
    ann = get_user_model().objects.get(username="ann")
    assert (ann.is_active, role_of(ann)) == (True, "Admin")
    assert trail() == []


def test_with_another_admin_one_may_go(client: Client, ann: Any) -> None:
    user_of("Admin", "zoe")
    assert change(client, ann, groups=[]).status_code == 302
    assert role_of(get_user_model().objects.get(username="ann")) == ""


def test_many_users_are_not_deleted_at_once(client: Client) -> None:
    bob = user_of("Viewer", "bob")
    sent = {"action": "delete_selected", "_selected_action": [bob.pk], "post": "yes"}
    client.post("/admin/auth/user/", sent)
    assert get_user_model().objects.filter(username="bob").exists()


def test_the_groups_of_roles_keep_their_names_and_stay(client: Client) -> None:
    viewer = Group.objects.get(name="Viewer")
    client.post(f"/admin/auth/group/{viewer.pk}/change/", {"name": "Guest"})
    assert client.post(f"/admin/auth/group/{viewer.pk}/delete/", {"post": "yes"}).status_code == 403
    sent = {"action": "delete_selected", "_selected_action": [viewer.pk], "post": "yes"}
    client.post("/admin/auth/group/", sent)
    assert Group.objects.get(pk=viewer.pk).name == "Viewer"


def test_another_group_is_made_and_deleted_and_both_are_written_down(client: Client) -> None:
    assert client.post("/admin/auth/group/add/", {"name": "Night shift"}).status_code == 302
    group = Group.objects.get(name="Night shift")
    client.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"})
    assert [entry[1:3] for entry in trail()] == [
        ("created", "Night shift"),
        ("deleted", "Night shift"),
    ]


def test_the_trail_itself_is_only_read(client: Client) -> None:
    client.post("/admin/auth/group/add/", {"name": "x"})
    event = AuditEvent.objects.get()
    url = f"/admin/access/auditevent/{event.pk}"
    assert client.get(f"{url}/change/").status_code == 200
    assert client.post(f"{url}/change/", {"action": "y"}).status_code == 403
    assert client.post(f"{url}/delete/", {"post": "yes"}).status_code == 403
    assert client.get("/admin/access/auditevent/add/").status_code == 403
    assert AuditEvent.objects.get() == event


def test_a_role_whose_group_is_gone_says_so_and_takes_nothing(ann: Any) -> None:
    bob = user_of("Viewer", "bob")
    Group.objects.filter(name="Editor").update(name="Redaktion")
    with pytest.raises(RoleMissing, match="group of the role Editor isn't there"):
        set_role(bob, "Editor")
    assert role_of(bob) == "Viewer"
    with pytest.raises(KeyError):
        set_role(bob, "God")
