"""Where redirects lead, and what goes along."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connections.http_world import BASIC, Open, opener, refused
from tests.fakes.http_server import HttpServer, Reply

DATA = {"client_secret": "tulip"}


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer() as server:
        server.on("/", Reply(200, "hello"))
        yield server


@pytest.fixture
def open_http() -> Iterator[Open]:
    with opener() as open_session:
        yield open_session


@pytest.fixture
def other() -> Iterator[HttpServer]:
    """Another host: the port makes it one."""
    with HttpServer() as server:
        server.on("/", Reply(200, "elsewhere"))
        yield server


def test_a_redirect_within_the_service_keeps_the_credentials(
    open_http: Open, server: HttpServer
) -> None:
    server.on("/old", Reply.redirect("/new"))
    server.on("/new", Reply(200, "moved", {"Set-Cookie": "a=1"}))
    session = open_http(server.url, login="ann", password="tulip", **{"X-Api-Key": "rose"})
    assert session.request("POST", "old", data={"q": "1"}).text == "moved"
    call = server.of("/new")[0]
    assert (call.method, call.body) == ("GET", b"")
    assert call.headers["authorization"] == f"Basic {BASIC}"
    assert call.headers["x-api-key"] == "rose"
    assert "content-type" not in call.headers


def test_a_redirect_with_its_data_within_the_service_sends_it_again(
    open_http: Open, server: HttpServer
) -> None:
    server.on("/old", Reply.redirect("/new", status=307))
    server.on("/new", Reply(200, "moved"))
    open_http(server.url).request("POST", "old", json={"q": 1})
    call = server.of("/new")[0]
    assert (call.method, call.json) == ("POST", {"q": 1})
    assert call.headers["content-type"] == "application/json"


def test_a_redirect_to_another_host_carries_nothing_of_the_connection(
    open_http: Open, server: HttpServer, other: HttpServer
) -> None:
    server.on("/first", Reply(200, "", {"Set-Cookie": "session=tulip"}))
    server.on("/old", Reply.redirect(f"{other.url}/"))
    other.on("/", Reply.redirect(f"{server.url}/back"))
    server.on("/back", Reply(200, "back"))
    session = open_http(server.url, login="ann", password="tulip", **{"X-Api-Key": "rose"})
    session.request("GET", "first")
    answer = session.request("GET", "old", headers={"X-Own": "violet", "Authorization": "x"})
    assert answer.text == "back"
    away = {*other.calls[0].headers, *server.of("/back")[0].headers}
    assert not away & {"authorization", "x-api-key", "x-own", "cookie"}
    assert server.of("/old")[0].headers["cookie"] == "session=tulip"


def test_data_is_never_sent_on_to_another_host(
    open_http: Open, server: HttpServer, other: HttpServer
) -> None:
    server.on("/old", Reply.redirect(f"{other.url}/", status=308))
    session = open_http(server.url)
    failure = refused(lambda: session.request("POST", "old", data=DATA))
    assert failure.code == "http:redirected-away"
    assert failure.facts["target"] == other.host
    assert other.calls == []


def test_redirects_end_after_as_many_as_are_allowed(open_http: Open, server: HttpServer) -> None:
    server.on("/loop", Reply.redirect("/loop"))
    session = open_http(server.url, max_redirects="3")
    assert refused(lambda: session.request("GET", "loop")).code == "http:redirects"
    assert len(server.calls) == 4
    still = open_http(server.url, allow_redirects="false").request("GET", "loop")
    assert still.status == 302


@pytest.mark.parametrize("target", ["ftp://files.example.com/x", "http://["])
def test_a_redirect_to_nowhere_is_a_bad_answer(
    open_http: Open, server: HttpServer, target: str
) -> None:
    server.on("/old", Reply.redirect(target))
    session = open_http(server.url)
    assert refused(lambda: session.request("GET", "old")).code == "http:bad-answer"
