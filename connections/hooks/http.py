"""Opens sessions with a service that speaks HTTP. Imported on first use: requests is large.

Calls are those of Airflow's HttpHook (airflow/providers/http/hooks/http.py), with two
differences: no call waits without end, and a redirect to another host takes nothing of the
connection along.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import HTTPBasicAuth

from connections.exceptions import SessionFailure
from connections.hooks.base import Hook
from connections.hooks.http_answer import Answer, read
from connections.hooks.http_failures import EXPECTED, failure_of, refusal_of
from connections.hooks.http_options import Options, base_url, header, headers_of
from connections.hooks.http_redirects import Journey, OneStep, mount, unchanged
from connections.hooks.transport import StoppableAdapter, host_of
from connections.types.values import truth


@dataclass(repr=False)
class HttpSession:
    """Calls of one service. ``options`` are the connection's; a call may have its own."""

    base_url: str
    identity: str
    options: Options
    http: requests.Session
    adapter: StoppableAdapter
    own_secrets: frozenset[str] = field(default_factory=frozenset)

    @property
    def secrets(self) -> set[str]:
        return set(self.own_secrets)

    @property
    def host(self) -> str:
        return host_of(self.base_url)

    def url(self, endpoint: str | None) -> str:
        """The address of an endpoint. It stays below the connection's, whatever it looks like."""
        endpoint = endpoint or ""
        needs_slash = endpoint and not endpoint.startswith("/") and not self.base_url.endswith("/")
        return f"{self.base_url}{'/' if needs_slash else ''}{endpoint}"

    def request(
        self,
        method: str,
        endpoint: str | None = None,
        *,
        headers: Mapping[str, Any] | None = None,
        options: Options | None = None,
        check: Callable[[], None] = lambda: None,
        **content: Any,
    ) -> Answer:
        """Make a call; ``content`` is params, data or json. Raise ``Failure``.

        A status of 400 and more is a failure, unless the options say otherwise.
        ``check`` is called between the pieces of the answer.
        """
        used = options or self.options
        self.adapter.timeout = used.timeouts
        own = {name: header(value) for name, value in (headers or {}).items() if value is not None}
        request = requests.Request(method, self.url(endpoint), headers=own, **content)
        try:
            prepared = self.http.prepare_request(request)
            what = f"{method} {urlsplit(str(prepared.url)).path}"
            response = Journey(self.http, self.adapter, used).send(prepared)
            answer = read(response, what=what, check=check)
        except EXPECTED as error:
            check()
            failure = failure_of(error, host=self.host, read_timeout=used.timeouts[1])
            raise failure or error from None
        refusal = refusal_of(answer) if used.check_response else None
        if refusal is not None:
            raise refusal
        return answer

    def stop(self) -> None:
        """From another thread: let the call that is under way fail at once."""
        self.adapter.stop()


class HttpHook(Hook):
    """Sessions for http. HTTP has none of its own: credentials go with each call."""

    closes_at_once = True

    def open(self) -> HttpSession:
        """Nobody is called. Raise ``SessionFailure`` for settings that can't work."""
        extra = self.connection.extra
        if truth(extra.get("srv_lookup")):
            raise SessionFailure("http:no-srv")
        options = Options().with_extra(extra).bounded(self.longest_call)
        connect, answer = options.timeouts
        adapter = StoppableAdapter(connect=connect, read=answer)
        headers = headers_of(extra)
        url = base_url(self.connection)
        http = OneStep()
        http.trust_env = options.trust_env
        http.headers.update(headers)
        mount(http, adapter)
        login, password = self.connection.login, self.connection.password
        basic = f"{login}:{password}"
        if login:
            http.auth = HTTPBasicAuth(login.encode(), password.encode())
        elif any(name.lower() == "authorization" for name in headers):
            http.auth = unchanged
        return HttpSession(
            base_url=url,
            identity=_identity(login, password, headers),
            options=options,
            http=http,
            adapter=adapter,
            own_secrets=frozenset([b64encode(basic.encode()).decode()] if login else []),
        )

    def sample_call(self, session: HttpSession) -> str:
        """Ask for the head of the base address, and say what answered.

        Many services have nothing there: only 401 and faults count as failures.
        """
        answer = session.request("HEAD", options=_unchecked(session.options))
        if answer.status in (405, 501):
            answer = session.request("GET", options=_unchecked(session.options))
        failure = refusal_of(answer)
        if failure is not None and (answer.status == 401 or answer.status >= 500):
            raise failure
        return f"{session.host} answers, with {answer.status} {answer.reason} to {answer.what}."

    def close(self, session: HttpSession) -> None:
        session.http.close()


def _unchecked(options: Options) -> Options:
    return options.with_extra({"check_response": False})


def _identity(login: str, password: str, headers: Mapping[str, str]) -> str:
    """As whom. A user without a password may be a key."""
    if login:
        return login if password else "the key in Login"
    if any(name.lower() == "authorization" for name in headers):
        return "the Authorization header"
    return "the connection's headers" if headers else "anonymous"
