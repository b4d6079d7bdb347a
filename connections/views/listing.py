"""The list of connections. It never decrypts anything."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from access.rights import Right, requires
from connections.dependents import dependents_of
from connections.models import Connection


@requires(Right.SEE)
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The list. It never decrypts anything."""
    search = request.GET.get("q", "").replace("\0", "").strip()
    rows = Connection.objects.defer("login", "password", "extra")
    total = rows.count()
    if search:
        rows = rows.filter(
            Q(conn_id__icontains=search)
            | Q(description__icontains=search)
            | Q(target__icontains=search)
        )
    connections = list(rows)
    used = dependents_of(row.conn_id for row in connections)
    context = {
        "connections": [(row, used[row.conn_id]) for row in connections],
        "total": total,
        "search": search,
    }
    return render(request, "connections/index.html", context)
