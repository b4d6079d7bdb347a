"""Which ports are free. Everything of a local Patchbay listens on 127.0.0.1 only."""

from __future__ import annotations

import errno
import os
import socket

from patchbay.local.errors import LocalError

HOST = "127.0.0.1"


def web_port(text: str) -> int:
    """The port that PORT names. Raise ``LocalError`` where it is none, or taken."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65_536:
        raise LocalError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def check_free(port: int) -> None:
    """Raise ``LocalError`` where nothing can listen on ``port``."""
    code = _try(port)
    if code == errno.EADDRINUSE:
        other = port + 1 if port < 65_535 else 8000
        raise LocalError(
            f"Port {port} is taken by another program: end that, or choose another port,"
            f" for example PORT={other} make run."
        )
    if code:
        raise LocalError(f"Port {port} can't be used: {os.strerror(code)}.")


def free_port(*, preferred: int = 0, but: tuple[int, ...] = ()) -> int:
    """``preferred`` where it is free, else any free port. Not one of ``but``."""
    if preferred and preferred not in but and not _try(preferred):
        return preferred
    while True:
        with socket.socket() as listener:
            listener.bind((HOST, 0))
            port = int(listener.getsockname()[1])
        if port not in but:
            return port


def _try(port: int) -> int:
    """0, or the error number of the attempt to listen."""
    with socket.socket() as listener:
        # As the servers do, so that connections that just ended are no hindrance.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(1)
        except OSError as error:
            return error.errno or errno.EADDRINUSE
    return 0
