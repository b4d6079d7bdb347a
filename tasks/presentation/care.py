"""Connections that DAGs use, and that won't do for them, now or soon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from connections.from_environment import look_up
from connections.health import WORDS, Health, health_at
from connections.models import Connection
from tasks.models import Dag
from tasks.spec import DagSpec

SOON = timedelta(days=30)
#: health -> what is wrong with a connection that is used
_WORDS = {
    Health.DISABLED: "is used, but disabled",
    Health.EXPIRED: "is used, but expired",
    Health.FAILING: "failed its last test",
}


@dataclass(frozen=True)
class Care:
    """What is wrong with ``conn_id`` in ``words``, and the DAGs that use it."""

    conn_id: str
    words: str
    dag_ids: tuple[str, ...]
    is_missing: bool = False


@dataclass(frozen=True)
class Needs:
    """``care`` by conn_id; ``unused`` is how many connections no DAG names."""

    care: tuple[Care, ...]
    unused: int
    total: int


@dataclass(frozen=True)
class ConnectionUse:
    """A connection that a DAG names, how it does (``tone`` of the stylesheet and ``words``)
    and the tasks that use it.

    ``is_known`` is false for one that isn't stored; ``is_templated`` for one whose
    id is known only when the task runs.
    """

    conn_id: str
    tone: str
    words: str
    task_ids: tuple[str, ...]
    is_known: bool
    is_templated: bool = False


def connections_that_need_care() -> Needs:
    """Three queries, whatever the number of DAGs and connections."""
    used: dict[str, list[str]] = {}
    dags = Dag.objects.filter(is_missing=False, current_version__isnull=False)
    for dag_id, conn_ids in dags.values_list("dag_id", "current_version__conn_ids"):
        for conn_id in conn_ids:
            used.setdefault(conn_id, []).append(dag_id)
    now = timezone.now()
    rows = Connection.objects.filter(conn_id__in=used).annotate(health=health_at(now))
    found = {
        conn_id: _words(health, expires_at, now)
        for conn_id, health, expires_at in rows.values_list("conn_id", "health", "expires_at")
    }
    care = []
    for conn_id, dag_ids in sorted(used.items()):
        if "{{" in conn_id or look_up(conn_id):
            continue
        words = found.get(conn_id, "is used, but not there")
        if words:
            care.append(Care(conn_id, words, tuple(dag_ids), is_missing=conn_id not in found))
    total = Connection.objects.count()
    return Needs(tuple(care), total - len(found), total)


def uses_of(spec: DagSpec) -> list[ConnectionUse]:
    """The connections that the DAG names, in its tasks' order. One query."""
    now = timezone.now()
    rows = Connection.objects.filter(conn_id__in=spec.conn_ids).annotate(health=health_at(now))
    found = {
        conn_id: (health, expires_at)
        for conn_id, health, expires_at in rows.values_list("conn_id", "health", "expires_at")
    }
    tasks: dict[str, list[str]] = {}
    for task in spec.tasks:
        if task.conn_id:
            tasks.setdefault(task.conn_id, []).append(task.task_id)
    return [
        _use(conn_id, tuple(task_ids), found.get(conn_id), now)
        for conn_id, task_ids in tasks.items()
    ]


def _use(
    conn_id: str,
    task_ids: tuple[str, ...],
    found: tuple[str, datetime | None] | None,
    now: datetime,
) -> ConnectionUse:
    if "{{" in conn_id:
        words = "Known when the task runs"
        return ConnectionUse(conn_id, "wait", words, task_ids, is_known=False, is_templated=True)
    if look_up(conn_id):
        return ConnectionUse(conn_id, "ok", "From the environment", task_ids, is_known=True)
    if found is None:
        return ConnectionUse(conn_id, "bad", "Not there", task_ids, is_known=False)
    tone, words = WORDS[Health(found[0])]
    soon = _words("works", found[1], now)
    return ConnectionUse(
        conn_id, tone, f"{words}, {soon}" if soon and tone == "ok" else words, task_ids, True
    )


def _words(health: str, expires_at: datetime | None, now: datetime) -> str:
    words = _WORDS.get(Health(health), "")
    if words or expires_at is None or expires_at > now + SOON:
        return words
    days = (expires_at - now).days
    return f"expires in {days} days" if days > 1 else "expires within two days"
