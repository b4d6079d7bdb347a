"""Rows as a table, JSON, YAML or plain columns, for every command that lists something."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

FORMATS = ("table", "json", "yaml", "plain")
Row = Mapping[str, Any]


def formatted(rows: Sequence[Row], output: str, *, names: Sequence[str] = ()) -> str:
    """``rows`` as text. ``names`` are the columns where there is no row to tell them."""
    if output == "json":
        return json.dumps(list(map(dict, rows)), indent=2, ensure_ascii=False)
    if output == "yaml":
        text: str = yaml.safe_dump(list(map(dict, rows)), sort_keys=False, allow_unicode=True)
        return text.rstrip("\n")
    names = list(rows[0]) if rows else list(names)
    cells = [[_cell(row[name]) for name in names] for row in rows]
    return _plain(names, cells) if output == "plain" else _table(names, cells)


def _cell(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "" if value is None else str(value)
    # No line break and no escape sequence of somebody else's reaches the terminal.
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def _plain(names: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    lines = [list(names), *cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _table(names: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for line in cells:
        table.add_row(*map(Text, line))
    # In a pipe nothing is cut or wrapped: who reads it may look for a whole name.
    is_seen = sys.stdout.isatty()
    width = max(shutil.get_terminal_size((160, 24)).columns, 40) if is_seen else 10_000
    console = Console(width=width, no_color=True, force_terminal=False)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n"))
