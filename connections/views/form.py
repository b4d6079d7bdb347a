"""The form of a new or a stored connection."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods

from access.audit import Actor
from access.rights import Right, requires
from connections import pasting, services
from connections.dependents import dependents_of
from connections.exceptions import InvalidConnection, SecretsUnreadable, StaleConnection
from connections.forms import ConnectionForm
from connections.models import Connection
from connections.pasting import Pasted
from connections.types import TYPES, type_of
from connections.types.base import LoadedConnection
from connections.validation import wrong_conn_id
from connections.views.catalogue import catalogue_page
from connections.views.finding import find_connection


@requires(Right.WRITE_CONNECTIONS)
@sensitive_post_parameters()
@sensitive_variables()
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """The catalogue of types, and with ``?type=`` or something pasted its form."""
    if request.method == "POST":
        return _create(request)
    pasted = find_pasted(request)
    name = pasted.connection.conn_type if pasted else request.GET.get("type", "")
    if request.GET.get("pasted") and not pasted:
        return catalogue_page(request, paste_words=pasting.IS_OVER)
    if not name:
        return catalogue_page(request)
    if name not in TYPES and not pasted:
        raise Http404(f"There is no connection type {name}.")
    initial = {"conn_id": request.GET.get("conn_id", "")}
    return form_page(request, ConnectionForm(type_of(name), initial=initial, pasted=pasted))


def _create(request: HttpRequest) -> HttpResponse:
    name = request.POST.get("conn_type") or request.GET.get("type", "")
    pasted = find_pasted(request)
    if name not in TYPES and not pasted:
        if request.POST.get("pasted"):
            return catalogue_page(request, status=422, paste_words=pasting.IS_OVER)
        raise Http404(f"There is no connection type {name}.")
    form = ConnectionForm(type_of(name), request.POST, request.FILES, pasted=pasted)
    if is_ready(request, form) and form.draft is not None:
        try:
            services.create_connection(form.draft, actor=Actor.of(request.user))
        except InvalidConnection as error:
            form.refuse(error.errors)
        else:
            messages.success(request, f"Connection {form.draft.conn_id} is created.")
            return _leave(request, form.draft.conn_id, pasted)
    return form_page(request, form, status=422)


@requires(Right.WRITE_CONNECTIONS)
@sensitive_post_parameters()
@sensitive_variables()
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, conn_id: str) -> HttpResponse:
    connection = find_connection(conn_id)
    stored = load(connection)
    pasted = find_pasted(request)
    if request.method == "GET":
        return form_page(
            request,
            ConnectionForm(connection.type, instance=connection, stored=stored, pasted=pasted),
            paste_words=pasting.IS_OVER if request.GET.get("pasted") and not pasted else "",
        )
    form = ConnectionForm(
        connection.type,
        request.POST,
        request.FILES,
        instance=connection,
        stored=stored,
        pasted=pasted,
    )
    if is_ready(request, form) and form.draft is not None and _update(request, form):
        messages.success(request, f"Connection {conn_id} is saved.")
        return _leave(request, conn_id, pasted)
    return form_page(request, form, status=422)


def find_pasted(request: HttpRequest) -> Pasted | None:
    """What the form was filled from, if it was pasted."""
    handle = (request.POST if request.method == "POST" else request.GET).get("pasted", "")
    return pasting.find(handle, user=request.user) if handle else None


def is_ready(request: HttpRequest, form: ConnectionForm) -> bool:
    """Whether what was sent is right, and what it was filled from still there."""
    is_valid = form.is_valid()
    if request.POST.get("pasted") and form.pasted is None:
        form.refuse({"": pasting.IS_OVER})
        return False
    return is_valid


def _leave(request: HttpRequest, conn_id: str, pasted: Pasted | None) -> HttpResponse:
    """To the connection's own page, where it can be tested."""
    if pasted:
        pasting.forget(pasted.handle, user=request.user)
    return redirect("connection", conn_id=conn_id)


def _update(request: HttpRequest, form: ConnectionForm) -> bool:
    assert form.draft is not None
    try:
        services.update_connection(
            form.draft,
            actor=Actor.of(request.user),
            version=form.cleaned_data["version"] or 0,
            discard_unreadable=form.is_unreadable,
        )
    except StaleConnection:
        words = (
            "This connection was saved meanwhile, by somebody else or in another tab. "
            "Open it again and repeat your change."
        )
        form.refuse({"": words})
        return False
    except Connection.DoesNotExist:
        raise Http404(f"The connection {form.draft.conn_id} was deleted meanwhile.") from None
    return True


@requires(Right.WRITE_CONNECTIONS)
@require_GET
def check_conn_id(request: HttpRequest) -> HttpResponse:
    """What is wrong with an ID while it is typed; a fragment of the form."""
    conn_id = request.GET.get("conn_id", "").strip()
    words = wrong_conn_id(conn_id) if conn_id else ""
    if conn_id and not words and Connection.objects.filter(conn_id=conn_id).exists():
        words = f"There is a connection {conn_id} already."
    return render(request, "connections/_conn_id_words.html", {"words": words})


def load(connection: Connection) -> LoadedConnection | None:
    """It in clear, or ``None`` if no configured key reads it."""
    try:
        return connection.load()
    except SecretsUnreadable:
        return None


def form_page(
    request: HttpRequest, form: ConnectionForm, *, status: int = 200, paste_words: str = ""
) -> HttpResponse:
    """``paste_words`` say why what was pasted can't fill this form."""
    connection = form.instance
    context: dict[str, Any] = {
        "form": form,
        "type": form.type,
        "connection": connection,
        "paste_words": paste_words,
        "dependents": dependents_of([connection.conn_id])[connection.conn_id] if connection else [],
    }
    return render(request, "connections/form.html", context, status=status)
