"""Tests a connection from its form, as it stands on the screen, or as it is stored."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_POST

from access.audit import Actor
from access.rights import WORDS, Right, caller_of, requires
from connections.forms import ConnectionForm
from connections.models import Connection, ConnectionTest
from connections.panels import panel_of
from connections.testing import refreshed, request_test
from connections.types import type_of
from connections.validation import wrong_conn_id
from connections.views.finding import find_connection
from connections.views.form import find_pasted, is_ready, load

PANEL = "connections/_test_panel.html"
#: What a draft is called that has no ID of its own yet.
UNSAVED = "unsaved"


@requires(Right.TEST_CONNECTIONS)
@sensitive_post_parameters()
@sensitive_variables()
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Test the form that was sent (``?type=``), or what is stored (``?conn_id=`` alone)."""
    conn_id = request.GET.get("conn_id", "")
    if "type" not in request.GET:
        connection = find_connection(conn_id)
        test, _ = request_test(None, conn_id=connection.conn_id, actor=Actor.of(request.user))
        return _answer(request, test)
    if not caller_of(request).may(Right.WRITE_CONNECTIONS):
        # With another host in it, a form sends the stored secrets there.
        raise PermissionDenied(f"Your role doesn't let you {WORDS[Right.WRITE_CONNECTIONS]}.")
    form = _form(request, conn_id)
    if not is_ready(request, form) or form.draft is None:
        return render(request, PANEL, {"errors": _errors(form)}, status=422)
    test, _ = request_test(form.draft, conn_id=form.draft.conn_id, actor=Actor.of(request.user))
    return _answer(request, test)


@requires(Right.TEST_CONNECTIONS)
@require_GET
def result(request: HttpRequest, pk: int) -> HttpResponse:
    test = refreshed(get_object_or_404(ConnectionTest, pk=pk))
    is_part = bool(request.headers.get("X-Requested-With"))
    template = PANEL if is_part else "connections/test.html"
    return render(request, template, {"panel": panel_of(test)})


def _answer(request: HttpRequest, test: ConnectionTest) -> HttpResponse:
    return redirect("connection-test-result", pk=test.pk)


def _form(request: HttpRequest, conn_id: str) -> ConnectionForm:
    """The form as it was sent; a new connection needs no free ID to be tested."""
    if conn_id:
        connection = find_connection(conn_id)
        return ConnectionForm(
            connection.type,
            request.POST,
            request.FILES,
            instance=connection,
            stored=load(connection),
            pasted=find_pasted(request),
        )
    data = request.POST.copy()
    typed = data.get("conn_id", "")
    if wrong_conn_id(typed) or Connection.objects.filter(conn_id=typed).exists():
        data["conn_id"] = UNSAVED
    return ConnectionForm(
        type_of(request.GET["type"]), data, request.FILES, pasted=find_pasted(request)
    )


def _errors(form: Any) -> list[tuple[str, str]]:
    """(label, words) of what must be mended before anything can be tested."""
    return [
        (form.fields[name].label or name if name in form.fields else "", words)
        for name, found in form.errors.items()
        for words in found
    ]
