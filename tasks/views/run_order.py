"""Tells a watcher when what matters most in a long run is no longer what its list begins with."""

from __future__ import annotations

import time
from typing import Any

from django.db.models import QuerySet

from tasks.models import DagRun, TaskInstance
from tasks.presentation.heads import PAGE

#: Seconds between two looks at the order: a reader can't follow more, and each sorts the run.
PAUSE = 1.0


class Order:
    """The order of the first tasks of a list, as its watcher was told last."""

    def __init__(self) -> None:
        #: It may have changed, and nobody has looked since.
        self.is_due = False
        self._looked_at = float("-inf")
        self._told: list[int] | None = None

    def told(self, rows: QuerySet[TaskInstance], run: DagRun) -> dict[str, Any]:
        """``order``, as positions, where it has changed; of a run that is over at once."""
        self.is_due = time.monotonic() - self._looked_at < PAUSE and not run.is_over
        if self.is_due:
            return {}
        self._looked_at = time.monotonic()
        found = list(rows.values_list("position", flat=True)[:PAGE])
        if found == self._told:
            return {}
        self._told = found
        return {"order": found}
