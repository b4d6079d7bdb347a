"""The audit trail's page."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from access.models import AuditEvent
from access.rights import Right, requires

PAGE_SIZE = 50


@requires(Right.SEE)
@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    page = Paginator(AuditEvent.objects.all(), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "access/audit.html", {"page": page})
