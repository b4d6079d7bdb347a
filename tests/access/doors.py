"""Every address of Patchbay, and who may go through it: the table of test_every_door.py.

Who adds an address adds a line here: a page by its name with the least role
for reading and the least role for all else, a call of the API by its method
and path with the least role and the scopes of tokens that open it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

ANYBODY, SIGNED_IN = "anybody", "signed in"
VIEWER, OPERATOR, EDITOR, ADMIN = "Viewer", "Operator", "Editor", "Admin"
#: From the least to the most. Who has no role is signed in, and no more.
RANKS = (ANYBODY, SIGNED_IN, VIEWER, OPERATOR, EDITOR, ADMIN)

#: name of the page -> (least role for GET, least role for POST and all other methods)
PAGES: dict[str, tuple[str, str]] = {
    "healthz": (ANYBODY, ANYBODY),
    "login": (ANYBODY, ANYBODY),
    "logout": (SIGNED_IN, SIGNED_IN),
    # tasks
    "dashboard": (VIEWER, VIEWER),
    "dashboard-events": (VIEWER, VIEWER),
    "dags": (VIEWER, VIEWER),
    "dag": (VIEWER, VIEWER),
    "dag-trigger": (OPERATOR, OPERATOR),
    "dag-pause": (VIEWER, OPERATOR),
    "dag-new": (EDITOR, EDITOR),
    "dag-edit": (EDITOR, EDITOR),
    "dag-delete": (EDITOR, EDITOR),
    "dag-download": (VIEWER, VIEWER),
    "dag-versions": (VIEWER, VIEWER),
    "dag-version": (VIEWER, VIEWER),
    "runs": (VIEWER, VIEWER),
    "run": (VIEWER, VIEWER),
    "run-events": (VIEWER, VIEWER),
    "run-log": (VIEWER, VIEWER),
    "run-cancel": (VIEWER, OPERATOR),
    "run-clear": (VIEWER, OPERATOR),
    "run-note": (VIEWER, OPERATOR),
    "task-instance": (VIEWER, VIEWER),
    "task-cancel": (VIEWER, OPERATOR),
    "task-mark": (VIEWER, OPERATOR),
    # connections
    "connections": (VIEWER, VIEWER),
    "connections-bulk": (VIEWER, VIEWER),
    "connections-import": (EDITOR, EDITOR),
    "connections-export": (EDITOR, EDITOR),
    "connection-new": (EDITOR, EDITOR),
    "connection-paste": (EDITOR, EDITOR),
    "connection-check-id": (EDITOR, EDITOR),
    "connection-short": (VIEWER, VIEWER),
    "connection": (VIEWER, VIEWER),
    "connection-health": (VIEWER, VIEWER),
    "connection-used-by": (VIEWER, VIEWER),
    "connection-audit": (VIEWER, VIEWER),
    "connection-edit": (EDITOR, EDITOR),
    "connection-delete": (EDITOR, EDITOR),
    "connection-test": (OPERATOR, OPERATOR),
    "connection-test-result": (OPERATOR, OPERATOR),
    # access
    "audit": (VIEWER, VIEWER),
    "settings": (SIGNED_IN, SIGNED_IN),
    "settings-password": (SIGNED_IN, SIGNED_IN),
    "tokens": (VIEWER, VIEWER),
    "token-delete": (ADMIN, ADMIN),
    "users": (ADMIN, ADMIN),
    "user-new": (ADMIN, ADMIN),
    "user": (ADMIN, ADMIN),
    "user-role": (ADMIN, ADMIN),
    "user-password": (ADMIN, ADMIN),
    "user-activation": (ADMIN, ADMIN),
    "user-delete": (ADMIN, ADMIN),
    # help
    "help": (SIGNED_IN, SIGNED_IN),
    "help-page": (SIGNED_IN, SIGNED_IN),
    # the API's description
    "api-docs": (SIGNED_IN, SIGNED_IN),
    "api:openapi-json": (SIGNED_IN, SIGNED_IN),
}

#: Its answers don't end, and give back the database's connection: asked by its mark alone.
STREAMS = {"dashboard-events", "run-events"}

SEEING, WRITING, USING = {"read", "write"}, {"write"}, {"use"}
ANY_TOKEN = {"read", "write", "use"}
V1, V2 = "/api/patchbay/v1", "/api/v2"
RUNS = f"{V2}/dags/{{dag_id}}/dagRuns"
RUN = f"{RUNS}/{{dag_run_id}}"
TASKS = f"{RUN}/taskInstances"
#: method and path of the call -> (least role, scopes of which a token needs one)
CALLS: dict[str, tuple[str, set[str]]] = {
    "POST /auth/token": (ANYBODY, ANY_TOKEN),
    "POST /auth/token/cli": (ANYBODY, ANY_TOKEN),
    "GET /api/v2/version": (ANYBODY, ANY_TOKEN),
    "GET /api/v2/monitor/health": (ANYBODY, ANY_TOKEN),
    "GET /api/v2/connections": (VIEWER, SEEING),
    "POST /api/v2/connections": (EDITOR, WRITING),
    "PATCH /api/v2/connections": (EDITOR, WRITING),
    "GET /api/v2/connections/{connection_id}": (VIEWER, SEEING),
    "PATCH /api/v2/connections/{connection_id}": (EDITOR, WRITING),
    "DELETE /api/v2/connections/{connection_id}": (EDITOR, WRITING),
    "POST /api/v2/connections/defaults": (EDITOR, WRITING),
    "POST /api/v2/connections/test": (OPERATOR, USING),
    "POST /api/v2/connections/enqueue-test": (OPERATOR, USING),
    "GET /api/v2/connections/enqueue-test": (OPERATOR, USING),
    f"POST {V1}/connections/import": (EDITOR, WRITING),
    f"POST {V1}/connections/export": (EDITOR, WRITING),
    f"GET {V1}/connections/{{connection_id}}/used-by": (VIEWER, SEEING),
    f"GET {V1}/connection-types": (VIEWER, SEEING),
    f"GET {V1}/connection-types/{{conn_type}}": (VIEWER, SEEING),
    f"GET {V1}/me": (SIGNED_IN, ANY_TOKEN),
    f"GET {V1}/tokens": (SIGNED_IN, ANY_TOKEN),
    f"POST {V1}/tokens": (VIEWER, SEEING),
    f"DELETE {V1}/tokens/{{token_id}}": (SIGNED_IN, set()),
    # DAGs, runs and their tasks, in Airflow's shapes
    f"GET {V2}/dags": (VIEWER, SEEING),
    f"GET {V2}/dags/{{dag_id}}": (VIEWER, SEEING),
    f"GET {V2}/dags/{{dag_id}}/details": (VIEWER, SEEING),
    f"PATCH {V2}/dags": (OPERATOR, USING),
    f"PATCH {V2}/dags/{{dag_id}}": (OPERATOR, USING),
    f"DELETE {V2}/dags/{{dag_id}}": (EDITOR, WRITING),
    f"GET {V2}/dags/{{dag_id}}/tasks": (VIEWER, SEEING),
    f"GET {V2}/dags/{{dag_id}}/tasks/{{task_id}}": (VIEWER, SEEING),
    f"GET {V2}/dags/{{dag_id}}/dagVersions": (VIEWER, SEEING),
    f"GET {V2}/dags/{{dag_id}}/dagVersions/{{version_number}}": (VIEWER, SEEING),
    f"GET {V2}/dagSources/{{dag_id}}": (VIEWER, SEEING),
    f"GET {V2}/importErrors": (VIEWER, SEEING),
    f"GET {V2}/importErrors/{{import_error_id}}": (VIEWER, SEEING),
    f"GET {V2}/dagTags": (VIEWER, SEEING),
    f"GET {V2}/dagStats": (VIEWER, SEEING),
    f"GET {RUNS}": (VIEWER, SEEING),
    f"POST {RUNS}": (OPERATOR, USING),
    f"PATCH {RUNS}": (OPERATOR, USING),
    f"POST {RUNS}/list": (VIEWER, SEEING),
    f"GET {RUN}": (VIEWER, SEEING),
    f"PATCH {RUN}": (OPERATOR, USING),
    f"DELETE {RUN}": (EDITOR, WRITING),
    f"GET {RUN}/wait": (VIEWER, SEEING),
    f"POST {RUN}/clear": (OPERATOR, USING),
    f"POST {V2}/dags/{{dag_id}}/clearDagRuns": (OPERATOR, USING),
    f"POST {V2}/dags/{{dag_id}}/clearTaskInstances": (OPERATOR, USING),
    f"GET {TASKS}": (VIEWER, SEEING),
    f"PATCH {TASKS}": (OPERATOR, USING),
    f"POST {TASKS}/list": (VIEWER, SEEING),
    f"GET {TASKS}/{{task_id}}": (VIEWER, SEEING),
    f"PATCH {TASKS}/{{task_id}}": (OPERATOR, USING),
    f"PATCH {TASKS}/{{task_id}}/dry_run": (OPERATOR, USING),
    f"GET {TASKS}/{{task_id}}/dependencies": (VIEWER, SEEING),
    f"GET {TASKS}/{{task_id}}/links": (VIEWER, SEEING),
    f"GET {TASKS}/{{task_id}}/listMapped": (VIEWER, SEEING),
    f"GET {TASKS}/{{task_id}}/{{map_index}}": (VIEWER, SEEING),
    f"PATCH {TASKS}/{{task_id}}/{{map_index}}": (OPERATOR, USING),
    f"PATCH {TASKS}/{{task_id}}/{{map_index}}/dry_run": (OPERATOR, USING),
    f"GET {TASKS}/{{task_id}}/{{map_index}}/dependencies": (VIEWER, SEEING),
    f"GET {TASKS}/{{task_id}}/{{map_index}}/tries": (VIEWER, SEEING),
    f"GET {TASKS}/{{task_id}}/{{map_index}}/tries/{{task_try_number}}": (VIEWER, SEEING),
    f"GET {TASKS}/{{task_id}}/tries": (VIEWER, SEEING),
    f"GET {TASKS}/{{task_id}}/tries/{{task_try_number}}": (VIEWER, SEEING),
    f"GET {TASKS}/{{task_id}}/logs/{{try_number}}": (VIEWER, SEEING),
    f"GET {TASKS}/{{task_id}}/xcomEntries": (VIEWER, SEEING),
    f"GET {TASKS}/{{task_id}}/xcomEntries/{{xcom_key}}": (VIEWER, SEEING),
    # and as Patchbay knows them
    f"GET {V1}/dags/{{dag_id}}/dagRuns/{{dag_run_id}}": (VIEWER, SEEING),
    f"POST {V1}/dags/{{dag_id}}/dagRuns/{{dag_run_id}}/cancel": (OPERATOR, USING),
    f"GET {V1}/dags/{{dag_id}}/dagRuns/{{dag_run_id}}/steps": (VIEWER, SEEING),
    f"POST {V1}/dags/{{dag_id}}/dagRuns/{{dag_run_id}}/taskInstances/{{task_id}}/cancel": (
        OPERATOR,
        USING,
    ),
}


@dataclass(frozen=True)
class Door:
    """One method at one address; ``sent`` where what is sent decides, too."""

    method: str
    where: str
    least: str
    scopes: frozenset[str] | None = None
    query: str = ""
    sent: dict[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        sent = (f"{name}={value}" for name, value in self.sent.items())
        return " ".join(filter(None, (self.method, self.where, self.query, *sent)))

    def opens_for(self, rank: str) -> bool:
        return RANKS.index(rank) >= RANKS.index(self.least)


_BULK = "connections-bulk"
#: Addresses where it depends on what is sent.
FINER: list[Door] = [
    *(
        Door("POST", _BULK, least, sent={"act": act, "id": "my_gcp_conn", "confirmed": "1"})
        for act, least in (
            ("test", OPERATOR),
            ("duplicate", EDITOR),
            ("enable", EDITOR),
            ("disable", EDITOR),
            ("delete", EDITOR),
            ("export", EDITOR),
        )
    ),
    Door("POST", "connections-export", EDITOR, sent={"act": "export", "secrets": "without"}),
    Door("POST", "connections-export", ADMIN, sent={"act": "export", "secrets": "with"}),
    Door("POST", "connection-test", OPERATOR, query="?conn_id=my_gcp_conn"),
    # A form that was changed would send the stored secrets to wherever it says.
    Door("POST", "connection-test", EDITOR, query="?conn_id=my_gcp_conn&type=x"),
]
FINER_CALLS: list[Door] = [
    Door("POST", f"{V1}/connections/export", EDITOR, frozenset(WRITING), sent={"redact": True}),
    Door("POST", f"{V1}/connections/export", ADMIN, frozenset(USING), sent={"redact": False}),
    # API tokens are made and revoked with a token that was got by a password.
    Door("POST", f"{V1}/tokens", VIEWER, frozenset(), sent={"name": "x", "scopes": ["read"]}),
]


def page_doors() -> list[Door]:
    found = []
    for name, (reading, writing) in PAGES.items():
        found.append(Door("GET", name, reading))
        found += [Door(method, name, writing) for method in ("POST", "DELETE")]
    return found + FINER


def call_doors() -> list[Door]:
    found = []
    for call, (least, scopes) in CALLS.items():
        method, _, path = call.partition(" ")
        found.append(Door(method, path, least, frozenset(scopes)))
    return found + FINER_CALLS


def page_names() -> set[str]:
    """The names of all addresses that aren't the admin's nor a call of the API."""
    return {
        name for name in _names(get_resolver().url_patterns) if not name.startswith("admin:")
    } - {"api:api-root", NO_ROUTE}


#: What answers 404 under /api: no door.
NO_ROUTE = r"^(?:api|auth)(?:/.*)?\Z"


def _names(patterns: Any, namespace: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _names(pattern.url_patterns, pattern.namespace or namespace)
        elif isinstance(pattern, URLPattern):
            name = pattern.name or str(pattern.pattern)
            if namespace != "api" or name == "openapi-json":
                yield f"{namespace}:{name}" if namespace else name


def calls() -> set[str]:
    """``METHOD /path`` of every operation of the API."""
    from patchbay.api.urls import api

    paths: dict[str, dict[str, Any]] = api.get_openapi_schema()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def routes_of_api() -> set[str]:
    """The same paths as Django has them: an operation that hides from the schema is here, too."""
    resolver = next(r for r in _resolvers(get_resolver().url_patterns) if r.namespace == "api")
    routes = {str(pattern.pattern) for pattern in resolver.url_patterns}
    return {"/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route) for route in routes if route}


def _resolvers(patterns: Any) -> Iterator[URLResolver]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield pattern
            yield from _resolvers(pattern.url_patterns)
