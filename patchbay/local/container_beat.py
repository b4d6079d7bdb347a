"""Beat's scheduler in a container: leaves a sign of life at each tick, for the health check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from celery.beat import PersistentScheduler

from patchbay.local.container_health import sign_of_life


class WatchedScheduler(PersistentScheduler):
    """Its own file tells nothing: some kinds of database write it only when they are closed."""

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        sign_of_life(Path(self.schedule_filename)).touch()
        return super().tick(*args, **kwargs)
