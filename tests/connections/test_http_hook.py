"""Sessions with services that speak HTTP, against servers on this machine."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connections.diagnosis import CATALOGUE
from connections.hooks.http import HttpHook, HttpSession
from connections.types.base import LoadedConnection
from tests.connections.http_world import BASIC, Open, opener, refused
from tests.fakes.google import SelfSignedServer, SilentServer, unused_port
from tests.fakes.http_server import HttpServer, Reply


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


def hook_of(session: HttpSession) -> HttpHook:
    return HttpHook(LoadedConnection("api", "http", host=session.base_url))


# The address


@pytest.mark.parametrize(
    ("host", "columns", "expected"),
    [
        ("api.example.com", {}, "http://api.example.com"),
        ("api.example.com", {"schema": "https"}, "https://api.example.com"),
        ("api.example.com", {"schema": "https", "port": 8443}, "https://api.example.com:8443"),
        ("https://api.example.com/v1", {"schema": "http"}, "https://api.example.com/v1"),
        ("https://api.example.com/v1", {"port": 8443}, "https://api.example.com:8443/v1"),
        ("api.example.com:81", {"port": 82}, "http://api.example.com:81"),
    ],
)
def test_the_address_is_made_of_host_scheme_and_port(
    open_http: Open, host: str, columns: dict[str, Any], expected: str
) -> None:
    assert open_http(host, **columns).base_url == expected


@pytest.mark.parametrize(
    ("base", "endpoint", "expected"),
    [
        ("https://h", "v1/rows", "https://h/v1/rows"),
        ("https://h/", "v1", "https://h/v1"),
        ("https://h/api", "/v1", "https://h/api/v1"),
        ("https://h", None, "https://h"),
        ("https://h", ".evil.example", "https://h/.evil.example"),
        ("https://h", "@evil.example/", "https://h/@evil.example/"),
        ("https://h", "https://evil.example/", "https://h/https://evil.example/"),
    ],
)
def test_an_endpoint_stays_with_the_host_of_the_connection(
    open_http: Open, base: str, endpoint: str | None, expected: str
) -> None:
    assert open_http(base).url(endpoint) == expected


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("", "http:no-host"),
        ("ftp://files.example.com", "http:address-invalid"),
        ("https://ann:tulip@h", "http:address-invalid"),
        ("https://h:port", "http:address-invalid"),
    ],
)
def test_a_host_that_is_no_address_opens_no_session(open_http: Open, host: str, code: str) -> None:
    assert refused(lambda: open_http(host)).code == code


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ({"timeout": "soon"}, "http:option-invalid"),
        ({"timeout": 0}, "http:option-invalid"),
        ({"proxies": "not json"}, "http:option-invalid"),
        ({"max_redirects": "many"}, "http:option-invalid"),
        ({"srv_lookup": True}, "http:no-srv"),
    ],
)
def test_an_option_that_cant_be_opens_no_session(
    open_http: Open, extra: dict[str, Any], code: str
) -> None:
    assert refused(lambda: open_http("h", **extra)).code == code


# What is sent


def test_user_and_password_are_sent_and_are_secret(open_http: Open, server: HttpServer) -> None:
    session = open_http(server.url, login="ann", password="tulip")
    assert session.request("GET", "/").text == "hello"
    assert server.calls[0].headers["authorization"] == f"Basic {BASIC}"
    assert session.identity == "ann"
    assert session.secrets == {BASIC}
    assert "tulip" not in repr(session)


def test_letters_that_are_not_latin_may_stand_in_a_password(
    open_http: Open, server: HttpServer
) -> None:
    open_http(server.url, login="ann", password="Łódź").request("GET", "/")
    sent = b64encode("ann:Łódź".encode()).decode()
    assert server.calls[0].headers["authorization"] == f"Basic {sent}"


def test_extras_are_headers_but_for_the_options(open_http: Open, server: HttpServer) -> None:
    extra = {"Authorization": "Bearer tulip", "X-Team": "sales", "X-Count": 3, "X-On": True}
    options = {"timeout": "5", "verify": "false", "check_response": True, "stream": False}
    session = open_http(server.url, **extra, **options)
    session.request("GET", "/", headers={"X-Own": "1", "X-None": None})
    sent = server.calls[0].headers
    assert sent["authorization"] == "Bearer tulip"
    assert (sent["x-team"], sent["x-count"], sent["x-on"], sent["x-own"]) == (
        *("sales", "3", "true", "1"),
    )
    assert not {"timeout", "verify", "check_response", "stream", "x-none"} & set(sent)
    assert session.options.timeouts == (5, 5)
    assert session.identity == "the Authorization header"


def test_a_user_without_a_password_may_be_a_key_and_is_not_told(open_http: Open) -> None:
    assert open_http("h", login="sk_tulip").identity == "the key in Login"
    assert open_http("h").identity == "anonymous"


def test_netrc_of_the_worker_is_not_put_before_the_header(
    open_http: Open, server: HttpServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login w password worker\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    open_http(server.url, Authorization="Bearer tulip").request("GET", "/")
    assert server.calls[0].headers["authorization"] == "Bearer tulip"
    open_http(server.url, trust_env=False).request("GET", "/")
    assert "authorization" not in server.calls[1].headers


def test_a_header_that_cant_be_sent_is_refused_without_its_value(
    open_http: Open, server: HttpServer
) -> None:
    for value in ("tulip\r\nX-More: 1", "Bearer tulip ☂"):
        call = partial(open_http(server.url, Authorization=value).request, "GET", "/")
        assert refused(call).code == "http:request-invalid"
    assert server.calls == []


# Answers


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "http:refused", "configuration"),
        (401, "http:unauthenticated", "configuration"),
        (403, "http:forbidden", "configuration"),
        (404, "http:not-found", "configuration"),
        (408, "http:unavailable", "transient"),
        (422, "http:refused", "configuration"),
        (429, "http:rate-limited", "transient"),
        (500, "http:unavailable", "transient"),
        (501, "http:refused", "configuration"),
        (503, "http:unavailable", "transient"),
    ],
)
def test_a_status_says_who_can_mend_it(
    open_http: Open, server: HttpServer, status: int, code: str, kind: str
) -> None:
    server.on("/x", Reply(status, "why not"))
    session = open_http(server.url, login="ann", password="tulip")
    failure = refused(lambda: session.request("GET", "x"))
    assert (failure.code, CATALOGUE[failure.code].type) == (code, kind)
    assert failure.vendor_message == "why not"
    assert failure.facts["what"] == "GET /x"
    assert session.request("GET", "x", options=session.options.with_extra(UNCHECKED)).text


UNCHECKED = {"check_response": False}


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("soon", None), ("Wed, 01 Jan 2020 00:00:00 GMT", 0.0), ("", None)],
)
def test_the_time_that_the_service_names_is_kept(
    open_http: Open, server: HttpServer, header: str, seconds: float | None
) -> None:
    server.on("/x", Reply(429, "", {"Retry-After": header}))
    session = open_http(server.url)
    assert refused(lambda: session.request("GET", "x")).retry_after == seconds


def test_an_answer_that_is_too_large_is_not_read_to_its_end(
    open_http: Open, server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connections.hooks.http_answer.LARGEST_ANSWER", 1024**2)
    server.on("/fits", Reply(200, b"x" * 1024**2))
    server.on("/large", Reply(200, b"x" * (1024**2 + 1)))
    session = open_http(server.url)
    assert session.request("GET", "fits").size == 1024**2
    assert refused(lambda: session.request("GET", "large")).code == "http:too-large"


def test_an_answer_is_read_in_its_own_letters(open_http: Open, server: HttpServer) -> None:
    server.on("/latin", Reply(200, "né".encode("latin-1"), {"Content-Type": "text/plain"}))
    server.on("/utf", Reply(200, "né", {"Content-Type": "text/plain; charset=utf-8"}))
    server.on("/json", Reply(200, "né", {"Content-Type": "application/json"}))
    server.on("/odd", Reply(200, "né", {"Content-Type": "text/plain; charset=no-such"}))
    session = open_http(server.url)
    assert {session.request("GET", path).text for path in ("latin", "utf", "json", "odd")} == {"né"}


# No answer


def test_a_connection_that_is_dropped_is_transient(open_http: Open, server: HttpServer) -> None:
    server.on("/drop", Reply.drop())
    server.on("/cut", Reply(200, "0123456789", cut=4))
    session = open_http(server.url, login="ann", password="tulip")
    for path in ("drop", "cut"):
        failure = refused(partial(session.request, "GET", path))
        assert (failure.code, failure.facts["host"]) == ("http:dropped", server.host)


def test_a_server_that_never_answers_ends_the_call(open_http: Open) -> None:
    with SilentServer() as silent:
        session = open_http(silent.url, timeout=0.2)
        assert refused(lambda: session.request("GET", "/")).code == "http:timeout"
        session = open_http(silent.url, longest=0.2)
        assert refused(lambda: session.request("GET", "/")).facts["seconds"] == "0.2"


def test_nobody_there_and_a_name_that_nobody_knows(open_http: Open) -> None:
    session = open_http(f"127.0.0.1:{unused_port()}")
    assert refused(lambda: session.request("GET", "/")).code == "http:unreachable"
    session = open_http("no-such-host.invalid")
    assert refused(lambda: session.request("GET", "/")).code == "http:name-unknown"


def test_a_proxy_that_is_away_is_told_without_its_password(open_http: Open) -> None:
    proxy = f"http://w:tulip@127.0.0.1:{unused_port()}"
    session = open_http("http://api.example.com", proxies={"http": proxy})
    assert refused(lambda: session.request("GET", "/")).code == "http:proxy"


def test_calls_go_through_the_proxy_of_the_connection(open_http: Open, server: HttpServer) -> None:
    server.on("/v1", Reply(200, "by proxy"))
    session = open_http("http://api.example.com", proxies={"http": server.url})
    assert session.request("GET", "v1").text == "by proxy"
    assert server.calls[0].headers["host"] == "api.example.com"


def test_a_certificate_that_nobody_signed_is_refused_or_trusted_by_its_file(
    open_http: Open, tmp_path: Path
) -> None:
    with SelfSignedServer() as secured:
        session = open_http(secured.url)
        assert refused(lambda: session.request("GET", "/")).code == "http:tls"
        (tmp_path / "ca.pem").write_text(secured.certificate)
        assert open_http(secured.url, verify=str(tmp_path / "ca.pem")).request("GET", "/").text
        session = open_http(secured.url, verify="/no/such/ca.pem")
        assert refused(lambda: session.request("GET", "/")).code == "http:file-unreadable"


def test_a_call_that_hangs_can_be_stopped(open_http: Open, server: HttpServer) -> None:
    server.on("/hang", Reply(hangs=True))
    session = open_http(server.url)

    def stop() -> None:
        server.hanging.wait(30)
        session.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    assert refused(lambda: session.request("GET", "hang")).code == "http:dropped"
    stopper.join()
    assert refused(lambda: session.request("GET", "/")).code == "http:dropped"


# The test of a connection


def test_the_sample_call_says_what_answers(open_http: Open, server: HttpServer) -> None:
    session = open_http(server.url)
    assert hook_of(session).sample_call(session) == f"{server.host} answers, with 200 OK to HEAD /."
    server.on("/", Reply(405), Reply(404))
    words = hook_of(session).sample_call(session)
    assert words == f"{server.host} answers, with 404 Not Found to GET /."


@pytest.mark.parametrize(
    ("status", "code"), [(401, "http:unauthenticated"), (503, "http:unavailable")]
)
def test_the_sample_call_fails_where_no_task_could_work(
    open_http: Open, server: HttpServer, status: int, code: str
) -> None:
    server.on("/", Reply(status))
    session = open_http(server.url)
    assert refused(lambda: hook_of(session).sample_call(session)).code == code
