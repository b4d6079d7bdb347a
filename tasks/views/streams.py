"""Server-sent events: a run's page and the dashboard, as they change.

Follows https://html.spec.whatwg.org/multipage/server-sent-events.html: the id
of each event is the cursor, and a browser that was cut off sends the last one
it saw. A page that was made at sequence n asks for all that is greater.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from importlib import import_module
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from access.rights import Caller, OfferedRights, Right, caller_of, requires
from tasks import live
from tasks.models import DagRun
from tasks.views.dashboard import dashboard_context
from tasks.views.run_changes import Event, InView, RunWatch

#: A watcher that hears nothing for so long is told that all is well, and looks once itself.
PING_SECONDS = 5.0
#: How often it is looked whether who watches is still signed in.
SESSION_CHECK_SECONDS = 2.0
#: How often a watcher looks by itself while no messages can be heard.
POLL_SECONDS = 1.0
#: A first event that came before the first message could be heard would say "polling".
FIRST_WAIT = 0.5
#: A run's page hears of changes at most so often: a person sees no more.
RUN_PAUSE = 0.25
#: The dashboard is drawn at most so often.
DASHBOARD_PAUSE = 0.5
#: Reads of all watchers share few threads, and so few database connections.
_reader = ThreadPoolExecutor(max_workers=4, thread_name_prefix="live")

T = TypeVar("T")


async def _read(function: Callable[[], T]) -> T:
    def reading() -> T:
        try:
            return function()
        finally:
            connections.close_all()

    return await asyncio.get_running_loop().run_in_executor(_reader, reading)


@requires(Right.SEE)
@require_GET
async def run_events(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The changes of one run after the cursor, until it is over; with ``stay`` also after that,
    for somebody may clear a task of it."""
    await _give_connection_back()
    if not await _read(lambda: DagRun.objects.filter(pk=pk).exists()):
        raise Http404
    watch = RunWatch(pk, _cursor(request), InView.of(request.GET))
    events = _run_changes(watch, stays="stay" in request.GET)
    return _stream(_while_signed_in(request, events))


@requires(Right.SEE)
@require_GET
async def dashboard_events(request: HttpRequest) -> HttpResponseBase:
    """The dashboard's live part, each time a run changes."""
    await _give_connection_back()
    return _stream(_while_signed_in(request, _dashboard_changes(caller_of(request))))


async def _give_connection_back() -> None:
    """What the middleware asked the database with: a stream would keep it to its end."""
    await sync_to_async(connections.close_all)()


async def _while_signed_in(
    request: HttpRequest, events: AsyncGenerator[str, None]
) -> AsyncIterator[str]:
    """End the stream when its session does: the page reconnects, and is asked to sign in."""
    checked = time.monotonic()
    async with aclosing(events):
        async for event in events:
            if time.monotonic() - checked > SESSION_CHECK_SECONDS:
                checked = time.monotonic()
                if not await _read(lambda: _is_signed_in(request.session.session_key)):
                    return
            yield event


def _is_signed_in(session_key: str | None) -> bool:
    """Look again: the session may be over, the user gone or without a role, the password new."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return Caller(get_user(request)).may(Right.SEE)


def _cursor(request: HttpRequest) -> int:
    """The last number that the browser has seen; its header wins over the page's."""
    text = request.headers.get("Last-Event-ID") or request.GET.get("after", "0")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _stream(events: AsyncIterator[str]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(events, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    # Proxies that gather answers would hold the events back.
    response["X-Accel-Buffering"] = "no"
    return response


def _event(name: str, data: dict[str, Any], *, cursor: int | None = None) -> str:
    head = f"id: {cursor}\n" if cursor is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data)}\n\n"


async def _run_changes(watch: RunWatch, *, stays: bool) -> AsyncGenerator[str, None]:
    """Events of what changed, at most one each ``RUN_PAUSE``."""
    hub = live.hub()
    ended: int | None = None
    with hub.watching(watch.pk) as changed:
        yield "retry: 1000\n\n"
        await hub.listening(seconds=FIRST_WAIT)
        while not hub.is_ending:
            changed.clear()
            try:
                event = await _read(watch.look)
            except DagRun.DoesNotExist:
                yield _event("gone", {})
                return
            if event.data:
                data = {**event.data, "mode": _mode(hub)}
                yield _event("change", data, cursor=event.cursor)
            if event.is_over and event.cursor not in (None, ended):
                ended = event.cursor
                yield _event("end", {"sequence": ended}, cursor=ended)
            if event.is_over and event.cursor is not None and not stays:
                return
            if event.data:
                # What changes meanwhile comes with the next event.
                await asyncio.sleep(RUN_PAUSE)
            async for text in _until_woken(watch, event, changed):
                yield text


async def _until_woken(watch: RunWatch, event: Event, changed: asyncio.Event) -> AsyncIterator[str]:
    """Pings, until it is time to look again: nobody has to look at a run that is over."""
    hub = live.hub()
    while event.cursor is not None and not hub.is_ending and not await _woken(changed, hub):
        reminder: dict[str, Any] = {}
        # One that was deleted meanwhile is told of by the next look.
        with contextlib.suppress(DagRun.DoesNotExist):
            reminder = {} if event.is_over else await _read(watch.remind)
        yield _event("change" if reminder else "ping", {**reminder, "mode": _mode(hub)})
        if not event.is_over or not hub.is_listening:
            return


async def _dashboard_changes(caller: Caller) -> AsyncGenerator[str, None]:
    hub = live.hub()
    with hub.watching(None) as changed:
        yield "retry: 1000\n\n"
        await hub.listening(seconds=FIRST_WAIT)
        while not hub.is_ending:
            changed.clear()
            html = await _read(lambda: _dashboard_html(caller))
            yield _event("change", {"mode": _mode(hub), "replace": {"dashboard-live": html}})
            await asyncio.sleep(DASHBOARD_PAUSE)
            while not await _woken(changed, hub):
                if hub.is_ending:
                    return
                yield _event("ping", {"mode": _mode(hub)})
                if not hub.is_listening:
                    break


def _dashboard_html(caller: Caller) -> str:
    """What the page offers its reader, its refresh offers, too, and nothing else."""
    context = {**dashboard_context(), "may": OfferedRights(caller)}
    return render_to_string("tasks/_dashboard_live.html", context)


def _mode(hub: live.Hub) -> str:
    return "live" if hub.is_listening else "polling"


async def _woken(changed: asyncio.Event, hub: live.Hub) -> bool:
    """Wait for a change; false when the time for a ping has come."""
    seconds = PING_SECONDS if hub.is_listening else POLL_SECONDS
    try:
        await asyncio.wait_for(changed.wait(), seconds)
    except TimeoutError:
        return False
    return True
