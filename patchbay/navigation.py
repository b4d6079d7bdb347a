"""What the rail of every page shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from access.rights import Right, caller_of
from patchbay.help.places import help_for
from tasks.models import DagImportError, DagRun
from tasks.states import RUN_TERMINAL, RunState


@dataclass(frozen=True)
class Entry:
    label: str
    url: str
    is_current: bool
    count: str = ""
    is_bad: bool = False


def navigation(request: HttpRequest) -> dict[str, Any]:
    """A context processor. Nothing is queried until a template reads the entries."""

    def entries() -> list[Entry]:
        settings_entry = _entry(request, "Settings", "settings")
        if not caller_of(request).may(Right.SEE):
            return [settings_entry, _help(request)]
        live = DagRun.objects.filter(state__in=set(RunState) - RUN_TERMINAL).count()
        errors = DagImportError.objects.count()
        return [
            _entry(request, "Dashboard", "dashboard"),
            _entry(request, "Connections", "connections"),
            _entry(
                request, "DAGs", "dags", count=f"{errors} broken" if errors else "", is_bad=True
            ),
            _entry(request, "Runs", "runs", count=f"{live} live" if live else ""),
            _entry(request, "Audit", "audit"),
            settings_entry,
            _help(request),
        ]

    return {"navigation": entries, "version": settings.PATCHBAY_VERSION}


def _entry(
    request: HttpRequest, label: str, name: str, *, count: str = "", is_bad: bool = False
) -> Entry:
    url = reverse(name)
    is_current = request.path == url if url == "/" else request.path.startswith(url)
    return Entry(label, url, is_current, count, is_bad)


def _help(request: HttpRequest) -> Entry:
    """It leads from each page to the help that fits; within the help to its first page."""
    is_help = request.path.startswith(reverse("help"))
    return Entry("Help", reverse("help") if is_help else help_for(request), is_help)
