"""How each connection does: its own dates, and its newest test that came to a result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from connections.models import ConnectionTest, ConnectionTestState
from connections.testing import LONGEST_QUEUE, LONGEST_RUN, testable_types
from connections.trial import stage_label


class Health(StrEnum):
    """Each connection has exactly one; which one, is decided in the order of ``health_at``."""

    FAILING = "failing"
    WORKS = "works"
    TESTING = "testing"
    CHANGED = "changed"
    NEVER = "never"
    UNTESTABLE = "untestable"
    DISABLED = "disabled"
    EXPIRED = "expired"


#: health -> (tone of the stylesheet, word)
WORDS = {
    Health.FAILING: ("bad", "Fails"),
    Health.WORKS: ("ok", "Works"),
    Health.TESTING: ("run", "Testing"),
    Health.CHANGED: ("wait", "Changed since its test"),
    Health.NEVER: ("wait", "Never tested"),
    Health.UNTESTABLE: ("wait", "Not testable"),
    Health.DISABLED: ("off", "Disabled"),
    Health.EXPIRED: ("bad", "Expired"),
}

UNTESTABLE = "Connections of this type can’t be tested yet."


@dataclass(frozen=True)
class Verdict:
    """What a row shows: ``words`` beside a dot of ``tone``, ``why`` on hover."""

    health: str
    tone: str
    words: str
    why: str = ""


def health_at(now: datetime) -> Case:
    """The ``Health`` of a row of ``Connection`` as an expression."""
    verdict = Case(
        When(~Q(version=OuterRef("version")), then=Value(Health.CHANGED)),
        When(state=ConnectionTestState.SUCCESS, then=Value(Health.WORKS)),
        When(state=ConnectionTestState.FAILED, then=Value(Health.FAILING)),
        default=Value(Health.TESTING),
    )
    newest = _newest_test(now).annotate(verdict=verdict).values("verdict")
    return Case(
        When(is_disabled=True, then=Value(Health.DISABLED)),
        When(expires_at__lte=now, then=Value(Health.EXPIRED)),
        default=Coalesce(Subquery(newest[:1]), _untested()),
    )


def _untested() -> Case:
    return Case(
        When(conn_type__in=testable_types(), then=Value(Health.NEVER)),
        default=Value(Health.UNTESTABLE),
    )


def newest_test_at(now: datetime, *, column: str = "pk") -> Subquery:
    """A column of the newest test of a row of ``Connection`` as an expression."""
    return Subquery(_newest_test(now).values(column)[:1])


def _newest_test(now: datetime) -> QuerySet[ConnectionTest]:
    """The tests of a connection that say something of it, newest first.

    A test that could not be made (codes ``test:…``), or that nobody will end any
    more, says nothing.
    """
    waits_since = now - timedelta(seconds=LONGEST_QUEUE)
    runs_since = now - timedelta(seconds=LONGEST_QUEUE + LONGEST_RUN)
    lost = Q(state=ConnectionTestState.PENDING, created_at__lt=waits_since) | Q(
        state=ConnectionTestState.RUNNING, created_at__lt=runs_since
    )
    return (
        ConnectionTest.objects.filter(~lost, connection=OuterRef("pk"))
        .exclude(code__startswith="test:")
        .order_by(F("created_at").desc())
    )


def verdict_of(connection: Any, test: ConnectionTest | None) -> Verdict:
    """``connection`` has its ``health`` annotated; ``test`` is its newest one."""
    health = Health(connection.health)
    tone, words = WORDS[health]
    if health == Health.FAILING and test is not None:
        if failed := test.failed_stage:
            words = f"Fails at {stage_label(failed['name']).lower()}"
        return Verdict(health, tone, words, test.message)
    if health == Health.CHANGED and test is not None:
        return Verdict(health, tone, words, f"Version {test.version} was tested.")
    if health == Health.UNTESTABLE:
        return Verdict(health, tone, words, UNTESTABLE)
    return Verdict(health, tone, words)
