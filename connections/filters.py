"""What the list of connections is asked for: its address, read and written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from connections.health import Health
from connections.search import words_of

SIZES = (25, 50, 100, 200)
SIZE = 50
#: The name of a sort in the address -> what it is called.
SORTS = {
    "conn_id": "ID",
    "type": "Type",
    "description": "Description",
    "host": "Host",
    "port": "Port",
    "used": "Last used",
    "tested": "Last test",
    "expires": "Expires",
    "version": "Version",
    "changed": "Changed",
    "team": "Team",
}
#: What one looks for the most of, or the newest, first.
DESCENDING_FIRST = ("used", "tested", "version", "changed")
LONGEST_ECHO = 40


@dataclass(frozen=True)
class Filters:
    """All that the address says. ``sort`` is one of ``SORTS``, descending with a ``-`` before."""

    search: str = ""
    types: tuple[str, ...] = ()
    healths: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    is_expiring: bool = False
    is_unused: bool = False
    is_from_environment: bool = False
    sort: str = "conn_id"
    size: int = SIZE
    page: int = 1

    @property
    def words(self) -> tuple[str, ...]:
        return words_of(self.search)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the order and the pages is asked for."""
        return self.cleared() != replace(self, page=1)

    @property
    def sort_name(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def is_descending(self) -> bool:
        return self.sort.startswith("-")

    def cleared(self) -> Filters:
        return Filters(sort=self.sort, size=self.size)

    def toggled(self, name: str, value: str) -> Filters:
        """With ``value`` among the tuple ``name``, or without it if it is there."""
        values: tuple[str, ...] = getattr(self, name)
        kept = tuple(each for each in values if each != value)
        return self.with_(**{name: kept if value in values else (*values, value)})

    def with_(self, **changes: Any) -> Filters:
        """Changed, on the first page."""
        return replace(self, **{"page": 1, **changes})

    def sorted_by(self, name: str) -> Filters:
        """Sorted by ``name``; the other way round if it is already."""
        is_descending = name in DESCENDING_FIRST
        if name == self.sort_name:
            is_descending = not self.is_descending
        return self.with_(sort=f"-{name}" if is_descending else name)

    def pairs(self) -> list[tuple[str, str]]:
        """The address's names and values; what is as it is anyway is left out."""
        plain = Filters()
        found = [("q", self.search)] if self.search else []
        found += [("type", each) for each in self.types]
        found += [("health", each) for each in self.healths]
        found += [("team", each) for each in self.teams]
        found += [("expires", "soon")] if self.is_expiring else []
        found += [("used", "no")] if self.is_unused else []
        found += [("origin", "environment")] if self.is_from_environment else []
        found += [("sort", self.sort)] if self.sort != plain.sort else []
        found += [("size", str(self.size))] if self.size != plain.size else []
        found += [("page", str(self.page))] if self.page != plain.page else []
        return found

    @property
    def query(self) -> str:
        """The address from its ``?`` on; ``?`` alone if it asks for nothing."""
        return f"?{urlencode(self.pairs())}"


def read(sent: QueryDict) -> tuple[Filters, list[str]]:
    """What ``sent`` asks for, and what of it (as ``name=value``) there isn't, and is ignored."""
    ignored: list[str] = []

    def one_of(name: str, known: Iterable[str]) -> str:
        value = sent.get(name, "")
        if value in ("", *known):
            return value
        ignored.append(f"{name}={value[:LONGEST_ECHO]}")
        return ""

    def several(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each for each in sent.getlist(name) if _is_storable(each)))

    healths = several("health")
    ignored += [f"health={each[:LONGEST_ECHO]}" for each in healths if each not in set(Health)]
    page = sent.get("page", "")
    if page and not _is_page(page):
        ignored.append(f"page={page[:LONGEST_ECHO]}")
    filters = Filters(
        search=sent.get("q", "").replace("\0", "").strip()[:500],
        types=several("type"),
        healths=tuple(each for each in healths if each in set(Health)),
        teams=several("team"),
        is_expiring=bool(one_of("expires", ["soon"])),
        is_unused=bool(one_of("used", ["no"])),
        is_from_environment=one_of("origin", ["environment", "stored"]) == "environment",
        sort=one_of("sort", [*SORTS, *(f"-{name}" for name in SORTS)]) or "conn_id",
        size=int(one_of("size", map(str, SIZES)) or SIZE),
        page=int(page) if _is_page(page) else 1,
    )
    return filters, ignored


def _is_page(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < len(text) < 10 and int(text) > 0


def _is_storable(text: str) -> bool:
    return bool(text) and "\0" not in text
