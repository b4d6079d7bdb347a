"""Template filters and tags: numbers, times and states in the words of the product."""

from __future__ import annotations

import json
import re
from datetime import datetime
from textwrap import dedent
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

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
    "cancelling": ("warn", "stop", "Cancelling"),
    "cancelled": ("off", "stop", "Cancelled"),
    "up_for_retry": ("warn", "retry", "Up for retry"),
    "up_for_reschedule": ("wait", "hourglass", "Looks again"),
    "removed": ("skip", "dash", "Removed"),
    "lost": ("lost", "warning", "Lost"),
}


@register.filter
def tone(state: str) -> str:
    """The class of the stylesheet for a state: ok, run, bad, wait, warn, off, lost or skip."""
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
    if seconds < 0.9995:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


@register.filter
def span(seconds: float | None) -> str:
    """A length that somebody chose, without what says nothing: ``10 s``, ``5 min``, ``1 h``."""
    words = duration(seconds).replace(".0 s", " s")
    return words.removesuffix(" 0 s").removesuffix(" 0 min") if " 0 " in words[1:] else words


@register.filter
def elapsed(moment: datetime) -> str:
    """How long ago it was; the browser counts on from there."""
    return duration((timezone.now() - moment).total_seconds())


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """A time element: relative words, with the exact time on hover."""
    if moment is None:
        return "never"
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        moment.isoformat(),
        _exactly(moment),
        _relative((timezone.now() - moment).total_seconds()),
    )


def _exactly(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%-d %b %Y, %H:%M:%S %Z")


def _relative(seconds: float) -> str:
    if seconds < 2:
        return "just now"
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {word} ago"
    return f"{int(seconds)} s ago"


@register.filter
def expiry(moment: datetime | None) -> SafeString:
    """When something ends: ``no``, a date, or within 30 days a pill; red from 7 days on."""
    if moment is None:
        return mark_safe('<span class="muted">no</span>')
    seconds = (moment - timezone.now()).total_seconds()
    is_soon = seconds <= 30 * 86_400
    date = timezone.localtime(moment).strftime("%-d %b %Y")
    time = format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        _exactly(moment),
        _until(seconds) if is_soon else date,
    )
    if not is_soon:
        return time
    tone = "bad" if seconds <= 7 * 86_400 else "warn"
    return format_html('<span class="pill {}">{}</span>', tone, time)


