"""Tests one connection on a worker: details, session, one harmless call, close."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from django.utils import timezone

from connections.diagnosis import Explanation, explain
from connections.exceptions import ConnectionFailure, Failure
from connections.hooks import Hook, hook_for
from connections.masking import Masker, secrets_in_use, storable
from connections.models import ConnectionTest, ConnectionTestState
from connections.services import get_connection, secrets_of
from connections.testing import draft_in
from connections.types import type_of
from connections.types.base import LoadedConnection
from connections.validation import loaded_from

logger = logging.getLogger(__name__)

#: Every stage with what the page calls it, in the order in which they are tried.
STAGES = {
    "details": "Connection details",
    "session": "Token and identity",
    "sample": "Sample call",
    "close": "Close",
}
KEPT = 50
#: Seconds. A test holds a slot that tasks wait for, too.
LONGEST_CALL = 20.0
WORKER = socket.gethostname()


def stage_label(name: str) -> str:
    """What the page calls a stage, also one that an older version knew."""
    return STAGES.get(name, name)


def run(test_id: int) -> None:
    """Make the test, if no other worker does."""
    claimed = ConnectionTest.objects.filter(pk=test_id, state=ConnectionTestState.PENDING).update(
        state=ConnectionTestState.RUNNING, started_at=timezone.now(), worker=WORKER
    )
    if not claimed:
        return
    with ExitStack() as stack:
        _Trial(ConnectionTest.objects.get(pk=test_id), stack).run()


class _Trial:
    """One test that this worker makes."""

    def __init__(self, test: ConnectionTest, stack: ExitStack) -> None:
        self.test = test
        self.stack = stack
        self.masker = Masker()
        self.hook: Hook | None = None
        self.stages: list[dict[str, Any]] = [
            {"name": name, "state": "pending", "words": "", "seconds": None} for name in STAGES
        ]
        test.stages = self.stages

    def run(self) -> None:
        try:
            words = self._try_all()
        except Failure as failure:
            self._end(ConnectionTestState.FAILED, failure=failure)
        except Exception as error:
            # Whatever a vendor's library raises must be told: a test is there to tell.
            logger.exception("The test of %s failed.", self.test.conn_id)
            unforeseen = Failure(
                "test:internal-error", error=type(error).__name__, vendor_message=str(error)
            )
            self._end(ConnectionTestState.FAILED, failure=unforeseen)
        else:
            self._end(ConnectionTestState.SUCCESS, message=words)

    def _try_all(self) -> str:
        with self._stage("details") as tell:
            connection = self._connection()
            self._mask(secrets_of(connection))
            label = type_of(connection.conn_type).label
            if not type_of(connection.conn_type).hook:
                raise ConnectionFailure("test:no-hook", conn_type=connection.conn_type)
            tell(f"{label}, from {connection.origin or self._source(connection)}")
            hook = self.hook = hook_for(connection)
            hook.longest_call = LONGEST_CALL
        with self._stage("session") as tell:
            session = hook.open()
            self._mask(session.secrets)
            tell(f"as {session.identity}")
        try:
            with self._stage("sample") as tell:
                seen = hook.sample_call(session)
                tell(seen)
        finally:
            with self._stage("close"):
                hook.close(session)
        return f"Works, as {session.identity}. {seen}"

    def _connection(self) -> LoadedConnection:
        """The draft, or what tasks would get; a disabled or expired one can be tested, too."""
        draft = draft_in(self.test)
        if draft is not None:
            loaded = loaded_from(draft)
        elif self.test.connection is not None:
            loaded = self.test.connection.load()
            self.test.version = loaded.version
        else:
            return get_connection(self.test.conn_id)
        return replace(loaded, extra=type_of(loaded.conn_type).read(loaded.extra))

    def _source(self, connection: LoadedConnection) -> str:
        return f"version {connection.version}" if connection.version else "the form as it stands"

    @contextmanager
    def _stage(self, name: str) -> Iterator[Callable[[str], None]]:
        """Record the stage as it begins and as it ends; its block tells the words for it."""
        stage = next(stage for stage in self.stages if stage["name"] == name)
        stage["state"] = "running"
        self._write()
        started = time.monotonic()

        def tell(words: str) -> None:
            stage["words"] = self._safe(words)

        try:
            yield tell
            stage["state"] = "success"
        finally:
            if stage["state"] == "running":
                stage["state"] = "failed"
            stage["seconds"] = round(time.monotonic() - started, 3)
            self._write()

    def _mask(self, secrets: set[str]) -> None:
        self.masker.add(secrets)
        self.stack.enter_context(secrets_in_use(secrets))

    def _safe(self, text: str) -> str:
        masked: str = storable(self.masker.text(text))
        return masked

    def _write(self, **columns: Any) -> None:
        """Nothing is written once somebody else ended the test, because it took too long."""
        ConnectionTest.objects.filter(pk=self.test.pk, state=ConnectionTestState.RUNNING).update(
            stages=self.stages, **columns
        )

    def _end(
        self, state: ConnectionTestState, *, message: str = "", failure: Failure | None = None
    ) -> None:
        code = ""
        if failure is not None:
            if self.hook is not None:
                self._mask(self.hook.secrets)
            words = explain(failure.code, failure.facts)
            code, message = failure.code, words.happened
            self._tell_why(words, failure)
        for stage in self.stages:
            if stage["state"] == "pending":
                stage.update(state="skipped", words="not tried")
        self._write(
            state=state,
            code=code,
            message=self._safe(message),
            version=self.test.version,
            ended_at=timezone.now(),
            draft=None,
        )
        self._drop_old()

    def _tell_why(self, words: Explanation, failure: Failure) -> None:
        failed = self.test.failed_stage
        if failed is None:
            return
        failed["words"] = self._safe(words.short)
        failed["why"] = {
            "happened": self._safe(words.happened),
            "cause": self._safe(words.cause),
            "remedy": self._safe(words.remedy),
            "command": self._safe(words.command),
            "vendor_message": self._safe(failure.vendor_message),
            "type": str(words.type),
        }

    def _drop_old(self) -> None:
        same = ConnectionTest.objects.filter(
            connection=self.test.connection_id, conn_id=self.test.conn_id
        )
        newest = same.order_by("-created_at", "-pk").values_list("pk", flat=True)[:KEPT]
        same.exclude(pk__in=list(newest)).exclude(state=ConnectionTestState.PENDING).delete()
