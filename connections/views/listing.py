"""The list of connections. It never decrypts anything that is stored."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from access.rights import Right, caller_of, requires
from connections import environment_list
from connections.bulk import ACTS, AT_MOST
from connections.filters import SIZES, SORTS, Filters, read
from connections.health import Health
from connections.listing import Counts, page_of
from connections.models import Connection
from connections.types import type_of

#: These are offered also where there is none of them: a 0 is an answer.
ALWAYS = (Health.FAILING, Health.NEVER)
#: In their order: what needs care first.
CHIPS = {
    Health.FAILING: "Failing",
    Health.NEVER: "Never tested",
    Health.CHANGED: "Changed since test",
    Health.EXPIRED: "Expired",
    Health.DISABLED: "Disabled",
    Health.TESTING: "Testing",
    Health.WORKS: "Works",
}


@dataclass(frozen=True)
class Chip:
    """A filter that a click puts on, or takes off. ``count`` is how many it would show."""

    label: str
    count: int
    url: str
    is_on: bool = False


@dataclass(frozen=True)
class Header:
    """A way to sort. ``direction`` is empty, or as ``aria-sort`` wants it."""

    label: str
    url: str
    direction: str = ""


@requires(Right.SEE)
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    filters, ignored = read(request.GET)
    environment = environment_list.lines()
    if filters.is_from_environment:
        page = environment_list.page_of(environment, filters)
    else:
        # Variables name connections in capitals, whatever case the stored ID has.
        hidden = {line.conn_id.upper(): line.variable for line in environment}
        page = page_of(filters, now=timezone.now(), hidden=hidden)
    counts = page.counts
    caller = caller_of(request)
    acts = [act for act in ACTS.values() if caller.may(act.right)]
    total = Connection.objects.count()
    context = {
        "filters": filters,
        "ignored": ignored,
        "page": page,
        "lines": page.lines,
        "counts": counts,
        "total": total,
        "all_count": len(environment) if filters.is_from_environment else total,
        "has_variables": bool(environment),
        "from_environment": len(environment_list.matching(environment, filters)),
        "environment_url": filters.with_(is_from_environment=True).query,
        "stored_url": filters.with_(is_from_environment=False).query,
        "clear_url": filters.cleared().query,
        "match": filters.with_(page=page.number).query.removeprefix("?"),
        "chips": chips(counts),
        "types": type_menu(counts),
        "teams": team_menu(counts),
        "headers": headers(filters),
        "sorted_by": headers(filters)[filters.sort_name],
        "sizes": [(size, filters.with_(size=size).query) for size in SIZES],
        "pages": pager(filters, number=page.number, pages=page.pages),
        "acts": [] if filters.is_from_environment else acts,
        "bulk_limit": AT_MOST,
    }
    return render(request, "connections/index.html", context)


def chips(counts: Counts) -> list[Chip]:
    filters = counts.filters
    unused = Chip(
        "Unused",
        counts.by("is_unused")[True],
        filters.with_(is_unused=not filters.is_unused).query,
        filters.is_unused,
    )
    if filters.is_from_environment:
        return [unused]
    expiring = Chip(
        "Expiring",
        counts.by("is_expiring")[True],
        filters.with_(is_expiring=not filters.is_expiring).query,
        filters.is_expiring,
    )
    failing, *others = health_chips(counts)
    return [failing, expiring, unused, *others]


def health_chips(counts: Counts) -> list[Chip]:
    """Failing first; what there is none of is left out, but for ``ALWAYS``."""
    filters, found = counts.filters, counts.by("health")
    return [
        Chip(
            label,
            found[health],
            filters.toggled("healths", health).query,
            health in filters.healths,
        )
        for health, label in CHIPS.items()
        if found[health] or health in filters.healths or health in ALWAYS
    ]


def type_menu(counts: Counts) -> list[Chip]:
    """The types that occur, and those that are asked for."""
    filters, found = counts.filters, counts.by("conn_type")
    chips = [
        Chip(
            type_of(name).label,
            found[name],
            filters.toggled("types", name).query,
            name in filters.types,
        )
        for name in {*found, *filters.types}
    ]
    return sorted(chips, key=lambda chip: chip.label.lower())


def team_menu(counts: Counts) -> list[Chip]:
    """The teams that occur; empty where no connection has one."""
    filters, found = counts.filters, counts.by("team")
    return [
        Chip(name, found[name], filters.toggled("teams", name).query, name in filters.teams)
        for name in sorted({*found, *filters.teams} - {""})
    ]


def headers(filters: Filters) -> dict[str, Header]:
    direction = "descending" if filters.is_descending else "ascending"
    return {
        name: Header(
            label,
            filters.sorted_by(name).query,
            direction if name == filters.sort_name else "",
        )
        for name, label in SORTS.items()
    }


def pager(filters: Filters, *, number: int, pages: int) -> dict[str, str]:
    """Where the first, previous, next and last page are; what there isn't is left out."""
    places = {"first": 1, "previous": number - 1, "next": number + 1, "last": pages}
    return {
        name: filters.with_(page=place).query
        for name, place in places.items()
        if 1 <= place <= pages and place != number
    }
