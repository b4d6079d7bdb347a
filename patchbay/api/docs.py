"""The page that describes the API, and lets one try it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from access.rights import open_to_signed_in

DESCRIPTION = """\
Airflow's REST API for connections, DAGs and runs, and Patchbay's own calls beside it.

Send a token with every call: `Authorization: Bearer …`. `POST /auth/token` gives one for a
password, and Settings makes API tokens.

Every refusal is JSON with the key `detail`. 401: no token. 403: a token that isn't valid, or that
may not do this. 411: no length is told. 413: too much is sent. 422: what is sent can't be right,
with its places. 429: too many wrong passwords or tokens, with the time to wait.
"""


@dataclass(frozen=True)
class Call:
    """One operation, for who reads the page without JavaScript."""

    method: str
    path: str
    summary: str
    description: str


@open_to_signed_in
@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI from our own server; without JavaScript, a table of all calls."""
    from patchbay.api.urls import api

    paths: dict[str, dict[str, dict[str, Any]]] = api.get_openapi_schema()["paths"]
    calls = [
        Call(method.upper(), path, details["summary"], details.get("description", ""))
        for path, operations in paths.items()
        for method, details in operations.items()
    ]
    context = {"calls": calls, "schema": reverse("api:openapi-json")}
    return render(request, "api/docs.html", context)