def _until(seconds: float) -> str:
    if seconds <= 0:
        return _relative(-seconds)
    for size, word in ((86_400, "day"), (3_600, "hour")):
        if seconds >= size:
            count = int(seconds // size)
            return f"in {count} {word}{'' if count == 1 else 's'}"
    return "within the hour"


@register.filter
def until(moment: datetime) -> SafeString:
    """A time element of a moment to come, with the exact time on hover; the browser counts down."""
    seconds = (moment - timezone.now()).total_seconds()
    return format_html(
        '<time datetime="{}" title="{}" data-ahead>{}</time>',
        moment.isoformat(),
        _exactly(moment),
        _ahead(seconds),
    )


def _ahead(seconds: float) -> str:
    """As ``ahead`` of static/js/dag.js."""
    if seconds <= 0:
        return "now"
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"in {int(seconds // size)} {word}"
    return f"in {int(seconds)} s"


@register.filter
def number(value: int) -> str:
    """``10,000``."""
    return f"{value:,}"


@register.filter
def at(values: dict[str, Any], name: str) -> Any:
    """The entry ``name`` of ``values``, where the name is in a variable."""
    return values.get(name)


@register.filter
def time_of_day(moment: datetime | None) -> SafeString | str:
    """A time element of ``clock``; the browser shows it in its own time zone."""
    if moment is None:
        return ""
    return format_html(
        '<time datetime="{}" title="{}" data-clock>{}</time>',
        moment.isoformat(),
        _exactly(moment),
        clock(moment),
    )


@register.filter
def clock(moment: datetime | None) -> str:
    """The time of the day, with milliseconds."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"


@register.simple_tag
def svg(name: str) -> SafeString:
    """A picture from static/icons.svg. It says nothing to a screen reader: put words beside it."""
    return format_html(
        '<svg class="icon icon-{}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        name,
        static("icons.svg"),
        name,
    )


@register.simple_tag
def pill(state: str) -> SafeString:
    """A state as a pill: icon, word and colour."""
    return _state("pill", state)


@register.simple_tag
def state_mark(state: str) -> SafeString:
    """A state as icon, word and colour, without the pill."""
    return _state("state", state)


def _state(kind: str, state: str) -> SafeString:
    tone, icon, word = STATES[state]
    return format_html('<span class="{} {}">{}{}</span>', kind, tone, svg(icon), word)


@register.filter
def moment_of(text: str) -> datetime:
    """A moment that was stored as text in JSON."""
    return datetime.fromisoformat(text)


@register.filter
def as_json(value: Any) -> str:
    """``value`` as one line of JSON."""
    return json.dumps(value, ensure_ascii=False)


@register.filter
def pretty_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


@register.filter
def listed(value: Any) -> str:
    """A list as ``a, b and c``; anything else as it is."""
    if not isinstance(value, list | tuple):
        return str(value)
    *first, last = [str(item) for item in value] or [""]
    return f"{', '.join(first)} and {last}" if first else last


#: What is told of an act as yes or no, in words; nothing where it goes without saying.
_FACTS = {
    ("is_draft", True): "the form as it stood",
    ("is_draft", False): "",
    ("redacted", True): "without secrets",
    ("redacted", False): "with secrets",
}


@register.filter
def told(detail: dict[str, Any]) -> list[tuple[str, Any]]:
    """The names and values of an audit event's detail; a fact that has words has no name."""
    found: list[tuple[str, Any]] = []
    for name, value in detail.items():
        words = _FACTS.get((name, value)) if isinstance(value, bool) else None
        if words is None:
            found.append((name.replace("_", " "), value))
        elif words:
            found.append(("", words))
    return found


@register.filter
def breakable(text: str) -> SafeString:
    """An e-mail address or an id, which a narrow column may break at its signs."""
    return mark_safe(re.sub(r"([@._/:-])", r"\1<wbr>", escape(text)))  # noqa: S308 - escaped


@register.filter
def words_of_name(text: str) -> SafeString:
    """A name such as ``BigQueryInsertJobOperator``, which may break between its words."""
    return mark_safe(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "<wbr>", escape(text)))  # noqa: S308 - escaped


@register.filter
def to_the_second(run_id: str) -> str:
    """A run ID without the microseconds and the time zone of its moment."""
    return re.sub(r"(T\d\d:\d\d:\d\d)(\.\d+)?(\+00:00|Z)?$", r"\1", run_id)


@register.filter
def highlighted(text: str, find: str) -> SafeString | str:
    """``text`` with each place where it says ``find`` marked."""
    if not find:
        return text
    parts = re.split(f"({re.escape(find)})", text, flags=re.IGNORECASE)
    return format_html_join(
        "",
        "{}{}",
        (
            (part, "") if place % 2 == 0 else ("", format_html("<mark>{}</mark>", part))
            for place, part in enumerate(parts)
        ),
    )


@register.filter
def sql_of(arguments: dict[str, Any]) -> str:
    """The SQL of a query job's arguments, without the indentation of its DAG file."""
    configuration = arguments.get("configuration")
    query = configuration.get("query") if isinstance(configuration, dict) else None
    text = query.get("query") if isinstance(query, dict) else None
    return dedent(text.expandtabs(4)).strip() if isinstance(text, str) else ""


@register.filter
def is_structured(value: Any) -> bool:
    """Whether a value is shown as JSON: an object or a list."""
    return isinstance(value, dict | list)
