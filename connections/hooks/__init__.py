"""Opens and closes sessions. A vendor's SDK is imported when its first session is opened."""

from __future__ import annotations

from importlib import import_module

from connections.hooks.base import Hook, Session
from connections.types import TYPES
from connections.types.base import LoadedConnection

__all__ = ["Hook", "Session", "hook_for"]


def hook_for(connection: LoadedConnection) -> Hook:
    """The hook of the connection's type. Raise ``LookupError`` for a type without one."""
    declared = TYPES.get(connection.conn_type)
    if declared is None or not declared.hook:
        raise LookupError(connection.conn_type)
    module, _, name = declared.hook.partition(":")
    hook: Hook = getattr(import_module(module), name)(connection)
    return hook
