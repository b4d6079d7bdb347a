"""The catalogue of types: where a new connection begins."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from connections.types import TYPES
from connections.types.base import ConnectionType


@dataclass(frozen=True)
class Entry:
    """A type in the catalogue, with the words by which it is found."""

    type: ConnectionType
    words: str

    @property
    def is_first_class(self) -> bool:
        """Whether Patchbay declares it itself: with groups, methods and checks."""
        return self.type.origin == "patchbay"


def catalogue_page(
    request: HttpRequest, *, status: int = 200, paste_words: str = ""
) -> HttpResponse:
    """``paste_words`` say why what was pasted is no connection."""
    search = request.GET.get("q", "").strip()
    categories = [
        (name, [entry for entry in _entries(types) if _is_found(entry, search)])
        for name, types in TYPES.by_category()
    ]
    context = {
        "categories": [(name, found) for name, found in categories if found],
        "count": sum(len(found) for _, found in categories),
        "total": len(TYPES),
        "search": search,
        "conn_id": request.POST.get("conn_id") or request.GET.get("conn_id", ""),
        "paste_words": paste_words,
    }
    return render(request, "connections/catalogue.html", context, status=status)


def _entries(types: list[ConnectionType]) -> list[Entry]:
    """First-class types first, else in the order of ``types``."""
    entries = [Entry(each, _words(each)) for each in types]
    return sorted(entries, key=lambda entry: not entry.is_first_class)


def _words(each: ConnectionType) -> str:
    words = (each.label, each.name, each.name.replace("_", " "), each.category, each.description)
    return " ".join(words).casefold()


def _is_found(entry: Entry, search: str) -> bool:
    return all(word in entry.words for word in search.casefold().split())
