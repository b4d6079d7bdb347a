"""Connections from the environment, for the list: read-only, and few."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from connections import dependents
from connections.filters import Filters
from connections.from_environment import EnvironmentConnection, all_from_environment
from connections.health import Verdict
from connections.listing import Cell, Counts, Line, Page, with_use
from connections.search import holds
from connections.types import type_of

READ_ONLY = Verdict("", "off", "Read-only")
#: Whatever else is asked for is told of stored connections only.
_SORTS = ("conn_id", "type", "description", "host", "port")


def lines() -> list[Line]:
    """All of them, in the order of their IDs. Parses them: ask once for a page."""
    return [_line(each) for each in all_from_environment()]


def matching(lines: Iterable[Line], filters: Filters, *, used: Collection[str] = ()) -> list[Line]:
    """Those that fit the search and the types, and are not among the ``used``."""
    return [
        line
        for line in lines
        if holds((line.conn_id, line.description, line.target), filters.words)
        and (not filters.types or line.type.name in filters.types)
        and line.conn_id not in used
    ]


def page_of(found: Iterable[Line], filters: Filters) -> Page:
    """The page of them; chips of health, team and expiry leave it as it is."""
    used = dependents.used_ids()
    everything = matching(found, filters.cleared().with_(search=filters.search))
    asked = filters.cleared().with_(
        search=filters.search,
        types=filters.types,
        is_unused=filters.is_unused,
        is_from_environment=True,
    )
    cells = tuple(
        Cell(line.type.name, "", "", False, line.conn_id not in used, 1) for line in everything
    )
    counts = Counts(cells, asked)
    chosen = _sorted(matching(found, filters, used=used if filters.is_unused else ()), filters)
    pages = max(1, -(-len(chosen) // filters.size))
    number = min(filters.page, pages)
    chosen = chosen[(number - 1) * filters.size : number * filters.size]
    return Page(with_use(chosen), counts, number, pages)


def _line(found: EnvironmentConnection) -> Line:
    loaded = found.connection
    line = Line(
        conn_id=found.conn_id,
        type=type_of(""),
        description="",
        target="",
        port=None,
        verdict=READ_ONLY,
        variable=found.variable,
    )
    if loaded is None:
        return replace(line, verdict=Verdict("", "bad", "Can’t be read", found.problem))
    return replace(
        line,
        type=type_of(loaded.conn_type),
        description=loaded.description,
        target=loaded.host or str(loaded.extra.get("project", "")),
        port=loaded.port,
    )


def _sorted(lines: list[Line], filters: Filters) -> list[Line]:
    name = filters.sort_name if filters.sort_name in _SORTS else "conn_id"

    def key(line: Line) -> tuple[Any, ...]:
        value = {
            "conn_id": line.conn_id,
            "type": line.type.name,
            "description": line.description,
            "host": line.target,
            "port": line.port or 0,
        }[name]
        return (value, line.conn_id)

    return sorted(lines, key=key, reverse=filters.is_descending)
