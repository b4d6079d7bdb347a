"""Beat's scheduler in a container: leaves a sign of life at each tick, for the health check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from celery.beat import PersistentScheduler

from patchbay.local.container_health import sign_of_life


class WatchedScheduler(PersistentScheduler):
    """Its own file tells nothing: some kinds of database write it only when they are closed."""

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        schedule = self.schedule_filename  # type: ignore[attr-defined]  # missing in celery-types
        sign_of_life(Path(schedule)).touch()
        return super().tick(*args, **kwargs)
