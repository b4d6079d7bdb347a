"""API tokens: one's own, and for who may manage them those of others."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from access.audit import Actor
from access.forms import SCOPE_WORDS, TokenForm
from access.models import ApiToken
from access.rights import WORDS, Right, caller_of, requires
from access.tokens import create_token, delete_token

PAGE_SIZE = 50


@requires(Right.SEE)
@never_cache
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The list; and by a POST a new token, which is shown on the page that answers it."""
    if request.method == "GET":
        return _page(request, TokenForm(user=request.user))
    form = TokenForm(request.POST, user=request.user)
    if not form.is_valid():
        return _page(request, form, status=422)
    row, text = create_token(
        request.user,
        name=form.cleaned_data["name"],
        scopes=form.cleaned_data["scopes"],
        expires_at=form.expires_at,
        actor=Actor.of(request.user),
    )
    return _page(request, TokenForm(user=request.user), made=row, text=text)


def _page(request: HttpRequest, form: TokenForm, *, status: int = 200, **made: Any) -> HttpResponse:
    rows = ApiToken.objects.filter(user=request.user.pk)
    own = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("own"))
    others = None
    if caller_of(request).may(Right.MANAGE_TOKENS):
        rows = ApiToken.objects.exclude(user=request.user.pk).select_related("user")
        others = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"form": form, "own": own, "page": others, "scope_words": SCOPE_WORDS, **made}
    return render(request, "access/tokens.html", context, status=status)


@requires(Right.SEE)
@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, and on a POST revoke the token: what uses it is refused at once."""
    mine = ApiToken.objects.filter(pk=pk, user=request.user.pk).exists()
    if not mine and not caller_of(request).may(Right.MANAGE_TOKENS):
        raise PermissionDenied(f"Your role doesn't let you {WORDS[Right.MANAGE_TOKENS]}.")
    token = get_object_or_404(ApiToken.objects.select_related("user"), pk=pk)
    if request.method == "POST":
        delete_token(token, actor=Actor.of(request.user))
        messages.success(request, f"The token “{token.name}” is revoked.")
        return redirect("tokens")
    return render(request, "access/token_delete.html", {"token": token})
