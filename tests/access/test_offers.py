"""What a role can't do isn't offered: every link and every form of every page is followed."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import resolve

from access.rights import Caller
from tasks.views.streams import _dashboard_html
from tests.access.doors import FINER, PAGES, RANKS, SIGNED_IN
from tests.access.test_every_door import client_of
from tests.access.world import make_world

pytestmark = pytest.mark.django_db
#: Their pages are Django's, and other tests see who comes in.
NOT_READ = ("/admin/", "/static/", "/logout/")
#: So many links that differ in nothing but their query are read.
ALIKE = 6
HTMX = {"hx-get": "GET", "hx-post": "POST", "hx-put": "POST", "hx-delete": "POST"}


class Offers(HTMLParser):
    """The (method, address) pairs that a page offers, with the page's own for an empty one.

    ``chosen`` holds what its forms send: (address, name, value).
    """

    def __init__(self, page: str, html: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self.chosen: set[tuple[str, str, str]] = set()
        self._page, self._form_method, self._form = page, "GET", page
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self._add("GET", given["href"])
        elif tag == "form":
            self._form_method = given.get("method", "get").upper()
            self._form = urlsplit(urljoin(self._page, given.get("action", ""))).path
            self._add(self._form_method, given.get("action", ""))
        elif "formaction" in given:
            method = given.get("formmethod", self._form_method).upper()
            self._add(method, given["formaction"])
        if tag in ("input", "button") and "name" in given:
            self.chosen.add((self._form, given["name"], given.get("value", "")))
        for name, method in HTMX.items():
            if name in given:
                self._add(method, given[name])

    def _add(self, method: str, address: str) -> None:
        parts = urlsplit(urljoin(self._page, address))
        if not parts.scheme and not parts.netloc and not address.startswith("#"):
            query = f"?{parts.query}" if parts.query else ""
            self.found.add((method, parts.path + query))


def walk(client: Client, start: str) -> Iterator[tuple[str, str, str]]:
    """(page on which it stands, method, address) of all that is offered from ``start`` on."""
    waiting, seen, alike = [("", start)], {start}, dict[str, int]()
    while waiting:
        origin, url = waiting.pop(0)
        answer = client.get(url, follow=True)
        if answer.status_code == 404 and "/not_there/" in url:
            continue
        assert answer.status_code == 200, f"{origin or 'start'} links to {url}: {answer}"
        if not answer.headers["Content-Type"].startswith("text/html"):
            continue
        for method, address in sorted(Offers(url, answer.content.decode()).found):
            yield url, method, address
            path = urlsplit(address).path
            if method != "GET" or address in seen or path.startswith(NOT_READ):
                continue
            seen.add(address)
            alike[path] = alike.get(path, 0) + 1
            if alike[path] <= ALIKE:
                waiting.append((url, address))


@pytest.mark.parametrize("rank", RANKS[1:])
def test_every_link_opens_and_every_form_is_for_this_role(rank: str) -> None:
    make_world()
    start = "/settings/" if rank == SIGNED_IN else "/"
    refused = [offer for offer in walk(client_of(rank), start) if not _may(rank, *offer[1:])]
    assert refused == []


def _may(rank: str, method: str, address: str) -> bool:
    match = resolve(urlsplit(address).path)
    if "admin" in match.namespaces:
        return rank == "Admin"
    name = match.view_name
    least = PAGES[name][0 if method == "GET" else 1]
    return RANKS.index(rank) >= RANKS.index(least)


#: (page, name, value) that a form may send -> least role
LEAST_TO_SEND = {
    (door.where, name, value): door.least
    for door in sorted(FINER, key=lambda door: -RANKS.index(door.least))
    for name, value in door.sent.items()
    if name in ("act", "secrets")
}


@pytest.mark.parametrize("rank", RANKS[2:])
def test_no_form_holds_a_choice_that_is_not_for_this_role(rank: str) -> None:
    make_world()
    client = client_of(rank)
    pages = {page for page, *_ in walk(client, "/")}
    offered = {
        (resolve(form).view_name, name, value)
        for page in pages
        for form, name, value in Offers(page, client.get(page).content.decode()).chosen
    }
    for choice, least in LEAST_TO_SEND.items():
        if RANKS.index(least) > RANKS.index(rank):
            assert choice not in offered
        elif choice[2] not in ("without", "enable"):
            assert choice in offered


@pytest.mark.parametrize("rank", RANKS[2:])
def test_what_a_role_may_do_is_offered(rank: str) -> None:
    """So that the test above doesn't hold because nothing is offered at all."""
    make_world()
    found = {
        resolve(urlsplit(address).path).view_name
        for _, _, address in walk(client_of(rank), "/")
        if not address.startswith(NOT_READ)
    }
    reached = RANKS.index(rank)
    expected = {
        "Viewer": {"connections", "connection", "dags", "run", "audit", "settings", "tokens"},
        "Operator": {"dag-trigger", "connection-test"},
        "Editor": {"connection-new", "connection-edit", "connection-delete", "connections-import"},
        "Admin": {"users", "user-new", "user-role", "user-password", "user-delete"},
    }
    for role, names in expected.items():
        if RANKS.index(role) <= reached:
            assert names <= found, role
        else:
            assert not names & found, role


@pytest.mark.parametrize("rank", ["Viewer", "Admin"])
def test_the_dashboards_refresh_offers_what_the_page_does(rank: str) -> None:
    make_world()
    client = client_of(rank)
    user = get_user_model().objects.get(pk=client.session["_auth_user_id"])
    refresh = Offers("/", _dashboard_html(Caller(user))).found
    assert all(_may(rank, *offer) for offer in refresh)
    page = Offers("/", client.get("/").content.decode()).found
    create = ("GET", "/connections/new/?conn_id=not_there")
    assert (create in page) == (create in refresh) == (rank == "Admin")
    assert refresh <= page
