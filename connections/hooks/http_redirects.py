"""Sends one request, and goes where the service points to.

The library takes headers, cookies, client certificate and body along to wherever it is sent.
Here they stay with the service that they are for: another host gets a bare request.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from connections.exceptions import Failure
from connections.hooks.http_options import Options
from connections.hooks.transport import StoppableAdapter, host_of

#: Statuses after which the same body is sent again. RFC 9110, 15.4.8 and 15.4.9.
SAME_AGAIN = (307, 308)
#: Headers that the next request gets anew, or that say what its body is.
ANEW = ("Content-Length", "Cookie", "Host")
OF_BODY = ("Content-Type", "Transfer-Encoding", "Content-Encoding")

Origin = tuple[str, str, int]


class OneStep(requests.Session):
    """Never goes on by itself: that would read whatever a redirect says, to its end."""

    def resolve_redirects(self, *args: Any, **kwargs: Any) -> Any:
        return iter(())


class Journey:
    """One call. It begins at home, with all that the connection gives; once away, it stays so."""

    def __init__(self, home: requests.Session, adapter: StoppableAdapter, options: Options) -> None:
        self.http = home
        self.home = home
        self.adapter = adapter
        self.options = options

    def send(self, prepared: requests.PreparedRequest) -> requests.Response:
        """The last answer. Raise ``Failure``, or what the library raises."""
        response = self._send(prepared)
        hops = 0
        while self.options.allow_redirects and (to := self.http.get_redirect_target(response)):
            response.close()
            if hops == self.options.max_redirects:
                raise Failure("http:redirects", host=host_of(response.url), count=hops)
            hops += 1
            prepared = self._next(prepared, response, url=_joined(response.url, to))
            response = self._send(prepared)
        return response

    def _send(self, prepared: requests.PreparedRequest) -> requests.Response:
        settings = self.http.merge_environment_settings(
            str(prepared.url), dict(self.options.proxies), True, self.options.verify, None
        )
        # It proves who one is, as a password does.
        settings["cert"] = self.options.cert if self.http is self.home else None
        return self.http.send(prepared, allow_redirects=False, **settings)

    def _next(
        self, before: requests.PreparedRequest, response: requests.Response, *, url: str
    ) -> requests.PreparedRequest:
        has_body = before.body is not None and response.status_code in SAME_AGAIN
        headers = {name: value for name, value in before.headers.items() if name not in ANEW}
        if not is_same(response.url, url):
            if has_body:
                raise Failure(
                    "http:redirected-away", host=host_of(response.url), target=host_of(url)
                )
            self.http = self._stranger()
        if self.http is not self.home:
            headers = {name: value for name, value in headers.items() if name == "Accept"}
        if not has_body:
            headers = {name: value for name, value in headers.items() if name not in OF_BODY}
        self.http.rebuild_method(before, response)
        body: Any = before.body if has_body else None
        request = requests.Request(before.method, url, headers=headers, data=body)
        return self.http.prepare_request(request)

    def _stranger(self) -> requests.Session:
        http = OneStep()
        http.trust_env = self.home.trust_env
        http.auth = unchanged
        mount(http, self.adapter)
        return http


def mount(http: requests.Session, adapter: StoppableAdapter) -> None:
    for prefix in ("https://", "http://"):
        http.mount(prefix, adapter)


def unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Authentication that adds nothing; without one the library would look into netrc."""
    return request


def is_same(url: str, other: str) -> bool:
    """Whether both lead to one service. A step from http to https at their own ports is none."""
    ours, theirs = _origin(url), _origin(other)
    is_upgrade = ours[1:] == (theirs[1], 80) and (theirs[0], theirs[2]) == ("https", 443)
    return ours == theirs or is_upgrade


def _joined(url: str, target: str) -> str:
    try:
        joined = urljoin(url, target)
        scheme = _origin(joined)[0]
    except ValueError:
        scheme = ""
    if scheme not in ("http", "https"):
        raise Failure("http:bad-answer", host=host_of(url))
    return joined


def _origin(url: str) -> Origin:
    parts = urlsplit(url)
    default = 443 if parts.scheme == "https" else 80
    return parts.scheme, (parts.hostname or "").lower(), parts.port or default
