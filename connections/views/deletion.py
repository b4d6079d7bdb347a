"""Asks before a connection is deleted, and names what depends on it."""

from __future__ import annotations

from contextlib import suppress

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from access.audit import Actor
from access.rights import Right, requires
from connections import services
from connections.dependents import dependents_of
from connections.models import Connection
from connections.views.finding import find_connection


@requires(Right.WRITE_CONNECTIONS)
@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, conn_id: str) -> HttpResponse:
    connection = find_connection(conn_id)
    if request.method == "POST":
        with suppress(Connection.DoesNotExist):
            services.delete_connection(conn_id, actor=Actor.of(request.user))
        messages.success(request, f"Connection {conn_id} is deleted.")
        return redirect("connections")
    context = {"connection": connection, "dependents": dependents_of([conn_id])[conn_id]}
    return render(request, "connections/delete.html", context)
