"""Asks for a test of a connection, which a worker makes, and reads what became of it."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from access.audit import Actor, record
from connections.database import give_connection_back
from connections.diagnosis import explain
from connections.exceptions import SecretsUnreadable
from connections.messages import send
from connections.models import Connection, ConnectionTest, ConnectionTestState
from connections.services import draft_of
from connections.tasks import run_test
from connections.types import TYPES, type_of
from connections.types.base import LoadedConnection
from connections.validation import Draft, check, draft_from, loaded_from

#: Seconds after which a test that no worker took counts as failed, if no other was taken since;
#: after which it does in any case; and after which one that was taken isn't ended any more.
LONGEST_WAIT = 60
LONGEST_QUEUE = 900
LONGEST_RUN = 300
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.5
#: Seconds for which a broker that was away isn't asked again: many tests are sent at once.
ASKED_AGAIN_AFTER = 2.0
_broker_is_away_until = 0.0


def can_test(conn_type: str) -> bool:
    """Whether something here opens sessions of this type."""
    return bool(type_of(conn_type).hook)


def testable_types() -> list[str]:
    """The names of the types that ``can_test`` is true of."""
    return [name for name, declared in TYPES.items() if declared.hook]


def request_test(draft: Draft | None, *, conn_id: str, actor: Actor) -> tuple[ConnectionTest, str]:
    """Have a worker test ``draft``, or what is stored as ``conn_id``; the row and its token.

    A draft that equals what is stored counts as a test of that. Raise
    ``InvalidConnection`` for a draft that can't be right.
    """
    if draft is not None:
        check(draft, is_moved=True)
    stored = Connection.objects.filter(conn_id=conn_id).first()
    if draft is not None and stored is not None and _is_stored(draft, stored):
        draft = None
    token = secrets.token_urlsafe(32)
    is_of_stored = stored is not None and draft is None
    with transaction.atomic():
        test = ConnectionTest.objects.create(
            connection=stored if is_of_stored else None,
            version=stored.version if stored is not None and is_of_stored else None,
            conn_id=conn_id,
            digest=_digest(token),
            draft=None if draft is None else _packed(draft),
            requested_by=actor.name,
        )
        record(actor, "tested", what="connection", name=conn_id, is_draft=draft is not None)
        transaction.on_commit(lambda: _send(test))
    return test, token


def find_test(token: str) -> ConnectionTest | None:
    """The test that ``token`` was given for, as it stands now."""
    test = ConnectionTest.objects.filter(digest=_digest(token)).first()
    return test and refreshed(test)


def refreshed(test: ConnectionTest) -> ConnectionTest:
    """``test`` as it stands now; one that waits or runs for too long ends as failed."""
    now = timezone.now()
    rows = ConnectionTest.objects.filter(pk=test.pk)
    waits_since = now - timedelta(seconds=LONGEST_WAIT)
    runs_since = now - timedelta(seconds=LONGEST_RUN)
    late = rows.filter(state=ConnectionTestState.PENDING, created_at__lt=waits_since)
    if ConnectionTest.objects.filter(started_at__gte=waits_since).exists():
        # Workers are there and busy: it waits for its turn.
        late = late.filter(created_at__lt=now - timedelta(seconds=LONGEST_QUEUE))
    lost = rows.filter(state=ConnectionTestState.RUNNING, started_at__lt=runs_since)
    for found, code in ((late, "test:no-worker"), (lost, "test:worker-lost")):
        words = explain(code, {}).happened
        found.update(
            state=ConnectionTestState.FAILED, ended_at=now, code=code, message=words, draft=None
        )
    test.refresh_from_db()
    return test


def wait_for(test: ConnectionTest, *, seconds: float) -> ConnectionTest:
    """``test`` when it has ended, or as it stands after ``seconds``."""
    end, pause = time.monotonic() + seconds, FIRST_PAUSE
    while not refreshed(test).is_done and time.monotonic() < end:
        give_connection_back()
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
    return test


def draft_in(test: ConnectionTest) -> Draft | None:
    """The draft that travels with the test; raise ``SecretsUnreadable``."""
    return draft_from(LoadedConnection(**json.loads(test.draft))) if test.draft else None


def _packed(draft: Draft) -> str:
    """All but what isn't tested: when it expires, if it is disabled, how often it may be open."""
    tested = loaded_from(replace(draft, max_sessions=None))
    return json.dumps(vars(tested), ensure_ascii=False)


def _is_stored(draft: Draft, stored: Connection) -> bool:
    try:
        present = draft_of(stored, loaded=stored.load())
    except SecretsUnreadable:
        return False
    return _packed(present) == _packed(draft)


def _send(test: ConnectionTest) -> None:
    global _broker_is_away_until
    if time.monotonic() >= _broker_is_away_until:
        if send(run_test, test.pk, expires=LONGEST_QUEUE):
            return
        if settings.BROKER_URL:
            _broker_is_away_until = time.monotonic() + ASKED_AGAIN_AFTER
    words = explain("test:no-broker", {}).happened
    ConnectionTest.objects.filter(pk=test.pk, state=ConnectionTestState.PENDING).update(
        state=ConnectionTestState.FAILED,
        ended_at=timezone.now(),
        code="test:no-broker",
        message=words,
        draft=None,
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
