"""Users and their roles, for who may manage them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from access import users as services
from access.audit import Actor
from access.forms import NO_ROLE, ROLE_WORDS, NewPasswordForm, NewUserForm, RoleForm
from access.models import ApiToken
from access.rights import Right, requires
from access.roles import role_of
from access.users import Refused

PAGE_SIZE = 50


@requires(Right.MANAGE_USERS)
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    search = request.GET.get("q", "").replace("\0", "").strip()
    rows = get_user_model()._default_manager.order_by("-is_active", "username")
    if search:
        rows = rows.filter(username__icontains=search)
    page = Paginator(rows.prefetch_related("groups"), PAGE_SIZE).get_page(request.GET.get("page"))
    users = [(user, role_of(user)) for user in page]
    return render(request, "access/users.html", {"page": page, "users": users, "search": search})


@requires(Right.MANAGE_USERS)
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Add a user; a one-time password is shown on the page that answers."""
    form = NewUserForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        password, is_one_time = _password_of(form)

        def add() -> Any:
            return services.add_user(
                form.cleaned_data["username"],
                role=_role_of(form),
                password=password,
                is_one_time=is_one_time,
                actor=Actor.of(request.user),
            )

        user = _try(form, add)
        if user is not None:
            messages.success(request, f"{user.get_username()} is added.")
            return _after_password(request, user, password if is_one_time else "")
    context = {"form": form, "role_words": ROLE_WORDS}
    return render(request, "access/user_new.html", context, status=422 if form.errors else 200)


@requires(Right.MANAGE_USERS)
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, _find(pk))


@requires(Right.MANAGE_USERS)
@require_http_methods(["GET", "POST"])
def role(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a role. Who would lose the right to take it back is asked first."""
    user = _find(pk)
    if request.method == "GET":
        # Who had to sign in first comes back with a GET, and has changed nothing yet.
        return redirect("user", pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _page(request, user, role_form=form, status=422)
    if user == request.user and _role_of(form) != "Admin" and "sure" not in request.POST:
        return render(request, "access/user_sure.html", {"object": user, "role": _role_of(form)})

    def change() -> bool:
        services.change_role(user, _role_of(form), actor=Actor.of(request.user))
        return True

    if not _try(form, change):
        return _page(request, user, role_form=form, status=422)
    messages.success(request, f"{user.get_username()}: {_role_of(form) or 'no role'}.")
    return redirect("settings") if user == request.user else redirect("user", pk)


@requires(Right.MANAGE_USERS)
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest, pk: int) -> HttpResponse:
    """Give another user a password."""
    user = _find(pk)
    if request.method == "GET":
        return redirect("user", pk)
    form = NewPasswordForm(request.POST)
    if user == request.user:
        # One's own is changed where the present one is asked for.
        return redirect("settings-password")
    if form.is_valid():
        new, is_one_time = _password_of(form)

        def change() -> bool:
            actor = Actor.of(request.user)
            services.set_password(user, new, is_one_time=is_one_time, actor=actor)
            return True

        if _try(form, change):
            messages.success(request, f"{user.get_username()} has a new password.")
            return _after_password(request, user, new if is_one_time else "")
    return _page(request, user, password_form=form, status=422)


@requires(Right.MANAGE_USERS)
@require_http_methods(["GET", "POST"])
def activation(request: HttpRequest, pk: int) -> HttpResponse:
    """Deactivate, or activate again."""
    user = _find(pk)
    if request.method == "GET":
        return redirect("user", pk)
    is_active = request.POST.get("active") == "1"
    if user == request.user:
        return _page(request, user, refusal="You can't deactivate yourself.", status=422)
    try:
        services.set_active(user, is_active=is_active, actor=Actor.of(request.user))
    except Refused as error:
        return _page(request, user, refusal=str(error), status=422)
    name = user.get_username()
    messages.success(request, f"{name} is {'active' if is_active else 'deactivated'}.")
    return redirect("user", pk)


@requires(Right.MANAGE_USERS)
@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    user = _find(pk)
    if user == request.user:
        return _page(request, user, refusal="You can't delete yourself.", status=422)
    if request.method == "POST":
        try:
            services.delete_user(user, actor=Actor.of(request.user))
        except Refused as error:
            return _page(request, user, refusal=str(error), status=422)
        messages.success(request, f"{user.get_username()} is deleted.")
        return redirect("users")
    tokens = ApiToken.objects.filter(user=user)
    return render(request, "access/user_delete.html", {"object": user, "tokens": tokens})


def _find(pk: int) -> Any:
    return get_object_or_404(get_user_model()._default_manager.prefetch_related("groups"), pk=pk)


def _page(request: HttpRequest, user: Any, *, status: int = 200, **more: Any) -> HttpResponse:
    # Not `user`: templates know who is signed in by that name.
    context = {
        "object": user,
        "role": role_of(user),
        "is_last_admin": services.is_last_admin(user),
        "role_form": RoleForm(initial={"role": role_of(user) or NO_ROLE}),
        "password_form": NewPasswordForm(),
        "role_words": ROLE_WORDS,
        "token_count": ApiToken.objects.filter(user=user).count(),
        **more,
    }
    return render(request, "access/user.html", context, status=status)


def _after_password(request: HttpRequest, user: Any, one_time: str) -> HttpResponse:
    """The user's page; with a one-time password, which is shown this once."""
    return _page(request, user, one_time=one_time) if one_time else redirect("user", user.pk)


def _role_of(form: RoleForm | NewUserForm) -> str:
    chosen = form.cleaned_data["role"]
    return "" if chosen == NO_ROLE else str(chosen)


def _password_of(form: NewPasswordForm) -> tuple[str, bool]:
    """The password to set, and whether it was made up here."""
    if form.cleaned_data["made_up"]:
        return services.one_time_password(), True
    return form.cleaned_data["password"], False


def _try(form: Any, act: Callable[[], Any]) -> Any | None:
    """What ``act`` gives; nothing when it is refused, and then the form says why."""
    try:
        return act()
    except Refused as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return None
