"""The Django admin in Patchbay's clothes."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator

from access.rights import Right, caller_of


class PatchbayAdminSite(admin.AdminSite):
    site_header = "Patchbay admin"
    site_title = "Patchbay"
    index_title = "Tables"
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        return caller_of(request).may(Right.USE_ADMIN)

    @method_decorator(login_not_required)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """There is one door to sign in by, and the audit trail stands at it."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))
