"""Every role at every address: who may not is refused in words, and nothing has changed then."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client

from access.rights import ROLES, SCOPES
from access.tokens import create_token, password_token
from tests.access.doors import (
    ANYBODY,
    CALLS,
    PAGES,
    RANKS,
    SIGNED_IN,
    STREAMS,
    Door,
    call_doors,
    calls,
    page_doors,
    page_names,
    routes_of_api,
)
from tests.access.world import World, everything, make_world, right_for_reading
from tests.conftest import ACTOR
from tests.roles import user_of

pytestmark = pytest.mark.django_db
PEOPLE = RANKS[1:]
TOKEN: dict[str, Any] = {"name": "x", "expires_at": None, "actor": ACTOR}


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def user_with(rank: str) -> Any:
    return user_of("" if rank == SIGNED_IN else rank, f"a-{rank}".replace(" ", "-"))


def client_of(rank: str) -> Client:
    client = Client(raise_request_exception=False)
    if rank != ANYBODY:
        client.force_login(user_with(rank))
    return client


# The table


def test_every_page_is_in_the_table() -> None:
    assert page_names() ^ set(PAGES) == set(), "tell PAGES in tests/access/doors.py of them"


def test_every_call_of_the_api_is_in_the_table() -> None:
    assert calls() ^ set(CALLS) == set(), "tell CALLS in tests/access/doors.py of them"


def test_no_call_of_the_api_hides_from_its_description() -> None:
    described = {call.split(" ")[1] for call in calls()}
    assert routes_of_api() - described == {"/api/openapi.json"}


def test_the_roles_are_those_of_the_table() -> None:
    assert tuple(ROLES) == RANKS[2:]


# Pages


@pytest.mark.parametrize("door", page_doors(), ids=str)
def test_a_page_opens_from_its_role_on_and_for_nobody_below(door: Door, world: World) -> None:
    url = world.address(door.where) + door.query
    clients = {rank: client_of(rank) for rank in RANKS}
    before = everything()
    for rank, client in clients.items():
        if door.opens_for(rank):
            _passes(client, door, url)
        else:
            _is_refused(client, door, url, is_signed_in=rank != ANYBODY)
    assert everything() == before


def _passes(client: Client, door: Door, url: str) -> None:
    if door.where in STREAMS:
        assert right_for_reading(url) in ROLES[door.least]
        return
    with transaction.atomic():
        answer = _ask(client, door, url)
        transaction.set_rollback(True)
    assert answer.status_code not in (401, 403), answer.content.decode()[:2000]
    assert answer.status_code < 500
    assert not answer.headers.get("Location", "").startswith("/login/?next=")


def _is_refused(client: Client, door: Door, url: str, *, is_signed_in: bool) -> None:
    answer = _ask(client, door, url)
    if not is_signed_in:
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/login/?next=")
    elif answer.status_code != 405 or door.method in ("GET", "POST"):
        assert answer.status_code == 403
        assert "Your role doesn&#x27;t let you" in answer.content.decode()


def _ask(client: Client, door: Door, url: str) -> Any:
    return client.generic(
        door.method, url, _form(door.sent), content_type="application/x-www-form-urlencoded"
    )


def _form(sent: dict[str, Any]) -> str:
    return "&".join(f"{name}={value}" for name, value in sent.items())


# The API


@pytest.mark.parametrize("door", call_doors(), ids=str)
def test_a_call_opens_from_its_role_on_and_for_nobody_below(door: Door, world: World) -> None:
    bearers = {rank: password_token(user_with(rank)) for rank in PEOPLE}
    before = everything()
    for rank, bearer in bearers.items():
        _checked_call(door, world, bearer, opens=door.opens_for(rank))
    assert everything() == before


@pytest.mark.parametrize("door", call_doors(), ids=str)
def test_a_call_opens_for_a_token_of_its_scopes_and_for_no_other(door: Door, world: World) -> None:
    assert door.scopes is not None
    user = user_of("Admin", "boss")
    texts = {scope: create_token(user, scopes=[scope], **TOKEN)[1] for scope in SCOPES}
    before = everything()
    for scope, text in texts.items():
        _checked_call(door, world, text, opens=door.least == ANYBODY or scope in door.scopes)
    assert everything() == before


@pytest.mark.parametrize("door", call_doors(), ids=str)
def test_a_call_without_a_token_or_with_a_bad_one_is_refused(door: Door, world: World) -> None:
    if door.least == ANYBODY:
        return
    dead = user_of("Admin", "gone")
    bearer = password_token(dead)
    dead.is_active = False
    dead.save()
    signed_in = client_of("Admin")
    before = everything()
    answers = [
        _call(Client(), door, world),
        # A session alone opens no call: another site could make a browser send it.
        _call(signed_in, door, world),
        _call(Client(), door, world, bearer="pb_" + "x" * 43),
        _call(Client(), door, world, bearer=bearer),
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 403, 403]
    assert all(list(answer.json()) == ["detail"] for answer in answers)
    assert everything() == before


def _checked_call(door: Door, world: World, bearer: str, *, opens: bool) -> None:
    with transaction.atomic():
        answer = _call(Client(raise_request_exception=False), door, world, bearer=bearer)
        transaction.set_rollback(opens)
    if opens:
        assert answer.status_code < 500
        assert answer.status_code not in (401, 403), answer.content.decode()
        return
    assert answer.status_code == 403
    [detail] = answer.json().values()
    assert detail.startswith("Forbidden: ")


def _call(client: Client, door: Door, world: World, *, bearer: str = "") -> Any:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    path = world.path(door.where)
    if door.method == "GET":
        return client.get(path, headers=headers)
    ask = getattr(client, door.method.lower())
    return ask(path, door.sent, content_type="application/json", headers=headers)


# The admin


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label)
def test_the_admin_opens_for_admins_who_are_no_superusers_and_for_nobody_else(
    model: Any, world: World
) -> None:
    url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    for rank in RANKS[:-1]:
        client = client_of(rank)
        for method in ("GET", "POST"):
            _is_refused(client, Door(method, "", "Admin"), url, is_signed_in=rank != ANYBODY)
    client = client_of("Admin")
    assert client.get("/admin/").status_code == 200
    assert client.get(url).status_code == 200
    row = model._default_manager.first()
    if row is not None:
        assert client.get(f"{url}{row.pk}/change/").status_code == 200
