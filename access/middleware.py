"""Lets a request through to its view only with the right that the view is marked with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

from access.rights import WORDS, Right, caller_of

#: The API asks ``Caller.may`` itself, for each of its operations.
OWN_CHECKS = {"api"}
READING = {"GET", "HEAD", "OPTIONS"}


class RightsMiddleware(MiddlewareMixin):
    """Must stand behind the middlewares that sign in. A view without a mark is shut."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> None:
        match = request.resolver_match
        namespaces = set(match.namespaces) if match else set()
        if not getattr(view, "login_required", True) or OWN_CHECKS & namespaces:
            return
        rights: tuple[Right, Right] | None
        if "admin" in namespaces:
            # Its pages also ask for Django's permissions on their tables.
            rights = (Right.USE_ADMIN, Right.USE_ADMIN)
        elif hasattr(view, "required_rights"):
            rights = view.required_rights
        else:
            raise PermissionDenied("Nobody may use this page: it names no right.")
        if rights is None:
            return
        right = rights[0] if request.method in READING else rights[1]
        if not caller_of(request).may(right):
            raise PermissionDenied(f"Your role doesn't let you {WORDS[right]}.")
