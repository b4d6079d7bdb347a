"""The page that describes the API, and lets one try it."""

from __future__ import annotations

import re
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

Every refusal of a call is JSON with the key `detail`. 401: no token. 403: a token that isn't valid,
or that may not do this. 411: no length is told. 413: too much is sent. 422: what is sent can't be
right, with its places. 429: too many wrong passwords or tokens, with the time to wait.
"""


@dataclass(frozen=True)
class Piece:
    """A piece of a text: plain words, or what stands between backticks."""

    text: str
    is_code: bool


@dataclass(frozen=True)
class Call:
    """One operation, for who reads the page without JavaScript."""

    method: str
    #: Its parts, after each of which a line may break.
    path: tuple[str, ...]
    summary: str
    description: tuple[Piece, ...]


@dataclass(frozen=True)
class Group:
    """The operations of one tag."""

    name: str
    calls: tuple[Call, ...]


@open_to_signed_in
@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI from our own server; without JavaScript, tables of all calls."""
    from patchbay.api.urls import api

    schema = api.get_openapi_schema()
    context = {
        "groups": groups_of(schema["paths"]),
        "about": [pieces_of(part) for part in DESCRIPTION.strip().split("\n\n")],
        "schema": reverse("api:openapi-json"),
    }
    return render(request, "api/docs.html", context)


def groups_of(paths: dict[str, dict[str, dict[str, Any]]]) -> list[Group]:
    """In the order of the description."""
    found: dict[str, list[Call]] = {}
    for path, operations in paths.items():
        for method, details in operations.items():
            call = Call(
                method.upper(),
                tuple(re.findall(r"/[^/]*", path)),
                details["summary"],
                pieces_of(details.get("description", "")),
            )
            found.setdefault(details["tags"][0], []).append(call)
    return [Group(name, tuple(calls)) for name, calls in found.items()]


def pieces_of(text: str) -> tuple[Piece, ...]:
    """What the descriptions have of Markdown is code between backticks."""
    parts = enumerate(text.split("`"))
    return tuple(Piece(part, is_code=number % 2 == 1) for number, part in parts if part)
