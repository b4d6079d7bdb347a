"""Who may do what: the rights, the roles that hold them, and the one question.

Pages, the admin, the API and tokens all ask ``Caller.may``. A right is a
permission of Django, a role is a group of Django's that a migration makes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from django.http import HttpRequest

from access.audit import Actor

View = TypeVar("View", bound=Callable[..., Any])


class Right(StrEnum):
    """The values are names of Django permissions."""

    SEE = "connections.view_connection"
    TEST_CONNECTIONS = "connections.test_connection"
    WRITE_CONNECTIONS = "connections.change_connection"
    IMPORT_CONNECTIONS = "connections.import_connection"
    EXPORT_CONNECTIONS = "connections.export_connection"
    EXPORT_SECRETS = "connections.export_secrets"
    TRIGGER = "tasks.trigger_dag"
    CANCEL = "tasks.cancel_dagrun"
    WRITE_DAGS = "tasks.change_dag"
    MANAGE_USERS = "auth.change_user"
    MANAGE_TOKENS = "access.change_apitoken"
    USE_ADMIN = "access.use_admin"


#: What a person who lacks a right is told it is for.
WORDS = {
    Right.SEE: "see Patchbay's pages",
    Right.TEST_CONNECTIONS: "test connections",
    Right.WRITE_CONNECTIONS: "create, change and delete connections",
    Right.IMPORT_CONNECTIONS: "import connections",
    Right.EXPORT_CONNECTIONS: "export connections",
    Right.EXPORT_SECRETS: "export secrets",
    Right.TRIGGER: "trigger DAGs",
    Right.CANCEL: "cancel runs",
    Right.WRITE_DAGS: "change DAGs",
    Right.MANAGE_USERS: "manage users and their roles",
    Right.MANAGE_TOKENS: "manage the tokens of others",
    Right.USE_ADMIN: "use the admin",
}

VIEWER = frozenset({Right.SEE})
OPERATOR = VIEWER | {Right.TEST_CONNECTIONS, Right.TRIGGER, Right.CANCEL}
EDITOR = OPERATOR | {
    Right.WRITE_CONNECTIONS,
    Right.IMPORT_CONNECTIONS,
    Right.EXPORT_CONNECTIONS,
    Right.WRITE_DAGS,
}
ADMIN = frozenset(Right)
#: From the least to the most; each holds all that the one before it holds.
ROLES: dict[str, frozenset[Right]] = {
    "Viewer": VIEWER,
    "Operator": OPERATOR,
    "Editor": EDITOR,
    "Admin": ADMIN,
}

#: What a token of a scope may do at most, of what its user may do.
SCOPES: dict[str, frozenset[Right]] = {
    "read": frozenset({Right.SEE}),
    "write": frozenset(
        {
            Right.SEE,
            Right.WRITE_CONNECTIONS,
            Right.IMPORT_CONNECTIONS,
            Right.EXPORT_CONNECTIONS,
            Right.WRITE_DAGS,
        }
    ),
    "use": frozenset({Right.TEST_CONNECTIONS, Right.TRIGGER, Right.CANCEL, Right.EXPORT_SECRETS}),
}


@dataclass(frozen=True)
class Caller:
    """A user, and the scopes of the token that was used; ``None`` for one without a token."""

    user: Any
    scopes: Collection[str] | None = None

    def may(self, right: Right) -> bool:
        if self.scopes is not None and not any(right in SCOPES[scope] for scope in self.scopes):
            return False
        return bool(self.user.is_active and self.user.has_perm(right))

    @property
    def actor(self) -> Actor:
        return Actor.of(self.user)


def caller_of(request: HttpRequest) -> Caller:
    """The API sets ``request.caller`` when it knows the token; pages have the session's user."""
    caller = getattr(request, "caller", None)
    return caller if isinstance(caller, Caller) else Caller(request.user)


def requires(right: Right, *, post: Right | None = None) -> Callable[[View], View]:
    """Mark a view with the right that it needs, and another for all that isn't read.

    ``RightsMiddleware`` asks for it. A view without a mark is shut to everybody.
    """

    def mark(view: View) -> View:
        view.required_rights = (right, post or right)  # type: ignore[attr-defined]
        return view

    return mark


def open_to_signed_in(view: View) -> View:
    """Mark a view that whoever is signed in may use, also without a role."""
    view.required_rights = None  # type: ignore[attr-defined]
    return view


class OfferedRights:
    """For templates: ``{% if may.write_connections %}``. What one may not isn't offered."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def __getitem__(self, name: str) -> bool:
        return self._caller.may(Right[name.upper()])


def offered(request: HttpRequest) -> dict[str, Any]:
    """A context processor. Nothing is queried until a template asks."""
    return {"may": OfferedRights(caller_of(request))} if hasattr(request, "user") else {}
