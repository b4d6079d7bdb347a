"""Ports: one clear line for a wrong or taken one, and free ones that are free."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from patchbay.local.errors import LocalError
from patchbay.local.ports import HOST, check_free, free_port, web_port


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("text", ["", "web", "0", "65536", "-1", "80.5", "\uff18\uff10", "1e3"])
def test_a_port_that_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(LocalError, match="PORT must be a number from 1 to 65535"):
        web_port(text)


def test_a_taken_port_is_refused_with_a_way_out(taken: int) -> None:
    with pytest.raises(LocalError) as raised:
        check_free(taken)
    assert f"Port {taken} is taken" in str(raised.value)
    assert f"PORT={taken + 1} make run" in str(raised.value)


def test_a_free_port_passes() -> None:
    check_free(free_port())


def test_the_preferred_port_is_taken_if_it_is_free(taken: int) -> None:
    free = free_port()
    assert free_port(preferred=free) == free
    assert free_port(preferred=taken) != taken
    assert free_port(preferred=free, but=(free,)) != free
