"""The one place where a password is checked: counted, limited and written down.

Failures are counted for the name that was given and for the address that it
came from, in the database, so that all web processes see them. An attempt is
written down *before* the password is checked: many at once don't slip through
together. Of names and addresses only keyed digests are stored, for what is
typed as a name may be a password.
"""

from __future__ import annotations

import ipaddress
import math
import unicodedata
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from access.audit import Actor, record
from access.models import SignInAttempt

#: Several people may come from one address: it may fail so many times as often as a name.
ADDRESS_FACTOR = 3
#: A call for a token costs a hash, also with the right password; programs ask often enough.
CALL_FACTOR = 30
LONGEST_NAME = 150


class Throttled(Exception):
    """Too many failures, or calls. ``retry_after`` is in whole seconds, at least 1."""

    def __init__(self, retry_after: int, *, too_many: str = "failed attempts") -> None:
        super().__init__(f"Too many {too_many} to sign in.")
        self.retry_after = retry_after
        self.too_many = too_many

    @property
    def words(self) -> str:
        minutes = math.ceil(self.retry_after / 60)
        wait = f"{minutes} minutes" if self.retry_after > 60 else f"{self.retry_after} seconds"
        return f"Too many {self.too_many}. Try again in {wait}."


def sign_in(request: HttpRequest, *, username: str, password: str) -> Any | None:
    """The user with this name and password, or ``None``. Raise ``Throttled``.

    It begins no session: the page does that, the API hands out a token.
    """
    username = unicodedata.normalize("NFKC", username)
    of_name = _key("name", username.casefold())
    of_address = _key("address", client_address(request))
    attempts = _attempt({of_name: 1, of_address: ADDRESS_FACTOR})
    user = _check(request, username, password)
    if user is None:
        _record_failure(username)
        return None
    # The address keeps its failures: who has one account may be trying another's.
    _forget(attempts)
    SignInAttempt.objects.filter(key=of_name).delete()
    user.last_login = timezone.now()
    user.save(update_fields=["last_login"])
    record(Actor.of(user), "signed in", what="user", name=user.get_username())
    return user


def confirm_password(request: HttpRequest, password: str) -> bool:
    """Whether it is the password of who is signed in. Raise ``Throttled``.

    It counts as a sign-in: a session that was left open is no way to guess on.
    """
    of_name = _key("name", request.user.get_username().casefold())
    attempts = _attempt({of_name: 1})
    if not request.user.check_password(password):
        _record_failure(request.user.get_username())
        return False
    _forget(attempts)
    return True


def count_bad_token(request: HttpRequest) -> None:
    """Write down that a bearer token was none. Raise ``Throttled`` for an address with too many.

    They are counted apart: a program with an old token keeps nobody from signing in.
    """
    _attempt({_key("token", client_address(request)): ADDRESS_FACTOR})


def count_token_call(request: HttpRequest) -> None:
    """Write down that a token is asked for by a password. Raise ``Throttled`` beyond the limit.

    Calls that succeed count, too; page and token are counted apart.
    """
    try:
        _attempt({_key("call", client_address(request)): CALL_FACTOR})
    except Throttled as error:
        raise Throttled(error.retry_after, too_many="calls for a token") from None


def forget_failures(username: str) -> None:
    """Let a name be tried again at once, such as after it was given a new password."""
    SignInAttempt.objects.filter(key=_key("name", username.casefold())).delete()


def client_address(request: HttpRequest) -> str:
    """The address to count by: of an IPv6 address its network, for who has one has all of it.

    Where a proxy is trusted to say whether HTTPS was used, its ``X-Forwarded-For``
    is, too: the last entry, which is the proxy's own. Those before it are the client's.
    """
    own = str(request.META.get("REMOTE_ADDR", ""))
    forwarded = request.headers.get("X-Forwarded-For", "") if _is_behind_proxy() else ""
    return _network(forwarded.rpartition(",")[2].strip()) or _network(own)


def _is_behind_proxy() -> bool:
    return settings.SECURE_PROXY_SSL_HEADER is not None


def _network(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address.packed, 64), strict=False))
    return str(address)


def _check(request: HttpRequest, username: str, password: str) -> Any | None:
    # No such name can be stored, and PostgreSQL refuses to look for it.
    if "\0" in username or len(username) > LONGEST_NAME:
        return None
    return authenticate(request, username=username, password=password)


def _record_failure(username: str) -> None:
    # What is typed there may be a password: only the name of a user is written down.
    if "\0" not in username and get_user_model().objects.filter(username=username).exists():
        record(Actor("nobody"), "failed to sign in", what="user", name=username)


def _attempt(keys: dict[str, int]) -> list[int]:
    """Count one attempt for each key, at most its factor times the limit. The rows' ids."""
    limit = settings.SIGN_IN_LIMIT
    if limit is None:
        return []
    window = timedelta(seconds=limit.seconds)
    most = {key: factor * limit.times for key, factor in keys.items()}
    SignInAttempt.objects.filter(at__lte=timezone.now() - window).delete()
    _refuse(most, window, but=[])
    rows = SignInAttempt.objects.bulk_create([SignInAttempt(key=key) for key in keys])
    own = [row.pk for row in rows]
    try:
        # Again, now that whoever tries at the same time sees these rows, and these see theirs.
        _refuse(most, window, but=own)
    except Throttled:
        _forget(own)
        raise
    return own


def _refuse(most: dict[str, int], window: timedelta, *, but: list[int]) -> None:
    """Raise ``Throttled`` until the oldest of a key's last so many failures leaves the window."""
    now = timezone.now()
    for key, times in most.items():
        failures = SignInAttempt.objects.filter(key=key, at__gt=now - window).exclude(pk__in=but)
        newest = failures.order_by("-at").values_list("at", flat=True)
        if oldest := newest[times - 1 : times].first():
            raise Throttled(max(1, math.ceil((oldest + window - now).total_seconds())))


def _forget(attempts: list[int]) -> None:
    SignInAttempt.objects.filter(pk__in=attempts).delete()


def _key(kind: str, text: str) -> str:
    return salted_hmac(f"access.sign_in.{kind}", text, algorithm="sha256").hexdigest()
