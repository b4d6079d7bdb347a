"""Lets a request through to its view only with the right that the view is marked with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.deprecation import MiddlewareMixin

from access.rights import WORDS, Right, caller_of

#: The API asks ``Caller.may`` itself, for each of its operations.
OWN_CHECKS = {"api"}
READING = {"GET", "HEAD", "OPTIONS"}
#: In the session of who signed in with a one-time password, until there is another.
CHANGE_IS_DUE = "change_is_due"
OPEN_WHILE_DUE = {"settings-password", "logout"}


class RightsMiddleware(MiddlewareMixin):
    """Must stand behind the middlewares that sign in. A view without a mark is shut."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        namespaces = set(match.namespaces) if match else set()
        if not getattr(view, "login_required", True) or OWN_CHECKS & namespaces:
            return None
        if request.session.get(CHANGE_IS_DUE) and match and match.url_name not in OPEN_WHILE_DUE:
            return redirect("settings-password")
        rights = _rights_of(view, namespaces)
        right = rights and (rights[0] if request.method in READING else rights[1])
        if right and not caller_of(request).may(right):
            raise PermissionDenied(f"Your role doesn't let you {WORDS[right]}.")
        return None


def _rights_of(view: Callable[..., Any], namespaces: set[str]) -> tuple[Right, Right] | None:
    """For reading, and for all else; nothing for a view that is open to who is signed in."""
    if "admin" in namespaces:
        # Its pages also ask for Django's permissions on their tables.
        return Right.USE_ADMIN, Right.USE_ADMIN
    if not hasattr(view, "required_rights"):
        raise PermissionDenied("Nobody may use this page: it names no right.")
    rights: tuple[Right, Right] | None = view.required_rights
    return rights
