"""All lines of a process trust the same authorities, which are read once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from connections.hooks.trust import SharedTrustAdapter, trust_in
from tests.fakes.google import SelfSignedServer


@pytest.fixture
def server() -> Iterator[SelfSignedServer]:
    with SelfSignedServer() as server:
        yield server


@pytest.fixture
def bundle(server: SelfSignedServer, tmp_path: Path) -> str:
    path = tmp_path / "authorities.pem"
    path.write_text(server.certificate)
    return str(path)


def session() -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    made.mount("https://", SharedTrustAdapter())
    return made


def test_who_is_not_trusted_is_not_called(server: SelfSignedServer) -> None:
    with session() as line, pytest.raises(requests.exceptions.SSLError, match="self-signed"):
        line.get(server.url, timeout=5)


def test_a_bundle_that_trusts_a_server_is_read_once_for_all_lines(
    server: SelfSignedServer, bundle: str
) -> None:
    for _ in range(3):
        with session() as line:
            assert line.get(server.url, timeout=5, verify=bundle).json() == {}
        # Whoever read it again would fail now.
        Path(bundle).write_text("")
    assert trust_in(bundle) is trust_in(bundle)


def test_what_one_line_trusts_another_does_not(server: SelfSignedServer, bundle: str) -> None:
    with session() as line:
        line.get(server.url, timeout=5, verify=bundle)
        with pytest.raises(requests.exceptions.SSLError):
            line.get(server.url, timeout=5)


def test_the_bundle_of_the_environment_counts(
    server: SelfSignedServer, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    with session() as line:
        line.trust_env = True
        assert line.get(server.url, timeout=5).json() == {}


def test_a_bundle_that_is_not_there_is_told() -> None:
    with session() as line, pytest.raises(OSError, match="No such file"):
        line.get("https://127.0.0.1:1", timeout=5, verify="/no/such/bundle.pem")
