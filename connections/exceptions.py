"""What can go wrong with a connection: stable codes, never words.

The words that a person reads stand in ``connections/diagnosis.py``.
"""

from __future__ import annotations

from typing import Any


class PatchbayError(Exception):
    """The root of all errors that Patchbay raises on purpose."""


class Failure(PatchbayError):
    """An expected failure, with a stable ``code`` and the facts that its words need.

    ``vendor_message`` is what the other side said; it is masked before it is
    stored. ``retry_after`` is in seconds, where the other side named a time.
    """

    def __init__(
        self,
        code: str,
        *,
        vendor_message: str = "",
        retry_after: float | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts
        self.vendor_message = vendor_message
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.code


class ConnectionFailure(Failure):
    """The connection itself can't be used: step 2 of a run."""


class SecretsUnreadable(ConnectionFailure):
    """No configured key decrypts the stored secrets. They are left as they are."""

    def __init__(self, *, conn_id: str, field: str) -> None:
        super().__init__("connection:secrets-unreadable", conn_id=conn_id, field=field)
        self.conn_id = conn_id
        self.field = field


class SessionFailure(Failure):
    """No session could be opened or closed with the connection: steps 3 and 5."""


class InvalidConnection(PatchbayError):
    """A draft that can't be saved: the words for each field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {words}" for name, words in errors.items()))
        self.errors = errors


class StaleConnection(PatchbayError):
    """Somebody else saved the connection since it was read."""
