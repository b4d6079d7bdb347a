"""Settings of one's own: who one is and what one may do, and the password."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from access.audit import Actor
from access.forms import OwnPasswordForm
from access.middleware import CHANGE_IS_DUE
from access.rights import WORDS, Right, caller_of, open_to_signed_in
from access.roles import active_admins, role_of
from access.users import Refused, set_password

ADMINS_NAMED = 5


@open_to_signed_in
@require_GET
def profile(request: HttpRequest) -> HttpResponse:
    caller = caller_of(request)
    role = role_of(request.user)
    rights = [(WORDS[right], caller.may(right)) for right in Right]
    admins = active_admins().order_by("username").values_list("username", flat=True)
    context = {
        "role": role,
        "may_do": [words for words, may in rights if may],
        "may_not_do": [words for words, may in rights if not may],
        "admins": list(admins[:ADMINS_NAMED]) if not role else [],
    }
    return render(request, "access/profile.html", context)


@open_to_signed_in
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change one's own password; all other sessions and the password tokens end."""
    form = OwnPasswordForm(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid() and _changed(request, form):
        messages.success(request, "Your password is changed. You are signed out everywhere else.")
        return redirect("settings")
    is_due = bool(request.session.get(CHANGE_IS_DUE))
    answer = render(request, "access/password.html", {"form": form, "is_due": is_due})
    if form.throttled:
        answer.status_code = 429
        answer.headers["Retry-After"] = str(form.throttled.retry_after)
    elif form.errors:
        answer.status_code = 422
    return answer


def _changed(request: HttpRequest, form: OwnPasswordForm) -> bool:
    new = form.cleaned_data["password"]
    if new == form.cleaned_data["old"]:
        form.add_error("password", "This is your present password.")
        return False
    try:
        set_password(request.user, new, actor=Actor.of(request.user))
    except Refused as error:
        form.add_error("password", str(error))
        return False
    request.session.pop(CHANGE_IS_DUE, None)
    update_session_auth_hash(request, request.user)  # type: ignore[arg-type]
    return True
