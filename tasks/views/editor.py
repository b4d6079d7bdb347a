"""The editor: a DAG that is written in the browser, new or changed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from access.audit import Actor
from access.rights import Right, requires
from tasks.drafting import saving
from tasks.drafting.acts import act_on
from tasks.drafting.choices import only_fitting
from tasks.drafting.draft import BadDraft, Draft, draft_of_form, new_draft
from tasks.drafting.form import EditorForm, first_wrong
from tasks.drafting.reading import Place, draft_of, read
from tasks.drafting.saving import Saved, SaveRefused, Stale
from tasks.drafting.task_settings import CONN, chosen_conn_id
from tasks.exceptions import DagNotFound
from tasks.models import Dag, DagOrigin, DagVersion
from tasks.operators import OPERATORS
from tasks.spec import DagSpec
from tasks.states import RUN_TERMINAL
from tasks.stored_specs import problem_of, shown_spec

#: The script asks for the form alone, and for the address of the DAG instead of a redirect.
BY_SCRIPT = "X-Editor"
#: What a button says of a DAG that is gone meanwhile.
GONE = "gone"
#: Runs that aren't over and are named before a DAG is deleted.
MOST_NAMED = 10


@dataclass(frozen=True)
class _Answer:
    """A draft to show again. ``seen`` is the version that it began from; 0 for a new DAG."""

    draft: Draft
    seen: int = 0
    errors: dict[Place, str] = field(default_factory=dict)
    #: What was saved by somebody else meanwhile.
    newer: DagVersion | None = None
    is_gone: bool = False
    is_refused: bool = False
    is_right: bool = False
    #: The id of the element to go on with; ``None`` for the first that is wrong.
    focus: str | None = ""


@requires(Right.WRITE_DAGS)
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return _page(request, _Answer(new_draft(), focus="id_dag_id"))
    return _post(request, dag_id="")


@requires(Right.WRITE_DAGS)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, dag_id: str) -> HttpResponse:
    dag = Dag.objects.select_related("current_version").filter(dag_id=dag_id).first()
    if dag is not None and dag.origin != DagOrigin.BROWSER:
        messages.error(request, f"{dag_id} comes from the file {dag.filename}: change it there.")
        return redirect("dag", dag_id)
    if request.method == "POST":
        return _post(request, dag_id=dag_id)
    if dag is None or dag.current_version is None:
        raise Http404(f"There is no DAG {dag_id}.")
    spec = shown_spec(dag.current_version)
    if problem := problem_of(dag.current_version, spec):
        messages.error(request, problem)
        return redirect("dag", dag_id)
    draft = draft_of(spec)
    if wanted := request.GET.get("task"):
        key = next((task.key for task in draft.tasks if task.task_id == wanted), draft.open)
        draft = replace(draft, open=key)
    return _page(request, _Answer(draft, dag.current_version.number), dag_id=dag_id)


def _post(request: HttpRequest, *, dag_id: str) -> HttpResponse:
    """``dag_id`` is empty for a new DAG."""
    seen = request.POST.get("version", "")
    try:
        draft = draft_of_form(request.POST)
        if dag_id:
            draft = replace(draft, texts={**draft.texts, "dag_id": dag_id})
        answer = _Answer(draft, int(seen) if seen.isascii() and seen.isdigit() else 0)
        act = request.POST.get("act", "check")
        if act == "save" or "over" in request.POST:
            return _save(request, answer, dag_id=dag_id)
        answer = _checked(answer) if act == "check" else _acted(answer, act)
    except BadDraft as error:
        raise BadRequest(str(error)) from None
    return _page(request, answer, dag_id=dag_id)


def _acted(answer: _Answer, act: str) -> _Answer:
    """After a button that changes the draft: who knew what is wrong goes on knowing it."""
    draft = act_on(answer.draft, act)
    if act.startswith("operator:"):
        draft = _connected(draft)
    errors = read(draft).errors if draft.is_told else {}
    name, _, rest = act.partition(":")
    wanted = rest.partition(":")[2] if name == "open" else ""
    focus = ""
    if name in ("open", "operator", "duplicate", "restore", "keep"):
        focus = f"{draft.open}-{wanted or 'task_id'}"
    if draft.is_choosing and draft.open:
        focus = "find-operator"
    return replace(answer, draft=draft, errors=errors, focus=focus)


def _connected(draft: Draft) -> Draft:
    """The open task takes the only connection that its operator can have."""
    task = draft.open_task
    if task is None or chosen_conn_id(task.texts):
        return draft
    conn_id = only_fitting(OPERATORS[task.operator])
    return draft.with_task(replace(task, texts={**task.texts, CONN: conn_id})) if conn_id else draft


def _checked(answer: _Answer) -> _Answer:
    reading = read(answer.draft)
    draft = replace(answer.draft, is_told=bool(reading.errors))
    return _told(replace(answer, draft=draft), reading.errors, is_right=not reading.errors)


def _told(answer: _Answer, errors: dict[Place, str], **more: Any) -> _Answer:
    """With the task open in which the first of ``errors`` stands."""
    draft = answer.draft
    if key := first_wrong(draft, errors):
        draft = replace(draft, open=key, is_choosing=not draft.by_key[key].operator)
    return replace(answer, draft=draft, errors=errors, focus=None, **more)


def _save(request: HttpRequest, answer: _Answer, *, dag_id: str) -> HttpResponse:
    reading = read(answer.draft)
    if reading.spec is None:
        draft = replace(answer.draft, is_told=True)
        answer = _told(replace(answer, draft=draft), reading.errors, is_refused=True)
        return _page(request, answer, dag_id=dag_id, status=422)
    try:
        saved = _store(request, reading.spec, answer.seen, is_new=not dag_id)
    except Stale as stale:
        answer = replace(answer, newer=stale.version, is_refused=True)
    except DagNotFound:
        answer = replace(answer, is_gone=True, is_refused=True)
    except SaveRefused as refused:
        place = Place("", "dag_id" if refused.is_id else "")
        answer = replace(answer, errors={place: str(refused)}, is_refused=True, focus=None)
    else:
        return _leave(request, saved)
    return _page(request, answer, dag_id=dag_id, status=422)


def _store(request: HttpRequest, spec: DagSpec, seen: int, *, is_new: bool) -> Saved:
    """``over`` names the version that its author knows of and saves over."""
    actor = Actor.of(request.user)
    over = request.POST.get("over", "")
    if is_new or over == GONE:
        return saving.create_dag(spec, actor=actor)
    known = int(over) if over.isascii() and over.isdigit() else seen
    return saving.change_dag(spec, seen=known, actor=actor)


def _leave(request: HttpRequest, saved: Saved) -> HttpResponse:
    dag_id = saved.dag.dag_id
    words = f"DAG {dag_id} is saved as version {saved.number}."
    if not saved.is_new_version:
        words = f"Nothing was different: {dag_id} stays at version {saved.number}."
    messages.success(request, words)
    url = reverse("dag", args=[dag_id])
    return JsonResponse({"url": url}) if BY_SCRIPT in request.headers else redirect(url)


def _page(
    request: HttpRequest, answer: _Answer, *, dag_id: str = "", status: int = 200
) -> HttpResponse:
    form = EditorForm(answer.draft, answer.errors, is_new=not dag_id, focus=answer.focus)
    context = {
        "form": form,
        "dag_id": dag_id,
        "answer": answer,
        "here": reverse("dag-edit", args=[dag_id]) if dag_id else reverse("dag-new"),
    }
    name = "editor_form" if BY_SCRIPT in request.headers else "editor"
    return render(request, f"tasks/{name}.html", context, status=status)


@requires(Right.WRITE_DAGS)
@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, dag_id: str) -> HttpResponse:
    """Ask first; its runs and versions go with it."""
    dag = Dag.objects.filter(dag_id=dag_id).first()
    if dag is None:
        raise Http404(f"There is no DAG {dag_id}.")
    if dag.origin != DagOrigin.BROWSER:
        messages.error(request, f"{dag_id} comes from the file {dag.filename}: delete it there.")
        return redirect("dag", dag_id)
    words = ""
    if request.method == "POST":
        try:
            saving.delete_dag(dag_id, actor=Actor.of(request.user))
        except SaveRefused as refused:
            words = str(refused)
        except DagNotFound:
            return redirect("dags")
        else:
            messages.success(request, f"DAG {dag_id} is deleted.")
            return redirect("dags")
    active = dag.runs.exclude(state__in=RUN_TERMINAL).order_by("-queued_at")
    context = {
        "dag": dag,
        "words": words,
        "run_count": dag.runs.count(),
        "version_count": dag.versions.count(),
        "last": dag.runs.order_by("-queued_at").first(),
        "active": list(active[:MOST_NAMED]),
    }
    return render(request, "tasks/editor_delete.html", context, status=422 if words else 200)
