"""The servers that disappoint below HTTP."""

import ssl
import urllib.error
import urllib.request

import pytest
import requests

from tests.fakes.google import SelfSignedServer, SilentServer, unused_port


def test_a_silent_server_accepts_and_never_answers() -> None:
    with SilentServer() as silent:
        with pytest.raises(requests.ReadTimeout):
            requests.get(silent.url, timeout=0.1)
        assert silent.connections == 1


def test_nobody_listens_on_an_unused_port() -> None:
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{unused_port()}", timeout=1)


def test_a_self_signed_server_is_only_trusted_by_who_knows_its_certificate() -> None:
    with SelfSignedServer() as server:
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(server.url, timeout=2)
        context = ssl.create_default_context(cadata=server.certificate)
        with urllib.request.urlopen(server.url, timeout=2, context=context) as answer:
            assert answer.read() == b"{}"
