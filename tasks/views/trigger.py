"""The trigger of a DAG: at once, or by a form of its params and conf."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from access.audit import Actor
from access.rights import Right, requires
from tasks.exceptions import DagNotFound, TriggerRefused
from tasks.models import Dag
from tasks.params import ParamsRefused, checked_params
from tasks.services import parse_conf, trigger_dag_run
from tasks.spec import DagSpec
from tasks.stored_specs import problem_of, shown_spec
from tasks.views.param_fields import fields_of, read_fields

#: A form that sends it has a field for each param.
MARK = "with_params"


@dataclass(frozen=True)
class _Refusal:
    """Why no run was made: for the whole, at ``conf``, or at the fields of ``params``."""

    words: str = ""
    conf: str = ""
    params: dict[str, str] = field(default_factory=dict)


@requires(Right.TRIGGER)
@require_http_methods(["GET", "POST"])
def trigger(request: HttpRequest, dag_id: str) -> HttpResponse:
    """The form; or make a run and show it. What is wrong is told at its field."""
    dag = Dag.objects.select_related("current_version").filter(dag_id=dag_id).first()
    version = dag.current_version if dag else None
    if dag is None or version is None:
        if request.method == "GET":
            get_object_or_404(Dag, dag_id=dag_id)
        messages.error(request, str(DagNotFound(dag_id)))
        return redirect("dags")
    spec = shown_spec(version)
    if problem := problem_of(version, spec):
        messages.error(request, problem)
        return redirect("dag", dag_id)
    if request.method == "GET":
        return _form(request, dag, spec)
    conf, refusal = _read(spec, request.POST)
    if refusal is None:
        try:
            run = trigger_dag_run(dag_id, actor=Actor.of(request.user), conf=conf)
        except DagNotFound as error:
            messages.error(request, str(error))
            return redirect("dags")
        except TriggerRefused as error:
            refusal = _Refusal(words=str(error))
        else:
            return redirect("run", run.pk)
    return _form(request, dag, spec, refusal=refusal)


def _read(spec: DagSpec, sent: Any) -> tuple[dict[str, Any], _Refusal | None]:
    """The conf that a person gave, or why it won't do."""
    try:
        conf = parse_conf(sent.get("conf", ""))
    except TriggerRefused as error:
        return {}, _Refusal(conf=str(error))
    try:
        if sent.get(MARK):
            values = read_fields(spec, sent)
            if twice := sorted(conf.keys() & values.keys()):
                return {}, _Refusal(conf=f"There is a field for {', '.join(twice)} above.")
            conf |= values
        checked_params(spec, conf)
    except ParamsRefused as error:
        return {}, _Refusal(params=error.errors)
    return conf, None


def _form(
    request: HttpRequest, dag: Dag, spec: DagSpec, *, refusal: _Refusal | None = None
) -> HttpResponse:
    refusal = refusal or _Refusal()
    sent = request.POST if request.POST.get(MARK) else None
    text = request.POST.get("conf", "")
    values: dict[str, Any] = {}
    if sent is None and not refusal.conf:
        values, text = _split(spec, parse_conf(text))
    context = {
        "dag": dag,
        "spec": spec,
        "fields": fields_of(spec, values=values, sent=sent, errors=refusal.params),
        "conf": text,
        "refusal": refusal,
    }
    status = 422 if refusal != _Refusal() else 200
    return render(request, "tasks/trigger.html", context, status=status)


def _split(spec: DagSpec, conf: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The values of a conf that have a field, and the rest of it as text."""
    known = spec.params.keys() | spec.param_schemas.keys()
    rest = {name: value for name, value in conf.items() if name not in known}
    values = {name: value for name, value in conf.items() if name in known}
    return values, json.dumps(rest, ensure_ascii=False, indent=2) if rest else ""
