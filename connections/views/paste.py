"""Takes a connection as text, and leads to the form that it fills."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from access.rights import Right, requires
from connections import pasting
from connections.forms import ConnectionForm
from connections.types import type_of
from connections.uri import NotAConnection
from connections.views.catalogue import catalogue_page
from connections.views.finding import find_connection
from connections.views.form import form_page, load


@requires(Right.WRITE_CONNECTIONS)
@sensitive_post_parameters()
@sensitive_variables()
@require_POST
def paste(request: HttpRequest) -> HttpResponse:
    """With ``edit`` for a stored connection, else for a new one; ``conn_id`` is its wish."""
    if request.POST.get("edit"):
        return _replace(request, request.POST["edit"])
    try:
        connection = pasting.read(request.POST.get("text", ""))
    except NotAConnection as error:
        return catalogue_page(request, status=422, paste_words=str(error))
    wish = request.POST.get("conn_id", "")
    address = {"pasted": pasting.keep(connection, user=request.user)}
    return redirect(
        _url(reverse("connection-new"), {**address, "conn_id": wish} if wish else address)
    )


def _replace(request: HttpRequest, conn_id: str) -> HttpResponse:
    stored = find_connection(conn_id)
    try:
        connection = pasting.read(request.POST.get("text", ""))
        if connection.conn_type != stored.conn_type:
            raise NotAConnection(
                f"It is of the type {type_of(connection.conn_type).label}, and the type of a "
                "connection stays as it is. Create a new one from it."
            )
    except NotAConnection as error:
        form = ConnectionForm(stored.type, instance=stored, stored=load(stored))
        return form_page(request, form, status=422, paste_words=str(error))
    handle = pasting.keep(connection, user=request.user)
    return redirect(_url(reverse("connection-edit", args=[conn_id]), {"pasted": handle}))


def _url(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}"
