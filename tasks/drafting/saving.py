"""Stores what was written in the browser: a new DAG, a new version of one; and deletes one."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import IntegrityError, transaction

from access.audit import Actor, record
from connections.exceptions import PatchbayError
from tasks.dag_versions import make_present
from tasks.exceptions import DagNotFound
from tasks.models import (
    Dag,
    DagOrigin,
    DagRun,
    DagVersion,
    LogLine,
    RenderedFields,
    Step,
    TaskInstance,
    XCom,
)
from tasks.spec import DagSpec
from tasks.states import RUN_TERMINAL


class Stale(PatchbayError):
    """The DAG was saved meanwhile; ``version`` is the present one."""

    def __init__(self, version: DagVersion) -> None:
        super().__init__(f"{version} was saved meanwhile.")
        self.version = version


class SaveRefused(PatchbayError):
    """The message says why, in words. ``is_id``: another ID would help."""

    def __init__(self, words: str, *, is_id: bool = False) -> None:
        super().__init__(words)
        self.is_id = is_id


@dataclass(frozen=True)
class Saved:
    """``is_new_version`` is false where nothing was different."""

    dag: Dag
    number: int
    is_new_version: bool


def create_dag(spec: DagSpec, *, actor: Actor) -> Saved:
    """Raise ``SaveRefused`` where the ID is taken."""
    try:
        with transaction.atomic():
            dag = Dag.objects.create(dag_id=spec.dag_id, origin=DagOrigin.BROWSER)
            make_present(dag, spec, by=actor.name)
            record(actor, "created", what="dag", name=dag.dag_id, version=1)
    except IntegrityError:
        raise SaveRefused(_taken(spec.dag_id), is_id=True) from None
    return Saved(dag, 1, is_new_version=True)


def change_dag(spec: DagSpec, *, seen: int, actor: Actor) -> Saved:
    """Make a version of what is different from the present one, whose number was ``seen``.

    Raise ``Stale`` where another is the present one, ``DagNotFound`` where the
    DAG is gone, ``SaveRefused`` where it comes from a file now.
    """
    with transaction.atomic():
        dag = _locked(spec.dag_id)
        present = dag.current_version
        if present is None:
            raise DagNotFound(dag.dag_id)
        if present.digest == spec.digest():
            return Saved(dag, present.number, is_new_version=False)
        if present.number != seen:
            raise Stale(present)
        make_present(dag, spec, by=actor.name)
        number = present.number + 1
        record(actor, "changed", what="dag", name=dag.dag_id, version=number)
    return Saved(dag, number, is_new_version=True)


def delete_dag(dag_id: str, *, actor: Actor) -> int:
    """Delete it with its versions and runs; return how many runs there were.

    Raise ``SaveRefused`` while one of them isn't over, or for a DAG of a file;
    ``DagNotFound``.
    """
    with transaction.atomic():
        # A run that is triggered now waits for this lock, and then finds no DAG.
        dag = _locked(dag_id)
        runs = DagRun.objects.filter(dag=dag)
        if active := runs.exclude(state__in=RUN_TERMINAL).count():
            words = "1 run isn't over" if active == 1 else f"{active:,} runs aren't over"
            raise SaveRefused(f"{words}. Cancel what runs, and delete the DAG then.")
        count = runs.count()
        # Row by row it would take minutes, and a version can't go before its runs.
        RenderedFields.objects.filter(task_instance__run__dag=dag).delete()
        XCom.objects.filter(task_instance__run__dag=dag).delete()
        LogLine.objects.filter(run__dag=dag).delete()
        Step.objects.filter(run__dag=dag).delete()
        TaskInstance.objects.filter(run__dag=dag).delete()
        runs.delete()
        Dag.objects.filter(pk=dag.pk).update(current_version=None)
        dag.versions.all().delete()
        Dag.objects.filter(pk=dag.pk).delete()
        record(actor, "deleted", what="dag", name=dag_id, runs=count)
    return count


def _locked(dag_id: str) -> Dag:
    rows = Dag.objects.select_for_update(of=("self",)).select_related("current_version")
    dag = rows.filter(dag_id=dag_id).first()
    if dag is None:
        raise DagNotFound(dag_id)
    if dag.origin != DagOrigin.BROWSER:
        raise SaveRefused(f"{dag_id} comes from the file {dag.filename}: change it there.")
    return dag


def _taken(dag_id: str) -> str:
    dag = Dag.objects.filter(dag_id=dag_id).first()
    if dag is None or dag.origin == DagOrigin.BROWSER:
        return f"There is a DAG {dag_id} already. Choose another ID."
    if dag.is_missing:
        return (
            f"{dag_id} was a DAG of {dag.filename}, and its runs are kept under this ID. "
            "Choose another."
        )
    return f"There is a DAG {dag_id} already, in {dag.filename}. Choose another ID."
