"""What a hook does: it gets a loaded connection, opens a session with it, and closes it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol

from connections.types.base import LoadedConnection


class Session(Protocol):
    """An open session, for an operator. ``identity`` says as whom, in words."""

    identity: str

    @property
    def secrets(self) -> set[str]:
        """Secrets that came into being with the session, such as its token."""


class Hook(ABC):
    """Opens sessions of one connection type. It never touches the database.

    ``closes_at_once`` is true for a hook whose ``close`` talks to nobody: then
    no commit is spent on showing that step 5 runs.
    """

    closes_at_once: ClassVar[bool] = False

    def __init__(self, connection: LoadedConnection) -> None:
        self.connection = connection
        #: Seconds that one call may take at most, whatever the connection says; a test sets it.
        self.longest_call = math.inf
        #: What ``open`` read elsewhere than in the connection, and must be masked.
        self.secrets: set[str] = set()

    @abstractmethod
    def open(self) -> Any:
        """A session whose credentials were accepted. Raise ``SessionFailure``."""

    @abstractmethod
    def sample_call(self, session: Any) -> str:
        """Make one harmless call, and say what it showed. Raise ``Failure``."""

    @abstractmethod
    def close(self, session: Any) -> None:
        """Free what the session holds."""
