"""Acts on the connections that were chosen in the list."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from access.audit import Actor
from access.rights import WORDS, Right, caller_of, requires
from connections.bulk import ACTS, AT_MOST, Act, BulkRefused, Outcome, existing
from connections.dependents import dependents_of
from connections.filters import Filters, read
from connections.listing import ids_that_match
from connections.models import CONN_ID_PATTERN

#: Addresses that are longer don't pass every server on the way.
LONGEST_ADDRESS = 6000
#: As many names stand in a message; the others are counted.
NAMED = 5


@requires(Right.SEE)
@require_http_methods(["GET", "POST"])
def bulk(request: HttpRequest) -> HttpResponse:
    """Do an act, or ask first. Each act needs its own right."""
    if request.method == "GET":
        # Who had to sign in first comes back with a GET, and has chosen nothing any more.
        return redirect("connections")
    filters, _ = read(QueryDict(request.POST.get("match", "")))
    act = ACTS.get(request.POST.get("act", ""))
    if act is None:
        return _back(request, filters, "Nothing was done: choose what to do with them.")
    if not caller_of(request).may(act.right):
        raise PermissionDenied(f"Your role doesn't let you {WORDS[act.right]}.")
    ids = _chosen(request.POST, filters)
    if not ids:
        return _back(request, filters, "Nothing was done: choose connections first.")
    if len(ids) > AT_MOST:
        words = f"Nothing was done: one act takes at most {AT_MOST:,} connections. Choose fewer."
        return _back(request, filters, words)
    if act.run is None:
        return _export(request, filters, ids)
    if act.asks and "confirmed" not in request.POST:
        return _ask(request, filters, act, ids)
    return _do(request, filters, act, ids)


def _chosen(sent: QueryDict, filters: Filters) -> list[str]:
    """The IDs of the ticked rows, of a confirmed page, or of all that match."""
    if "all" in sent:
        return ids_that_match(filters, now=timezone.now(), at_most=AT_MOST)
    ids = dict.fromkeys(sent.getlist("id"))
    return [each for each in ids if re.match(CONN_ID_PATTERN, each)]


def _back(request: HttpRequest, filters: Filters, refusal: str = "") -> HttpResponse:
    """To where it was asked for: the list as it was, or the page of one connection."""
    if refusal:
        messages.error(request, refusal)
    return redirect(_origin(request, filters))


def _origin(request: HttpRequest, filters: Filters) -> str:
    conn_id = request.POST.get("from", "")
    if re.match(CONN_ID_PATTERN, conn_id):
        return reverse("connection", args=[conn_id])
    return reverse("connections") + filters.query


def _ask(request: HttpRequest, filters: Filters, act: Act, ids: list[str]) -> HttpResponse:
    rows = existing(ids)
    if not rows:
        return _back(request, filters, "Nothing was done: they were deleted meanwhile.")
    used = dependents_of(row.conn_id for row in rows)
    context: dict[str, Any] = {
        "act": act,
        "used": [(row, used[row.conn_id]) for row in rows if used[row.conn_id]],
        "unused": [row for row in rows if not used[row.conn_id]],
        "dependent_count": len({each for found in used.values() for each in found}),
        "count": len(rows),
        "gone": sorted(set(ids) - used.keys()),
        "ids": [row.conn_id for row in rows],
        "match": filters.query.removeprefix("?"),
        "from": request.POST.get("from", ""),
        "back": _origin(request, filters),
    }
    return render(request, "connections/bulk_confirm.html", context)


def _do(request: HttpRequest, filters: Filters, act: Act, ids: list[str]) -> HttpResponse:
    assert act.run is not None
    try:
        outcome = act.run(ids, Actor.of(request.user))
    except BulkRefused as error:
        return _back(request, filters, str(error))
    if outcome.done:
        messages.success(request, _told(act, outcome))
    for words in _left_out(act, outcome):
        messages.warning(request, words)
    return _back(request, filters)


def _export(request: HttpRequest, filters: Filters, ids: list[str]) -> HttpResponse:
    """Go to the page that exports; a long list of IDs doesn't fit into an address."""
    query = urlencode([("id", each) for each in ids])
    if len(query) <= LONGEST_ADDRESS:
        return redirect(f"{reverse('connections-export')}?{query}")
    context = {
        "count": len(ids),
        "ids": ids,
        "back": reverse("connections") + filters.query,
    }
    return render(request, "connections/bulk_export.html", context)


def _told(act: Act, outcome: Outcome) -> str:
    if len(outcome.done) == 1:
        words = f"Connection {outcome.done[0]} is {act.past}"
    else:
        words = f"{len(outcome.done):,} connections are {act.past}"
    return f"{words}: {named(outcome.made)}." if outcome.made else f"{words}."


def _left_out(act: Act, outcome: Outcome) -> list[str]:
    """What was not acted on, and why."""
    reasons = (
        (outcome.same, "was", "were", f"{act.past} already"),
        (outcome.untestable, "can’t", "can’t", "be tested: nothing here opens such sessions yet"),
        (outcome.gone, "was", "were", "deleted meanwhile"),
    )
    return [
        f"{len(ids):,} {one if len(ids) == 1 else many} {words}: {named(ids)}."
        for ids, one, many, words in reasons
        if ids
    ]


def named(ids: tuple[str, ...]) -> str:
    """``a, b and c``; of many, the first ones and how many more."""
    if len(ids) <= NAMED + 1:
        *first, last = ids
        return f"{', '.join(first)} and {last}" if first else last
    return f"{', '.join(ids[:NAMED])} and {len(ids) - NAMED:,} more"
