"""An operator of BigQuery at work: with a real session, against a fake of Google, by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from connections.hooks import hook_for
from connections.types.base import LoadedConnection
from tasks.operators import OPERATORS
from tasks.operators.base import Operator, TaskResult
from tests.fakes.google import FakeGoogle
from tests.tasks.handmade_context import HandmadeContext

QUERY = {"query": {"query": "SELECT 1", "useLegacySql": False}}
JOB_ID = "patchbay_sales_the_task_0123456789ab"


class Context(HandmadeContext):
    """Waits a little, and stops in the wait once ``stop_when`` says so."""

    def __init__(self, *, stop_when: Callable[[], bool] = lambda: False) -> None:
        super().__init__()
        self.job_id = JOB_ID
        self.stop_when = stop_when

    def wait(self, seconds: float) -> None:
        if self.stop_when():
            self.stop()
        super().wait(seconds)
        time.sleep(min(seconds, 0.02))


class World:
    """Tasks of one connection. ``extra`` is the connection's."""

    def __init__(self, google: FakeGoogle, key: dict[str, Any], **extra: Any) -> None:
        extra = {"keyfile_dict": key, "api_endpoint": google.url, **extra}
        self.hook = hook_for(LoadedConnection("c", "google_cloud_platform", extra=extra))
        self.session = self.hook.open()
        self.context = Context()

    def task(self, name: str, **arguments: Any) -> Operator:
        """Checked as a DAG file's task is."""
        OPERATORS[name].check(arguments)
        return OPERATORS[name](arguments)

    def execute(self, name: str, **arguments: Any) -> TaskResult:
        result = self.task(name, **arguments).execute(self.session, self.context)
        assert result is not None
        return result

    def cancel(self, name: str, **arguments: Any) -> str:
        return self.task(name, **arguments).cancel(self.session, self.context)

    def close(self) -> None:
        self.hook.close(self.session)
