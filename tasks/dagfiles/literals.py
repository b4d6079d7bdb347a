"""Python source of values and calls, as a person would lay it out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

INDENT = "    "
WIDTH = 88
#: More arguments of a call than these stand in lines of their own.
_IN_A_LINE = 2


class Raw(str):
    """Source that stands as it is, such as a variable's name."""

    __slots__ = ()


def literal(value: Any, indent: str = "", *, taken: int = 0) -> str:
    """The source of JSON with ``Raw`` in it.

    ``indent`` is that of the line it begins in, of which ``taken`` characters are used.
    """
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, str):
        return text(value)
    short = _in_one_line(value)
    if short is not None and len(indent) + taken + len(short) < WIDTH:
        return short
    if isinstance(value, dict) and value:
        items = [
            f"{text(key)}: {literal(item, indent + INDENT, taken=len(text(key)) + 3)}"
            for key, item in value.items()
        ]
        return _block("{", items, "}", indent)
    if isinstance(value, list) and value:
        return _block("[", [literal(item, indent + INDENT) for item in value], "]", indent)
    return short if short is not None else repr(value)


def text(value: str) -> str:
    """A text of several lines between triple quotes, where nothing in it is lost by that."""
    if "\n" in value and all(each.isprintable() or each in "\n\t" for each in value):
        body = value.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
        if body.endswith('"'):
            body = f'{body[:-1]}\\"'
        return f'"""{body}"""'
    source = repr(value)
    return f'"{source[1:-1]}"' if source[0] == "'" and '"' not in source else source


def call(name: str, arguments: Iterable[tuple[str, Any]], indent: str = "") -> str:
    """A call with an argument a line, or in one line; those without a name come by position."""
    lines = []
    for key, value in arguments:
        start = f"{key}=" if key else ""
        lines.append(start + literal(value, indent + INDENT, taken=len(start) + 1))
    short = f"{name}({', '.join(lines)})"
    if len(lines) <= _IN_A_LINE and "\n" not in short and len(indent) + len(short) < WIDTH:
        return short
    return f"{name}{_block('(', lines, ')', indent)}"


def seconds_as_text(seconds: float) -> Raw:
    """A ``timedelta`` in the largest unit that fits."""
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds and seconds % size == 0:
            return Raw(f"timedelta({unit}={seconds // size:.0f})")
    return Raw(f"timedelta(seconds={seconds!r})")


def _block(start: str, items: Iterable[str], end: str, indent: str) -> str:
    body = "".join(f"{indent}{INDENT}{item},\n" for item in items)
    return f"{start}\n{body}{indent}{end}"


def _in_one_line(value: Any) -> str | None:
    """``None`` where a text in it has several lines."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, str):
        source = text(value)
        return None if "\n" in source else source
    if isinstance(value, dict):
        parts = [(text(key), _in_one_line(item)) for key, item in value.items()]
        if any(part is None or "\n" in key for key, part in parts):
            return None
        return f"{{{', '.join(f'{key}: {part}' for key, part in parts)}}}"
    if isinstance(value, list):
        items = [_in_one_line(item) for item in value]
        return None if None in items else f"[{', '.join(map(str, items))}]"
    return repr(value)
