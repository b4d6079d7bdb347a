"""The log of a run or of one of its tasks: filtered, page by page, and as a text to keep."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_GET

from access.rights import Right, requires
from tasks.models import DagRun, LogLine

#: So many lines are on the page at most; the others are a link away.
MOST_LINES = 500
#: So many are read at once for the text that is downloaded.
CHUNK = 2_000
#: value -> (the levels that are shown, in words)
LEVELS: dict[str, tuple[tuple[str, ...], str]] = {
    "": ((), "All levels"),
    "warning": (("warning", "error", "critical"), "Warnings and errors"),
    "error": (("error", "critical"), "Errors"),
}


@dataclass(frozen=True)
class LogFilter:
    """Which lines are asked for; ``before`` is the key of the first line already seen."""

    level: str = ""
    find: str = ""
    task_id: str = ""
    try_number: int | None = None
    before: int | None = None

    @classmethod
    def of(cls, query: QueryDict) -> LogFilter:
        return cls(
            level=query.get("level", "") if query.get("level") in LEVELS else "",
            find=query.get("find", "").replace("\0", "")[:200],
            task_id=query.get("of", "").replace("\0", "")[:250],
            try_number=whole(query.get("try")),
            before=whole(query.get("before")),
        )

    def rows(self, run: DagRun) -> QuerySet[LogLine]:
        found = run.log_lines.filter(sequence__lte=run.sequence).select_related("task_instance")
        if self.level:
            found = found.filter(level__in=LEVELS[self.level][0])
        if self.find:
            found = found.filter(text__icontains=self.find)
        if self.task_id:
            found = found.filter(task_instance__task_id=self.task_id)
        if self.try_number is not None:
            found = found.filter(try_number=self.try_number)
        return found.filter(pk__lt=self.before) if self.before is not None else found

    def takes(self, line: LogLine) -> bool:
        """Whether a new line is one of those that are asked for."""
        levels = LEVELS[self.level][0]
        of = line.task_instance.task_id if line.task_instance else ""
        return (
            (not levels or line.level in levels)
            and self.find.lower() in line.text.lower()
            and self.task_id in ("", of)
            and self.try_number in (None, line.try_number)
            and self.before is None
        )

    @property
    def query(self) -> str:
        """As in an address, without what is not asked for."""
        values = {
            "level": self.level,
            "find": self.find,
            "of": self.task_id,
            "try": self.try_number,
            "before": self.before,
        }
        return urlencode({name: value for name, value in values.items() if value not in ("", None)})


def whole(text: str | None) -> int | None:
    """A number in an address; ``None`` for anything else."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else None


def log_context(run: DagRun, wanted: LogFilter) -> dict[str, Any]:
    lines = list(wanted.rows(run).order_by("-sequence", "-pk")[: MOST_LINES + 1])
    has_earlier = len(lines) > MOST_LINES
    lines = lines[:MOST_LINES][::-1]
    earlier = replace(wanted, before=lines[0].pk).query if has_earlier else ""
    return {
        "lines": lines,
        "log": wanted,
        "levels": [(value, words) for value, (_, words) in LEVELS.items()],
        "earlier": earlier,
        "log_query": replace(wanted, before=None).query,
    }


@requires(Right.SEE)
@require_GET
async def download(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The lines as text, as they are stored: secrets were masked before that."""
    run = await sync_to_async(get_object_or_404)(DagRun.objects.select_related("dag"), pk=pk)
    wanted = replace(LogFilter.of(request.GET), before=None)
    response = StreamingHttpResponse(_text(run, wanted), content_type="text/plain; charset=utf-8")
    name = re.sub(r"[^\w.-]", "_", f"{run.dag.dag_id}-{run.run_id}", flags=re.ASCII)
    response["Content-Disposition"] = f'attachment; filename="{name}.log.txt"'
    response["Cache-Control"] = "no-store"
    return response


async def _text(run: DagRun, wanted: LogFilter) -> AsyncIterator[str]:
    last = 0
    while True:
        rows = wanted.rows(run).filter(pk__gt=last).order_by("sequence", "pk")[:CHUNK]
        lines = await sync_to_async(lambda found=rows: list(found))()
        if not lines:
            return
        yield "".join(_line(line) for line in lines)
        last = lines[-1].pk


def _line(line: LogLine) -> str:
    moment = timezone.localtime(line.at).isoformat(timespec="milliseconds")
    of = line.task_instance
    where = f"{of.task_id}#{line.try_number}" if of else "-"
    return f"{moment} {line.level.upper():<7} {where} {line.text}\n"
