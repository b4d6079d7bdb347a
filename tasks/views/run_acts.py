"""What a person does to a run or to one of its tasks. What is refused is told on its page."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from access.audit import Actor
from access.rights import Right, requires
from tasks.acts import (
    LONGEST_NOTE,
    MARKS,
    cancel_run,
    cancel_task,
    clear_tasks,
    mark_task,
    set_note,
)
from tasks.exceptions import ActRefused
from tasks.models import DagRun, TaskInstance
from tasks.states import TaskState

LONGEST_REASON = 1_000


@requires(Right.SEE, post=Right.CANCEL)
@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(DagRun, pk=pk)
    reason = _text(request, "reason", LONGEST_REASON)
    return _act(request, run, lambda actor: cancel_run(run, actor=actor, reason=reason))


@requires(Right.SEE, post=Right.TRIGGER)
@require_http_methods(["GET", "POST"])
def clear(request: HttpRequest, pk: int) -> HttpResponse:
    """Run tasks of the run again: those that failed, all, or one (with what follows it)."""
    run = get_object_or_404(DagRun, pk=pk)
    which, task_id = request.POST.get("which", "task"), request.POST.get("task_id", "")

    def act(actor: Actor) -> None:
        if which not in ("failed", "all", "task"):
            raise ActRefused("Say which tasks to clear: the failed ones, all, or one.")
        if which == "task" and not run.task_instances.filter(task_id=task_id).exists():
            raise ActRefused(f"The run has no task {task_id}.")
        clear_tasks(
            run,
            actor=actor,
            task_ids=[task_id] if which == "task" else None,
            only_failed=which == "failed",
            downstream="downstream" in request.POST,
            version="now" if request.POST.get("version") == "now" else "then",
        )

    return _act(request, run, act)


@requires(Right.SEE, post=Right.CANCEL)
@require_http_methods(["GET", "POST"])
def cancel_one(request: HttpRequest, pk: int, task_id: str) -> HttpResponse:
    instance = _instance(pk, task_id)
    return _act(request, instance, lambda actor: cancel_task(instance, actor=actor))


@requires(Right.SEE, post=Right.CANCEL)
@require_http_methods(["GET", "POST"])
def mark(request: HttpRequest, pk: int, task_id: str) -> HttpResponse:
    instance = _instance(pk, task_id)
    state, reason = request.POST.get("state"), _text(request, "reason", LONGEST_REASON)

    def act(actor: Actor) -> None:
        if state not in MARKS:
            raise ActRefused("A task can be marked as success, failed or skipped.")
        if not reason:
            raise ActRefused("Say why: who looks at the run later will want to know.")
        mark_task(instance, TaskState(state), actor=actor, reason=reason)

    return _act(request, instance, act)


@requires(Right.SEE, post=Right.TRIGGER)
@require_http_methods(["GET", "POST"])
def note(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(DagRun, pk=pk)
    words = _text(request, "note", LONGEST_NOTE)
    return _act(request, run, lambda actor: set_note(run, words, actor=actor))


def _instance(pk: int, task_id: str) -> TaskInstance:
    rows = TaskInstance.objects.select_related("run__dag", "run__version")
    return get_object_or_404(rows, run=pk, task_id=task_id)


def _text(request: HttpRequest, name: str, most: int) -> str:
    # A browser sends lines with CR LF; PostgreSQL takes no NUL.
    return request.POST.get(name, "").replace("\0", "").replace("\r\n", "\n").strip()[:most]


def _act(
    request: HttpRequest, what: DagRun | TaskInstance, act: Callable[[Actor], object]
) -> HttpResponse:
    """Do it and show the page again. A GET does nothing: it comes after a sign-in."""
    if request.method == "POST":
        try:
            act(Actor.of(request.user))
        except ActRefused as refused:
            messages.error(request, str(refused))
    if isinstance(what, DagRun):
        return redirect("run", what.pk)
    return redirect("task-instance", what.run_id, what.task_id)
