"""Tasks of Google Cloud Storage at work: with a real session, against its API faked by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from connections.exceptions import Failure
from connections.hooks import hook_for
from connections.types.base import LoadedConnection
from tasks.operators.base import Operator, TaskResult
from tests.fakes.storage.google import GoogleStorage
from tests.tasks.handmade_context import HandmadeContext

Run = Callable[..., Any]


@contextmanager
def storage_with_a_bucket() -> Iterator[GoogleStorage]:
    """Its lists have two objects a page."""
    with GoogleStorage(page=2) as storage:
        storage.buckets["b"] = {}
        yield storage


@contextmanager
def runner(storage: GoogleStorage) -> Iterator[Run]:
    """Check and execute an operator, with a session of its own."""
    opened: list[tuple[Any, Any]] = []

    def run_operator(
        operator: type[Operator], *, context: HandmadeContext | None = None, **arguments: Any
    ) -> TaskResult | None:
        operator.check(arguments)
        extra = {"is_anonymous": True, "project": "acme", "storage_endpoint": storage.url}
        hook = hook_for(LoadedConnection("g", "google_cloud_platform", extra=extra))
        session = hook.open()
        opened.append((hook, session))
        return operator(arguments).execute(session, context or HandmadeContext())

    yield run_operator
    for hook, session in opened:
        hook.close(session)


def names_in(storage: GoogleStorage, bucket: str = "b") -> list[str]:
    return sorted(storage.buckets[bucket])


def failure_of(call: Callable[[], Any]) -> Failure:
    with pytest.raises(Failure) as caught:
        call()
    return caught.value
