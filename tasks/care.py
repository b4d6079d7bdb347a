"""Connections that DAGs use, and that won't do for them, now or soon."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from connections.from_environment import look_up
from connections.health import Health, health_at
from connections.models import Connection
from tasks.models import Dag

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


def connections_that_need_care(dags: Iterable[Dag]) -> list[Care]:
    """By conn_id. Two queries, whatever the number of connections."""
    used: dict[str, list[str]] = {}
    for dag in dags:
        for conn_id in dag.current_version.conn_ids if dag.current_version else ():
            used.setdefault(conn_id, []).append(dag.dag_id)
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
    return care


def _words(health: str, expires_at: datetime | None, now: datetime) -> str:
    words = _WORDS.get(Health(health), "")
    if words or expires_at is None or expires_at > now + SOON:
        return words
    days = (expires_at - now).days
    return f"expires in {days} days" if days > 1 else "expires within two days"
