"""Signing in, and the audit trail's page."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from access.audit import Actor, record
from access.models import AuditEvent
from access.rights import Right, requires

PAGE_SIZE = 50


class SignIn(LoginView):
    """Signs a user in. Who came in, and whose name was tried in vain, is in the audit trail."""

    template_name = "access/login.html"

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        record(Actor.of(user), "signed in", what="user", name=user.get_username())
        return super().form_valid(form)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        tried = str(form.cleaned_data.get("username", ""))
        # What is typed there may be a password: only the name of a user is written down.
        if get_user_model().objects.filter(username=tried).exists():
            record(Actor("nobody"), "failed to sign in", what="user", name=tried)
        return super().form_invalid(form)


@requires(Right.SEE)
@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    page = Paginator(AuditEvent.objects.all(), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "access/audit.html", {"page": page})
