"""The help pages, and the search in them. Whoever is signed in may read them."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from access.rights import open_to_signed_in
from patchbay.help.pages import DECISIONS, NoPage, contents, page_of, search

#: Characters; nobody looks for more.
LONGEST = 200


@open_to_signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """All pages in their groups; or what a search finds."""
    typed = request.GET.get("q", "").replace("\0", "")[:LONGEST].strip()
    context = {"groups": contents(), "typed": typed, "found": search(typed)}
    return render(request, "help/index.html", context)


@open_to_signed_in
@require_GET
def page(request: HttpRequest, page: str) -> HttpResponse:
    try:
        shown = page_of(page)
    except NoPage:
        raise Http404(f"There is no help page {page}.") from None
    is_decision = page.startswith(DECISIONS)
    context = {"page": shown, "groups": contents(), "is_decision": is_decision}
    return render(request, "help/page.html", context)
