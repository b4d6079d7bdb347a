"""Connections that DAGs use, and that won't do for them, now or soon."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone

from connections.from_environment import look_up
from connections.health import WORDS, Health, health_at
from connections.models import Connection
from tasks.models import Dag
from tasks.presentation.refusals import Refusal, last_refusals
from tasks.spec import DagSpec

SOON = timedelta(days=30)
#: health -> what is wrong with a connection that is used
_WORDS = {
    Health.DISABLED: "is used, but disabled",
    Health.EXPIRED: "is used, but expired",
    Health.FAILING: "failed its last test",
}
REFUSED = "failed when a task used it"


@dataclass(frozen=True)
class Care:
    """What is wrong with ``conn_id`` in ``words``, and the DAGs that use it.

    ``refusal`` is the task that could not use it, where that is what is wrong;
    ``is_changed`` where the connection was changed since.
    """

    conn_id: str
    words: str
    dag_ids: tuple[str, ...]
    is_missing: bool = False
    is_from_environment: bool = False
    refusal: Refusal | None = None
    is_changed: bool = False


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
    id is known only when the task runs. ``refusal`` is the task that could not use it.
    """

    conn_id: str
    tone: str
    words: str
    task_ids: tuple[str, ...]
    is_known: bool
    is_templated: bool = False
    refusal: Refusal | None = None


def connections_that_need_care() -> Needs:
    """Five queries, whatever the number of DAGs and connections."""
    used: dict[str, list[str]] = {}
    dags = Dag.objects.filter(is_missing=False, current_version__isnull=False)
    for dag_id, conn_ids in dags.values_list("dag_id", "current_version__conn_ids"):
        for conn_id in conn_ids:
            used.setdefault(conn_id, []).append(dag_id)
    now = timezone.now()
    found = {row.conn_id: row for row in _known(used, now)}
    refusals = last_refusals(used)
    care = [
        need
        for conn_id, dag_ids in sorted(used.items())
        if (need := _need(conn_id, tuple(dag_ids), found.get(conn_id), refusals, now))
    ]
    total = Connection.objects.count()
    return Needs(tuple(care), total - len(found), total)


class _Known(NamedTuple):
    conn_id: str
    health: str
    expires_at: datetime | None
    version: int


def _known(conn_ids: Iterable[str], now: datetime) -> list[_Known]:
    rows = Connection.objects.filter(conn_id__in=conn_ids).annotate(health=health_at(now))
    return [_Known(*row) for row in rows.values_list("conn_id", "health", "expires_at", "version")]


def _need(
    conn_id: str,
    dag_ids: tuple[str, ...],
    known: _Known | None,
    refusals: Mapping[str, Refusal],
    now: datetime,
) -> Care | None:
    if "{{" in conn_id:
        return None
    is_from_environment = look_up(conn_id) is not None
    if is_from_environment:
        known = None
    elif known is None:
        return Care(conn_id, "is used, but not there", dag_ids, is_missing=True)
    # A connection that is wrong by itself was refused for just that.
    if known and (words := _WORDS.get(Health(known.health))):
        return Care(conn_id, words, dag_ids)
    if refusal := refusals.get(conn_id):
        is_changed = bool(known and refusal.conn_version not in (None, known.version))
        return Care(
            conn_id,
            REFUSED,
            dag_ids,
            is_from_environment=is_from_environment,
            refusal=refusal,
            is_changed=is_changed,
        )
    words = _expiry(known.expires_at, now) if known else ""
    return Care(conn_id, words, dag_ids) if words else None


def uses_of(spec: DagSpec) -> list[ConnectionUse]:
    """The connections that the DAG names, in its tasks' order. Three queries."""
    now = timezone.now()
    found = {row.conn_id: row for row in _known(spec.conn_ids, now)}
    refusals = last_refusals(spec.conn_ids) if spec.conn_ids else {}
    tasks: dict[str, list[str]] = {}
    for task in spec.ordered:
        if task.conn_id:
            tasks.setdefault(task.conn_id, []).append(task.task_id)
    return [
        _use(conn_id, tuple(task_ids), found.get(conn_id), refusals.get(conn_id), now)
        for conn_id, task_ids in tasks.items()
    ]


def _use(
    conn_id: str,
    task_ids: tuple[str, ...],
    known: _Known | None,
    refusal: Refusal | None,
    now: datetime,
) -> ConnectionUse:
    if "{{" in conn_id:
        words = "Known when the task runs"
        return ConnectionUse(conn_id, "wait", words, task_ids, is_known=False, is_templated=True)
    if look_up(conn_id):
        tone, words = "ok", "From the environment"
    elif known is None:
        return ConnectionUse(conn_id, "bad", "Not there", task_ids, is_known=False)
    else:
        tone, words = WORDS[Health(known.health)]
        soon = _expiry(known.expires_at, now)
        words = f"{words}, {soon}" if soon and tone == "ok" else words
        if Health(known.health) in _WORDS:
            refusal = None
    if refusal:
        tone, words = "bad", REFUSED.capitalize()
    return ConnectionUse(conn_id, tone, words, task_ids, is_known=True, refusal=refusal)


def _expiry(expires_at: datetime | None, now: datetime) -> str:
    """That it expires soon; empty where it doesn't."""
    if expires_at is None or expires_at > now + SOON:
        return ""
    days = (expires_at - now).days
    return f"expires in {days} days" if days > 1 else "expires within two days"
