"""Tokens over the API: got by a password as in Airflow, and Patchbay's own."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Status
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from access.bearer import Bearer
from access.models import ApiToken
from access.moments import wrong_moment
from access.paging import Limit, Offset, page_of
from access.problems import Problem, Refused, refusals
from access.rights import SCOPES, Caller, Right, caller_of
from access.roles import role_of
from access.sign_in import count_token_call, sign_in
from access.tokens import create_token, delete_token, password_token
from access.users import password_is_due

auth = Router(tags=["Signing in"])
own = Router(tags=["Tokens"])


class LoginBody(BaseModel):
    """A user's name and password."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    username: str
    password: str = Field(json_schema_extra={"writeOnly": True})


class LoginResponse(BaseModel):
    """A token for the header `Authorization: Bearer …`."""

    access_token: str


_TAKES_FORMS = {
    "requestBody": {
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {"$ref": "#/components/schemas/LoginBody"}
            }
        }
    }
}


@auth.post(
    "/token",
    auth=None,
    url_name="token",
    summary="Get a token by a password",
    response={201: LoginResponse, 401: Problem, 403: Problem, 415: Problem, 429: Problem},
    openapi_extra=_TAKES_FORMS,
)
def create_password_token(request: HttpRequest, body: LoginBody) -> Status[dict[str, str]]:
    """As in Airflow. JSON or a form. The token ends after a setting, when the password changes,
    and when the user is deactivated."""
    return _signed_in(request, body)


@auth.post(
    "/token/cli",
    auth=None,
    summary="Get a token by a password, for airflowctl",
    response={201: LoginResponse, 401: Problem, 403: Problem, 429: Problem},
)
def create_password_token_cli(request: HttpRequest, body: LoginBody) -> Status[dict[str, str]]:
    """The same as `/auth/token`, for JSON only: Airflow's command line asks here."""
    return _signed_in(request, body)


def _signed_in(request: HttpRequest, body: LoginBody) -> Status[dict[str, str]]:
    count_token_call(request)
    user = sign_in(request, username=body.username, password=body.password)
    if user is None:
        raise Refused(401, "Invalid credentials")
    if password_is_due(user):
        raise Refused(403, "This password is for one time: sign in with it and choose your own.")
    return Status(201, {"access_token": password_token(user)})


class Me(BaseModel):
    """Who calls, and what the token lets them do."""

    username: str
    role: str = Field(description="Viewer, Operator, Editor or Admin; empty for none.")
    scopes: list[str] | None = Field(description="Of the API token; null for a password token.")
    rights: list[str] = Field(examples=[["connections.view_connection"]])


@own.get("/me", auth=Bearer(), summary="Who am I", response={200: Me, **refusals()})
def read_me(request: HttpRequest) -> dict[str, Any]:
    """The user of the token, their role, and what of it the token may use."""
    caller = caller_of(request)
    return {
        "username": caller.user.get_username(),
        "role": role_of(caller.user),
        "scopes": None if caller.scopes is None else list(caller.scopes),
        "rights": [right.value for right in Right if caller.may(right)],
    }


class TokenBody(BaseModel):
    """A token to make."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    scopes: list[str] = Field(min_length=1, description="Some of `read`, `write` and `use`.")
    expires_at: AwareDatetime | None = Field(None, description="With its zone; null for never.")

    @field_validator("name")
    @classmethod
    def _can_be_seen(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError("A name has no characters that can't be seen.")
        return name

    @field_validator("scopes")
    @classmethod
    def _are_known(cls, scopes: list[str]) -> list[str]:
        if not set(scopes) <= set(SCOPES):
            raise ValueError(f"The scopes are {', '.join(SCOPES)}.")
        return scopes

    @field_validator("expires_at")
    @classmethod
    def _is_to_come(cls, at: datetime | None) -> datetime | None:
        if at is not None and at <= timezone.now():
            raise ValueError("This is past already.")
        if words := wrong_moment(at):
            raise ValueError(words)
        return at


class TokenResponse(BaseModel):
    """An API token. Its text is never shown again."""

    id: int
    name: str
    prefix: str = Field(description="Its first characters, to find it again.")
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class NewTokenResponse(TokenResponse):
    """The token with its text, this once."""

    token: str


class TokenCollection(BaseModel):
    """A page of your tokens, the newest first."""

    tokens: list[TokenResponse]
    total_entries: int


@own.get("/tokens", auth=Bearer(), response={200: TokenCollection, **refusals()})
def list_tokens(request: HttpRequest, limit: Limit = 50, offset: Offset = 0) -> dict[str, Any]:
    """Your own API tokens, the newest first, without their texts."""
    rows = ApiToken.objects.filter(user=caller_of(request).user)
    page = rows[page_of(limit=limit, offset=offset)]
    return {"tokens": [_shown(row) for row in page], "total_entries": rows.count()}


@own.post("/tokens", auth=Bearer(Right.SEE), response={201: NewTokenResponse, **refusals()})
def add_token(request: HttpRequest, body: TokenBody) -> Status[dict[str, Any]]:
    """Make an API token for yourself. The answer holds its text, which can't be had again.

    Who has no role makes none, as on the page.

    Needs a token that was got by a password: an API token that leaked makes no others.
    """
    caller = _by_password(request)
    token, text = create_token(
        caller.user,
        name=body.name,
        scopes=body.scopes,
        expires_at=body.expires_at,
        actor=caller.actor,
    )
    return Status(201, {**_shown(token), "token": text})


@own.delete("/tokens/{int:token_id}", auth=Bearer(), response={204: None, **refusals(404)})
def revoke_token(request: HttpRequest, token_id: int) -> Status[None]:
    """End one of your own API tokens at once. Needs a token that was got by a password."""
    caller = _by_password(request)
    token = ApiToken.objects.filter(user=caller.user, pk=min(token_id, 2**63 - 1)).first()
    if token is None:
        raise Refused(404, "You have no API token with this id.")
    delete_token(token, actor=caller.actor)
    return Status(204, None)


def _by_password(request: HttpRequest) -> Caller:
    caller = caller_of(request)
    if caller.scopes is not None:
        words = "Forbidden: API tokens are managed with a token that was got by a password."
        raise Refused(403, words)
    return caller


def _shown(token: ApiToken) -> dict[str, Any]:
    names = ("id", "name", "prefix", "scopes", "created_at", "expires_at", "last_used_at")
    return {name: getattr(token, name) for name in names}
