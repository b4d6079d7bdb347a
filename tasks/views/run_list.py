"""The list of runs."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from access.rights import Right, requires
from patchbay.templatetags.patchbay import state_word
from tasks.models import Dag
from tasks.presentation.run_list import LIVE, STATES, TYPES, matching, read
from tasks.views.listing import run_lines

PAGE_SIZE = 25
#: So many DAGs are suggested while one types.
SUGGESTED = 200


@requires(Right.SEE)
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    filters, ignored = read(request.GET)
    page = Paginator(matching(filters), PAGE_SIZE).get_page(request.GET.get("page"))
    words = {LIVE: "Live", **{state: state_word(state) for state in STATES if state != LIVE}}
    types = [(value, filters.with_(run_type=value).query, label) for value, label in TYPES.items()]
    context = {
        "filters": filters,
        "ignored": ignored,
        "page": page,
        "runs": run_lines(page.object_list),
        "states": [(value, filters.with_(state=value).query, words[value]) for value in STATES],
        "any_state": filters.with_(state="").query,
        "types": types,
        "any_type": filters.with_(run_type="").query,
        "dag_ids": Dag.objects.order_by("dag_id").values_list("dag_id", flat=True)[:SUGGESTED],
    }
    return render(request, "tasks/runs.html", context)
