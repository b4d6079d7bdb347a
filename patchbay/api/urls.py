"""The addresses of the API. They need no session: each operation asks for its own token."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt

from access import api as access_api
from access.rights import open_to_signed_in
from connections.api import bulk, moving, own, reading, routing, trying, writing  # noqa: F401
from patchbay.api import server
from patchbay.api.bodies import StrictParser, refused_by_length
from patchbay.api.docs import DESCRIPTION, docs
from patchbay.api.errors import Api, add_handlers
from tasks.api import (  # noqa: F401
    dag_counts,
    dag_parts,
    dag_reading,
    instance_many,
    instance_parts,
    instance_reading,
    instance_writing,
    logs,
    run_many,
    run_reading,
    run_waiting,
    run_writing,
)
from tasks.api import own as _own  # noqa: F401
from tasks.api import routing as tasks_routing

View = Callable[..., HttpResponse]
_CONNECTIONS, _RUNS = "api/v2/connections", "api/v2/dags/<dag_id>/dagRuns"
_TASKS = f"{_RUNS}/<dag_run_id>/taskInstances"
#: Calls at addresses where an ID could stand: the methods that are theirs, the operation that
#: takes the ID, and what that calls it.
AMONG_IDS = {
    f"{_CONNECTIONS}/test": (("POST",), "get_connection", "connection_id"),
    f"{_CONNECTIONS}/defaults": (("POST",), "get_connection", "connection_id"),
    f"{_CONNECTIONS}/enqueue-test": (("GET", "POST"), "get_connection", "connection_id"),
    f"{_RUNS}/list": (("POST",), "get_dag_run", "dag_run_id"),
    f"{_TASKS}/list": (("POST",), "get_task_instance", "task_id"),
}

api = Api(
    title="Patchbay",
    version="1",
    description=DESCRIPTION,
    openapi_url="/api/openapi.json",
    docs_url=None,
    docs_decorator=open_to_signed_in,
    urls_namespace="api",
    parser=StrictParser(),
)
add_handlers(api)
api.add_router("/auth", access_api.auth)
api.add_router("/api/v2", server.router)
api.add_router("/api/v2/connections", routing.airflow)
api.add_router("/api/v2", tasks_routing.dags)
api.add_router("/api/v2", tasks_routing.runs)
api.add_router("/api/v2", tasks_routing.task_instances)
api.add_router("/api/patchbay/v1/connections", moving.router)
api.add_router("/api/patchbay/v1", tasks_routing.own)
api.add_router("/api/patchbay/v1", own.router)
api.add_router("/api/patchbay/v1", access_api.own)


def _door(view: View) -> View:
    """Ninja's view behind the checks that come before all others, with its refusals in JSON."""

    @csrf_exempt
    @login_not_required
    @wraps(view)
    def through(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        refusal = refused_by_length(request)
        if refusal is not None:
            return refusal
        answer = view(request, *args, **kwargs)
        answer.headers.setdefault("Cache-Control", "no-store")
        if answer.status_code != 405:
            return answer
        headers = {"Allow": answer.headers["Allow"]}
        return JsonResponse({"detail": "Method Not Allowed"}, status=405, headers=headers)

    return through


@csrf_exempt
@login_not_required
def no_route(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"error": "API route not found"}, status=404)


def _also_an_id(view: View, name: str, *, methods: tuple[str, ...], by_id: View, key: str) -> View:
    """A connection may be called ``test``, too: only these methods are the call's."""

    @wraps(view)
    def either(request: HttpRequest, **others: str) -> HttpResponse:
        if request.method in methods:
            return view(request, **others)
        return by_id(request, **others, **{key: name})

    return either


def _patterns() -> tuple[list[URLPattern], str, str]:
    found, app_name, namespace = api.urls
    patterns = [pattern for pattern in found if isinstance(pattern, URLPattern)]
    views = {pattern.name: pattern.callback for pattern in patterns}
    for pattern in patterns:
        if pattern.name in ("openapi-json", "api-root"):
            continue
        view = pattern.callback
        path = str(pattern.pattern)
        if path in AMONG_IDS:
            methods, by_id, key = AMONG_IDS[path]
            name = path.rpartition("/")[2]
            view = _also_an_id(view, name, methods=methods, by_id=views[by_id], key=key)
        pattern.callback = _door(view)
    # Fixed addresses before those that take an ID.
    patterns.sort(key=lambda pattern: str(pattern.pattern).count("<"))
    return patterns, app_name, namespace


urlpatterns = [
    path("api/docs", docs, name="api-docs"),
    path("", _patterns()),
    re_path(r"^(?:api|auth)(?:/.*)?\Z", no_route),
]
