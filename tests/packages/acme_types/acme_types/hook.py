"""Opens sessions of ``acme_reports``. Imported when the first one is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from connections.hooks.base import Hook


@dataclass
class AcmeSession:
    """An open session; what it made up itself and is secret stands in ``secrets``."""

    identity: str
    secrets: set[str] = field(default_factory=set, repr=False)


class AcmeHook(Hook):
    """Asks nobody: it is an example."""

    closes_at_once = True

    def open(self) -> Any:
        return AcmeSession(identity=f"reader of {self.connection.host}")

    def sample_call(self, session: Any) -> str:
        return f"{self.connection.host} would answer {session.identity}."

    def close(self, session: Any) -> None:
        session.secrets.clear()
