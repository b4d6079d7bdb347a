"""The forms of signing in and of the settings."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest
from django.utils import timezone

from access.rights import ROLES, SCOPES, Right
from access.sign_in import Throttled, confirm_password, sign_in

LONGEST_PASSWORD = 4_096
#: What AUTH_PASSWORD_VALIDATORS ask for, for one's own password and for another's.
PASSWORD_WORDS = "At least 8 characters; not digits alone, not a common one, not like the name."  # noqa: S105 - words
NO_ROLE = "none"
NEVER = "never"
#: What a token's lifetime can be chosen from, in days.
LIFETIMES = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year", NEVER: "no end"}

#: What a role is for, on the pages where one is chosen.
ROLE_WORDS = {
    "Viewer": "Sees everything but secrets.",
    "Operator": "Also tests connections, triggers DAGs and cancels runs.",
    "Editor": "Also creates, changes, deletes, imports and exports connections, and changes DAGs.",
    "Admin": "Also exports secrets, manages users and the tokens of others, and uses the admin.",
}
SCOPE_WORDS = {
    "read": "See connections (never their secrets), DAGs and runs.",
    "write": "Also create, change, delete, import and export connections, and change DAGs.",
    "use": "Test connections, trigger DAGs and cancel runs. An Admin’s also exports secrets.",
}


class SignInForm(AuthenticationForm):
    """Asks ``access.sign_in``, where failures are counted and written down."""

    throttled: Throttled | None = None

    def clean(self) -> dict[str, Any]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if name is None or not password:
            return self.cleaned_data
        assert self.request is not None
        try:
            self.user_cache = sign_in(self.request, username=name, password=password)
        except Throttled as error:
            self.throttled = error
            raise forms.ValidationError(error.words) from None
        if self.user_cache is None:
            raise self.get_invalid_login_error()
        return self.cleaned_data


def _password(label: str, *, autocomplete: str) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete, "spellcheck": "false"})
    # Spaces at the ends are part of a password; a NUL is refused like anywhere.
    return forms.CharField(
        label=label, strip=False, max_length=LONGEST_PASSWORD, widget=widget, required=True
    )


class NewPasswordForm(forms.Form):
    """A password for another user: typed in, or made up here and shown once."""

    made_up = forms.BooleanField(
        label="Make up a one-time password",
        required=False,
        help_text="A new one is asked for at the first sign-in.",
    )
    password = _password("Password", autocomplete="new-password")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].required = False
        self.fields["password"].help_text = PASSWORD_WORDS

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("made_up") and not data.get("password") and "password" not in self.errors:
            self.add_error("password", "Type a password, or have a one-time password made up.")
        return data


class NewUserForm(NewPasswordForm):
    username = forms.CharField(
        label="Name", max_length=150, help_text="Letters, digits and @ . + - _"
    )
    role = forms.ChoiceField(label="Role", widget=forms.RadioSelect, initial="Viewer")

    field_order = ("username", "role", "made_up", "password")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self.fields["role"], role_choices())
        self.fields["username"].widget.attrs |= {"autocomplete": "off", "autocapitalize": "none"}


class RoleForm(forms.Form):
    role = forms.ChoiceField(label="Role", widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self.fields["role"], role_choices())


def _offer(field: forms.Field, choices: list[tuple[str, str]]) -> None:
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices


def role_choices() -> list[tuple[str, str]]:
    return [*((name, name) for name in ROLES), (NO_ROLE, "No role")]


class OwnPasswordForm(forms.Form):
    """Asks for the present password, so that an open session alone can't be made to last."""

    old = _password("Present password", autocomplete="current-password")
    password = _password("New password", autocomplete="new-password")
    again = _password("New password, again", autocomplete="new-password")

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.throttled: Throttled | None = None
        self.fields["password"].help_text = PASSWORD_WORDS

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        if data["password"] != data["again"]:
            self.add_error("again", "The two new passwords differ.")
            return data
        try:
            if not confirm_password(self.request, data["old"]):
                self.add_error("old", "This isn't your present password.")
        except Throttled as error:
            self.throttled = error
            self.add_error("old", error.words)
        return data


class TokenForm(forms.Form):
    """A new API token. Offered are the scopes in which its user may do anything."""

    name = forms.CharField(
        label="Name", max_length=100, help_text="What uses it, such as “nightly export”."
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        widget=forms.CheckboxSelectMultiple,
        initial=["read"],
        error_messages={"required": "Choose at least one scope."},
    )
    lifetime = forms.ChoiceField(label="Lives for", choices=list(LIFETIMES.items()), initial="90")

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self.fields["scopes"], [(scope, scope) for scope in scopes_for(user)])

    @property
    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["lifetime"]
        return None if days == NEVER else timezone.now() + timedelta(days=int(days))


def scopes_for(user: Any) -> list[str]:
    """The scopes that let ``user`` do more than see; and ``read``."""
    return [
        scope
        for scope, rights in SCOPES.items()
        if scope == "read" or any(user.has_perm(right) for right in rights - {Right.SEE})
    ]
