"""Which help page belongs to a page of the product."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse

from access.rights import Right, caller_of
from connections.models import Connection
from connections.types import type_of
from patchbay.help.pages import address_of

#: name of the page's address -> help page, and a heading of it.
PLACES: dict[str, str] = {
    "dashboard": "dag-pages#the-dashboard",
    "dags": "dag-pages#the-list-of-dags",
    "dag": "dag-pages#the-page-of-a-dag",
    "dag-trigger": "dag-pages#triggering-with-params",
    "dag-pause": "schedules#pause",
    "dag-new": "dag-editor",
    "dag-edit": "dag-editor",
    "dag-delete": "dag-editor#saving",
    "dag-versions": "dag-pages#versions",
    "dag-version": "dag-pages#versions",
    "runs": "dag-pages#the-list-of-runs",
    "run": "runs",
    "run-cancel": "runs#what-you-can-do",
    "run-clear": "runs#what-you-can-do",
    "run-note": "runs#what-you-can-do",
    "task-instance": "runs#a-tasks-page",
    "task-cancel": "runs#what-you-can-do",
    "task-mark": "runs#what-you-can-do",
    "connections": "connections#the-list",
    "connections-bulk": "connections#several-at-once",
    "connections-import": "import-export#importing",
    "connections-export": "import-export#exporting",
    "connection-paste": "connections#the-form",
    "connection-delete": "connections#the-list",
    "audit": "access",
    "settings": "access",
    "settings-password": "access#users",
    "tokens": "access#tokens",
    "token-delete": "access#tokens",
    "users": "access#users",
    "user-new": "access#users",
    "user": "access#users",
    "user-role": "access#roles",
    "user-password": "access#users",
    "user-activation": "access#users",
    "user-delete": "access#users",
    "api-docs": "rest-api",
}
#: Here it depends on the type of the connection.
_OF_A_TYPE = ("connection", "connection-edit", "connection-new")
_TYPES = "connection-types"


def help_for(request: HttpRequest) -> str:
    """The address of the help that fits the page of ``request``."""
    match = request.resolver_match
    name = match.url_name if match else None
    if match and name in _OF_A_TYPE:
        return _of_type(request, str(match.kwargs.get("conn_id", "")))
    place, _, anchor = PLACES.get(name or "", "").partition("#")
    return address_of(place, anchor) if place else reverse("help")


def _of_type(request: HttpRequest, conn_id: str) -> str:
    conn_type = request.GET.get("type", "")
    # Whatever an address may hold comes here, from whomever; a zero byte is no text to PostgreSQL.
    if conn_id.isprintable() and conn_id and caller_of(request).may(Right.SEE):
        rows = Connection.objects.filter(conn_id=conn_id)
        conn_type = rows.values_list("conn_type", flat=True).first() or ""
    if not conn_type:
        return address_of(_TYPES) if not conn_id else address_of("connections")
    return address_of_docs(type_of(conn_type).docs)


def address_of_docs(docs: str) -> str:
    """``docs/connection-types-cloud.md#mysql``, as a type names it."""
    path, _, anchor = docs.partition("#")
    name = path.removeprefix("docs/").removesuffix(".md")
    return address_of(name, anchor) if path else address_of(_TYPES)
