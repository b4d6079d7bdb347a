"""One connection: what it is, whether it works, who uses it, what was done to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from access.models import AuditEvent
from access.rights import Right, requires
from connections.dependents import dependents_of, refused_of, usage_of
from connections.exceptions import SecretsUnreadable
from connections.from_environment import EnvironmentConnection, look_up
from connections.models import Connection
from connections.panels import outcome_of, panel_of
from connections.presentation import groups_of
from connections.snippets import snippets_of
from connections.testing import can_test
from connections.types import type_of
from connections.types.base import LoadedConnection
from connections.validation import wrong_conn_id
from connections.views.finding import find_connection

PAGE_SIZE = 50
TABS = (
    ("connection", "Overview"),
    ("connection-health", "Health"),
    ("connection-used-by", "Used by"),
    ("connection-audit", "Audit"),
)


@dataclass(frozen=True)
class _Subject:
    """What an ID names: something stored, or a variable of the environment, or both."""

    stored: Connection | None
    from_environment: EnvironmentConnection | None

    @property
    def conn_id(self) -> str:
        found = self.stored or self.from_environment
        assert found is not None
        return found.conn_id

    def load(self) -> LoadedConnection | None:
        """What tasks get; ``None`` if it can't be read."""
        if self.from_environment is not None:
            return self.from_environment.connection
        try:
            return self.stored.load() if self.stored else None
        except SecretsUnreadable:
            return None


_SubjectView = Callable[[HttpRequest, _Subject], HttpResponse]


@requires(Right.SEE)
@require_GET
def short(request: HttpRequest, conn_id: str) -> HttpResponse:
    return redirect("connection", conn_id=conn_id)


def _of_subject(view: _SubjectView) -> Callable[[HttpRequest, str], HttpResponse]:
    """The view by an ID; where it names nothing, a page that says who asks for it."""

    @wraps(view)
    def of_id(request: HttpRequest, conn_id: str) -> HttpResponse:
        subject = _find_subject(conn_id)
        return view(request, subject) if subject else _missing(request, conn_id)

    return of_id


@requires(Right.SEE)
@require_GET
@_of_subject
def overview(request: HttpRequest, subject: _Subject) -> HttpResponse:
    facts = subject.stored.secret_facts if subject.stored and not subject.from_environment else {}
    loaded = subject.load()
    test = subject.stored.tests.first() if subject.stored else None
    return _page(
        request,
        subject,
        "overview",
        groups=groups_of(loaded, facts) if loaded else [],
        facts=facts,
        is_unreadable=loaded is None and subject.from_environment is None,
        snippets=snippets_of(loaded) if loaded else [],
        panel=panel_of(test) if test else None,
    )


@requires(Right.SEE)
@require_GET
@_of_subject
def health(request: HttpRequest, subject: _Subject) -> HttpResponse:
    tests = list(subject.stored.tests.all()) if subject.stored else []
    return _page(
        request,
        subject,
        "health",
        tests=[(test, outcome_of(test)) for test in tests],
        panel=panel_of(tests[0]) if tests else None,
    )


@requires(Right.SEE)
@require_GET
@_of_subject
def used_by(request: HttpRequest, subject: _Subject) -> HttpResponse:
    return _page(request, subject, "used_by", usage=usage_of(subject.conn_id))


@requires(Right.SEE)
@require_GET
@_of_subject
def audit(request: HttpRequest, subject: _Subject) -> HttpResponse:
    events = AuditEvent.objects.filter(object_type="connection", object_id=subject.conn_id)
    page = Paginator(events, PAGE_SIZE).get_page(request.GET.get("page"))
    return _page(request, subject, "audit", page=page)


def _find_subject(conn_id: str) -> _Subject | None:
    found = look_up(conn_id)
    try:
        return _Subject(find_connection(conn_id), found)
    except Http404:
        return _Subject(None, found) if found else None


def _missing(request: HttpRequest, conn_id: str) -> HttpResponse:
    if wrong_conn_id(conn_id):
        raise Http404("No connection can have this ID.")
    context = {"conn_id": conn_id, "dependents": dependents_of([conn_id])[conn_id]}
    return render(request, "connections/missing.html", context, status=404)


def _page(request: HttpRequest, subject: _Subject, tab: str, **more: Any) -> HttpResponse:
    variable = subject.from_environment
    shown = (variable.connection if variable else None) or subject.stored
    context = {
        "connection": subject.stored,
        "from_environment": subject.from_environment,
        "conn_id": subject.conn_id,
        "type": type_of(shown.conn_type) if shown else None,
        "description": shown.description if shown else "",
        "can_test": shown is not None and can_test(shown.conn_type),
        "dependents": dependents_of([subject.conn_id])[subject.conn_id],
        "refused": refused_of(subject.conn_id) if tab in ("overview", "health") else None,
        "tabs": TABS,
        "tab": {"overview": "connection"}.get(tab, f"connection-{tab.replace('_', '-')}"),
        **more,
    }
    return render(request, f"connections/detail_{tab}.html", context)
