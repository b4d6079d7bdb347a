"""Airflow's ``Connection`` and ``BaseHook``, as far as a task's own code may use them here.

A DAG file may import them anywhere; they work only while a task runs, in the
process that runs it (``tasks.python.inside``).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.exceptions import AirflowException
from tasks.dagfiles.authoring.running import RUNNING


class Sessions(Protocol):
    """What the child process offers to the code it runs."""

    context: dict[str, Any]

    def connection(self, conn_id: str) -> dict[str, Any]:
        """The fields of a connection. Raise ``Refused``."""

    def session(self, conn_id: str) -> Any:
        """An open session, one for each connection. Raise ``Refused`` or ``Failure``."""


#: Empty while a DAG file is read.
_offered: list[Sessions] = []


def offer(sessions: Sessions, *, hook: Callable[..., BaseHook]) -> None:
    """Let the task's code use connections from here on; ``hook`` makes one for a ``conn_id``."""
    _offered[:] = [sessions]
    RUNNING.context = lambda: sessions.context
    RUNNING.hook = hook
    RUNNING.connection = Connection.get


def _sessions() -> Sessions:
    if not _offered:
        raise ArgumentProblem(
            "Only the code of a task can use a connection, while it runs: "
            "move it into the function."
        )
    return _offered[0]


class Connection:
    """A connection as Airflow's code sees it. ``extra`` is JSON."""

    def __init__(self, conn_id: str = "", conn_type: str = "", **fields: Any) -> None:
        self.conn_id = conn_id
        self.conn_type = conn_type
        self.description: str | None = fields.pop("description", None)
        self.host: str | None = fields.pop("host", None)
        self.schema: str | None = fields.pop("schema", None)
        self.login: str | None = fields.pop("login", None)
        self.password: str | None = fields.pop("password", None)
        self.port: int | None = fields.pop("port", None)
        extra = fields.pop("extra", None)
        self.extra = json.dumps(extra) if isinstance(extra, dict) else extra
        if fields:
            raise TypeError(f"Connection has no field {next(iter(fields))!r}.")

    @classmethod
    def get(cls, conn_id: str) -> Connection:
        fields = _sessions().connection(conn_id)
        there = {name: value for name, value in fields.items() if name in _FIELDS}
        given: dict[str, Any] = {name: value for name, value in there.items() if value != ""}
        return cls(**given)

    get_connection_from_secrets = get

    @property
    def extra_dejson(self) -> dict[str, Any]:
        found = json.loads(self.extra) if self.extra else {}
        return found if isinstance(found, dict) else {}

    def get_password(self) -> str | None:
        return self.password

    def get_extra(self) -> str | None:
        return self.extra

    def get_hook(self) -> BaseHook:
        hook: BaseHook = RUNNING.hook(self.conn_id)
        return hook

    def __repr__(self) -> str:
        return f"<Connection {self.conn_id}, {self.conn_type}>"


_FIELDS = (
    *("conn_id", "conn_type", "description"),
    *("host", "schema", "login", "password", "port", "extra"),
)


class BaseHook:
    """Uses one connection. ``get_conn`` opens a session; it is closed when the task ends."""

    conn_name_attr: ClassVar[str] = "conn_id"
    default_conn_name: ClassVar[str] = ""
    #: The types of connections that fit; empty for all.
    conn_types: ClassVar[tuple[str, ...]] = ()

    def __init__(self, conn_id: str | None = None, **given: Any) -> None:
        self.conn_id: str = (
            given.pop(self.conn_name_attr, None) or conn_id or self.default_conn_name
        )
        setattr(self, self.conn_name_attr, self.conn_id)
        self.log = logging.getLogger(f"airflow.task.hooks.{type(self).__name__}")
        self.configure(**given)

    def configure(self, *, logger_name: str | None = None) -> None:
        """Take the other arguments of the constructor."""

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        return Connection.get(conn_id)

    @classmethod
    def get_hook(cls, conn_id: str, hook_params: dict[str, Any] | None = None) -> BaseHook:
        """The hook that fits the connection's type."""
        hook: BaseHook = RUNNING.hook(conn_id, hook_params)
        return hook

    def get_conn(self) -> Any:
        """The client; of a type without a hook of its own, Patchbay's session."""
        return self.session

    @property
    def session(self) -> Any:
        """Patchbay's session, the same one until the task ends."""
        conn_type = _sessions().connection(self.conn_id)["conn_type"]
        if self.conn_types and conn_type not in self.conn_types:
            raise AirflowException(
                f"{type(self).__name__} can't use {self.conn_id}, "
                f"a connection of the type {conn_type}."
            )
        return _sessions().session(self.conn_id)
