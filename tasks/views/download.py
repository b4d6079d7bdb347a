"""A DAG as an Airflow DAG file, to take along."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from access.rights import Right, requires
from tasks.dagfiles.writing import NotWritable, airflow_file
from tasks.models import Dag, DagOrigin


@requires(Right.SEE)
@require_GET
def download(request: HttpRequest, dag_id: str) -> HttpResponse:
    """What was written in the browser as a file is written; of a DAG from a file, that file."""
    dag = get_object_or_404(Dag.objects.select_related("current_version"), dag_id=dag_id)
    spec, version = dag.spec, dag.current_version
    text = version.source if version else ""
    name = dag.filename.rpartition("/")[2]
    if spec is not None and not text:
        try:
            text = airflow_file(spec)
        except NotWritable as error:
            messages.error(request, str(error))
            return redirect("dag", dag_id)
    if dag.origin == DagOrigin.BROWSER:
        name = f"{dag_id}.py"
    answer = HttpResponse(text, content_type="text/x-python; charset=utf-8")
    answer.headers["Content-Disposition"] = content_disposition_header(True, name) or ""
    return answer
