"""The page where people sign in."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpResponse

from access.forms import SignInForm
from access.middleware import CHANGE_IS_DUE
from access.users import password_is_due


class SignIn(LoginView):
    """Signs a user in. Who came in, and whose name was tried in vain, is in the audit trail."""

    template_name = "access/login.html"
    authentication_form = SignInForm

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_valid(form)
        if password_is_due(form.get_user()):
            self.request.session[CHANGE_IS_DUE] = True
        return answer

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_invalid(form)
        throttled = cast(SignInForm, form).throttled
        if throttled:
            answer.status_code = 429
            answer.headers["Retry-After"] = str(throttled.retry_after)
        return answer
