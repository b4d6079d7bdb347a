"""Template filters: numbers, times and states in the words of the product."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

#: state -> (tone of the stylesheet, name of the icon in static/icons.svg, word)
STATES = {
    "pending": ("wait", "clock", "Pending"),
    "queued": ("wait", "hourglass", "Queued"),
    "running": ("run", "spin", "Running"),
    "success": ("ok", "check", "Success"),
    "failed": ("bad", "cross", "Failed"),
    "skipped": ("skip", "dash", "Skipped"),
    "upstream_failed": ("skip", "dash", "Upstream failed"),
}


@register.filter
def tone(state: str) -> str:
    """The class of the stylesheet for a state: ok, run, bad, wait or skip."""
    return STATES[state][0]


@register.filter
def icon(state: str) -> str:
    return STATES[state][1]


@register.filter
def state_word(state: str) -> str:
    return STATES[state][2]


@register.filter
def duration(seconds: float | None) -> str:
    """``5 ms``, ``12.4 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """A time element: relative words, with the exact time on hover."""
    if moment is None:
        return "never"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        timezone.localtime(moment).strftime("%-d %b %Y, %H:%M:%S %Z"),
        _relative((timezone.now() - moment).total_seconds()),
    )


def _relative(seconds: float) -> str:
    if seconds < 2:
        return "just now"
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {word} ago"
    return f"{int(seconds)} s ago"


@register.filter
def clock(moment: datetime | None) -> str:
    """The time of the day, with milliseconds."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"
