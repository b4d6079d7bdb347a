"""A DAG as a DAG file, to take along."""

from __future__ import annotations

from pathlib import PurePosixPath

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from access.rights import Right, requires
from tasks.dagfiles.writing import NotWritable, airflow_file
from tasks.models import Dag, DagOrigin, DagVersion
from tasks.stored_specs import problem_of, shown_spec
from tasks.views.run_log import whole


@requires(Right.SEE)
@require_GET
def download(request: HttpRequest, dag_id: str) -> HttpResponse:
    """What was written in the browser as a file is written; of a DAG from a file, that file.

    ``?version=3`` asks for what it was then; else it is the present version.
    """
    dag = get_object_or_404(Dag.objects.select_related("current_version"), dag_id=dag_id)
    version = _version(dag, request.GET.get("version", ""))
    text = version.source if version else ""
    if version is not None and not text:
        spec = shown_spec(version)
        if problem := problem_of(version, spec):
            messages.error(request, problem)
            return redirect("dag", dag_id)
        try:
            text = airflow_file(spec)
        except NotWritable as error:
            messages.error(request, str(error))
            return redirect("dag", dag_id)
    is_of_file = dag.origin == DagOrigin.FILE and dag.filename
    name = PurePosixPath(dag.filename if is_of_file else f"{dag_id}.py")
    if version is not None and version.pk != dag.current_version_id:
        name = name.with_name(f"{name.stem}.v{version.number}{name.suffix}")
    answer = HttpResponse(text, content_type="text/x-python; charset=utf-8")
    answer.headers["Content-Disposition"] = content_disposition_header(True, name.name) or ""
    return answer


def _version(dag: Dag, number: str) -> DagVersion | None:
    if not number:
        return dag.current_version
    found = dag.versions.filter(number=whole(number) or 0).first()
    if found is None:
        raise Http404
    return found
