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
from connections import services
from connections.dependents import dependents_of
from connections.exceptions import InvalidConnection, SecretsUnreadable, StaleConnection
from connections.forms import ConnectionForm
from connections.models import Connection
from connections.types import TYPES
from connections.types.base import ConnectionType, LoadedConnection
from connections.validation import wrong_conn_id
from connections.views.finding import find_connection

DEFAULT_TYPE = "google_cloud_platform"


@requires(Right.WRITE_CONNECTIONS)
@sensitive_post_parameters()
@sensitive_variables()
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    connection_type = _type(request.GET.get("type", DEFAULT_TYPE))
    if request.method == "GET":
        initial = {"conn_id": request.GET.get("conn_id", "")}
        form = ConnectionForm(connection_type, initial=initial)
        return _form_page(request, form)
    form = ConnectionForm(connection_type, request.POST, request.FILES)
    if form.is_valid() and form.draft is not None:
        try:
            services.create_connection(form.draft, actor=Actor.of(request.user))
        except InvalidConnection as error:
            form.refuse(error.errors)
        else:
            messages.success(request, f"Connection {form.draft.conn_id} is created.")
            return redirect("connections")
    return _form_page(request, form, status=422)


@requires(Right.WRITE_CONNECTIONS)
@sensitive_post_parameters()
@sensitive_variables()
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, conn_id: str) -> HttpResponse:
    connection = find_connection(conn_id)
    connection_type = _type(connection.conn_type)
    stored = _load(connection)
    if request.method == "GET":
        return _form_page(
            request, ConnectionForm(connection_type, instance=connection, stored=stored)
        )
    form = ConnectionForm(
        connection_type, request.POST, request.FILES, instance=connection, stored=stored
    )
    if form.is_valid() and form.draft is not None and _update(request, form):
        messages.success(request, f"Connection {conn_id} is saved.")
        return redirect("connections")
    return _form_page(request, form, status=422)


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


def _type(name: str) -> ConnectionType:
    if name not in TYPES:
        raise Http404(f"There is no connection type {name}.")
    return TYPES[name]


def _load(connection: Connection) -> LoadedConnection | None:
    try:
        return connection.load()
    except SecretsUnreadable:
        return None


def _form_page(request: HttpRequest, form: ConnectionForm, *, status: int = 200) -> HttpResponse:
    connection = form.instance
    context: dict[str, Any] = {
        "form": form,
        "type": form.type,
        "connection": connection,
        "dependents": dependents_of([connection.conn_id])[connection.conn_id] if connection else [],
    }
    return render(request, "connections/form.html", context, status=status)
