"""The list of DAGs, a DAG's page, and the trigger."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from access.audit import Actor
from access.rights import Right, requires
from connections.models import Connection
from tasks.exceptions import DagNotFound, TriggerRefused
from tasks.models import Dag, DagImportError
from tasks.services import parse_conf, trigger_dag_run
from tasks.views.listing import bars, run_lines

LATEST = 20


@requires(Right.SEE)
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    dags = list(Dag.objects.select_related("current_version"))
    context = {"dags": bars(dags), "errors": DagImportError.objects.all()}
    return render(request, "tasks/dags.html", context)


@requires(Right.SEE)
@require_GET
def detail(request: HttpRequest, dag_id: str) -> HttpResponse:
    return _detail_page(request, dag_id)


def _detail_page(
    request: HttpRequest, dag_id: str, *, conf: str = "", refusal: str = ""
) -> HttpResponse:
    """The page; with ``refusal``, why the trigger with ``conf`` was refused."""
    dag = get_object_or_404(Dag.objects.select_related("current_version"), dag_id=dag_id)
    spec = dag.spec
    known = {
        row.conn_id: "disabled" if row.is_disabled else "expired" if row.is_expired else ""
        for row in Connection.objects.filter(conn_id__in=spec.conn_ids if spec else ())
    }
    context = {
        "dag": dag,
        "spec": spec,
        "known_connections": known,
        "runs": run_lines(dag.runs.all()[:LATEST]),
        "versions": dag.versions.all()[:LATEST],
        "error": DagImportError.objects.filter(filename=dag.filename).first(),
        "conf": conf,
        "refusal": refusal,
    }
    return render(request, "tasks/dag.html", context, status=422 if refusal else 200)


@requires(Right.SEE, post=Right.TRIGGER)
@require_http_methods(["GET", "POST"])
def trigger(request: HttpRequest, dag_id: str) -> HttpResponse:
    """Make a run and show it; what is wrong is told on the DAG's page."""
    if request.method == "GET":
        # Who had to sign in first comes back with a GET, and has triggered nothing yet.
        return redirect("dag", dag_id)
    conf = request.POST.get("conf", "")
    try:
        run = trigger_dag_run(dag_id, actor=Actor.of(request.user), conf=parse_conf(conf))
    except DagNotFound as error:
        messages.error(request, str(error))
        return redirect("dags")
    except TriggerRefused as error:
        return _detail_page(request, dag_id, conf=conf, refusal=str(error))
    return redirect("run", run.pk)
