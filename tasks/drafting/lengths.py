"""Lengths of time as people write them: ``5 min``, ``1 h 30 min``, ``90``."""

from __future__ import annotations

import re

#: Seconds; ten years, as in DAG files.
LONGEST = 3650 * 86_400
_UNITS = {"d": 86_400, "h": 3600, "min": 60, "s": 1}
_NAMES = {
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("h", "hour", "hours"), "h"),
    **dict.fromkeys(("m", "min", "minute", "minutes"), "min"),
    **dict.fromkeys(("", "s", "sec", "second", "seconds"), "s"),
}
_PART = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([a-z]*)\s*", re.ASCII)


class WrongLength(ValueError):
    """The words of what is expected."""


def seconds_of(text: str) -> float:
    """Seconds; a number without a unit is of seconds. Raise ``WrongLength``."""
    total, at, lowered = 0.0, 0, text.strip().lower()
    while at < len(lowered):
        part = _PART.match(lowered, at)
        if part is None or part[2] not in _NAMES:
            raise WrongLength("A length of time is needed, such as 5 min, 1 h 30 min or 90 s.")
        total += float(part[1]) * _UNITS[_NAMES[part[2]]]
        at = part.end()
    if total > LONGEST:
        raise WrongLength("At most ten years.")
    return int(total) if total.is_integer() else round(total, 6)


def length_text(seconds: float) -> str:
    """The shortest way to write it: 5400 is ``1 h 30 min``."""
    whole, rest = int(seconds), round(seconds - int(seconds), 6)
    parts = []
    for unit, size in _UNITS.items():
        count, whole = divmod(whole, size)
        shown = count + rest if unit == "s" else count
        if shown:
            parts.append(f"{shown:.6f}".rstrip("0").rstrip(".") + f" {unit}")
    return " ".join(parts) or "0 s"
