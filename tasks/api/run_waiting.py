"""Answers line by line how a run stands, until it is over, as Airflow does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from ninja import Query

from access.bearer import Bearer
from access.problems import refusals
from access.rights import Right
from access.tokens import caller_for
from connections.database import give_connection_back
from tasks import live
from tasks.api.finding import known_run
from tasks.api.routing import runs
from tasks.api.states import RUN
from tasks.models import DagRun, XCom
from tasks.states import RunState

#: What a task leaves when it says no key.
RETURNED = "return_value"
#: The database is asked at most so often for one caller, whatever interval is wanted.
LOOK_SECONDS = 0.25
#: In seconds: a longer wait between two lines is one that something on the way would cut.
LONGEST_INTERVAL = 3_600
#: How often it is looked whether the token still counts.
TOKEN_SECONDS = 10.0
#: Those who wait share few threads, and so few database connections.
_reader = ThreadPoolExecutor(max_workers=4, thread_name_prefix="wait")

Interval = Annotated[float, Query(gt=0, description="Seconds from one line to the next.")]
Results = Annotated[
    list[str] | None,
    Query(description="The tasks whose `return_value` the last line shall hold. Repeats."),
]


@runs.get(
    "/dags/{dag_id}/dagRuns/{dag_run_id}/wait",
    auth=Bearer(Right.SEE),
    summary="Wait for a run",
    response={200: Any, **refusals(404)},
)
def wait_dag_run_until_finished(
    request: HttpRequest,
    dag_id: str,
    dag_run_id: str,
    interval: Interval,
    result: Results = None,
) -> HttpResponseBase:
    """A line of JSON with the run's state at once and after each interval; the last one as soon
    as the run is over, with `results`. The answer goes on as long as the run does."""
    run = known_run(dag_id, dag_run_id)
    asked = _Asked(run.pk, tuple(result or ()), request.headers["Authorization"].split()[-1])
    answer: HttpResponseBase
    if run.is_over:
        answer = HttpResponse(asked.look().line)
    else:
        # A stream would keep it to its end.
        give_connection_back()
        answer = StreamingHttpResponse(_lines(asked, min(interval, LONGEST_INTERVAL)))
        # Proxies that gather answers would hold the lines back.
        answer["X-Accel-Buffering"] = "no"
    # As in Airflow: of lines of JSON its client knows only those without a type.
    del answer["Content-Type"]
    return answer


class _Look:
    """How the run stands, as a line; without one it is gone."""

    def __init__(self, line: str, *, is_over: bool) -> None:
        self.line = line
        self.is_over = is_over


class _Asked:
    """Who asks for which run; looks with a connection that is given back."""

    def __init__(self, run_pk: int, task_ids: tuple[str, ...], token: str) -> None:
        self.run_pk = run_pk
        self._task_ids = task_ids
        self._token = token
        self._checked = time.monotonic()

    def look(self) -> _Look:
        state = DagRun.objects.filter(pk=self.run_pk).values_list("state", flat=True).first()
        if state is None or not self._may_still_ask():
            return _Look("", is_over=True)
        known = RunState(state)
        found: dict[str, Any] = {"state": RUN[known].value}
        is_over = found["state"] in ("success", "failed")
        if is_over and (results := self._results()):
            found["results"] = results
        return _Look(json.dumps(found, ensure_ascii=False) + "\n", is_over=is_over)

    def _may_still_ask(self) -> bool:
        """Its user may be gone, or without a role, and the token ended."""
        if time.monotonic() - self._checked < TOKEN_SECONDS:
            return True
        self._checked = time.monotonic()
        caller = caller_for(self._token)
        return caller is not None and caller.may(Right.SEE)

    def _results(self) -> dict[str, Any]:
        names = [name for name in self._task_ids if "\0" not in name]
        rows = XCom.objects.filter(
            task_instance__run=self.run_pk, task_instance__task_id__in=names, key=RETURNED
        )
        return dict(rows.values_list("task_instance__task_id", "value"))


async def _lines(asked: _Asked, interval: float) -> AsyncIterator[str]:
    hub = live.hub()
    with hub.watching(asked.run_pk) as changed:
        told = -interval
        while not hub.is_ending:
            changed.clear()
            look = await _read(asked)
            now = time.monotonic()
            if look.is_over or now - told >= interval:
                told = now
                yield look.line
            if look.is_over:
                return
            await asyncio.sleep(min(LOOK_SECONDS, interval))
            left = told + interval - time.monotonic()
            if left > 0:
                await _woken(changed, left, is_heard=hub.is_listening)


async def _woken(changed: asyncio.Event, seconds: float, *, is_heard: bool) -> None:
    """Until the run changes; where no messages can be heard, for a second at most."""
    try:
        await asyncio.wait_for(changed.wait(), seconds if is_heard else min(seconds, 1.0))
    except TimeoutError:
        return


async def _read(asked: _Asked) -> _Look:
    def reading() -> _Look:
        try:
            return asked.look()
        finally:
            connections.close_all()

    return await asyncio.get_running_loop().run_in_executor(_reader, reading)
