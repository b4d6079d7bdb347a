"""How objects are named, found and told: what S3 and Google Cloud Storage have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from fnmatch import translate
from typing import Any

from connections.exceptions import Failure


def split_key(
    bucket: str | None, key: str, *, schemes: tuple[str, ...], argument: str
) -> tuple[str, str]:
    """(bucket, key) from both, or from a whole address in ``key``. Raise ``Failure``."""
    scheme, has_scheme, rest = key.partition("://")
    if not has_scheme or scheme not in schemes:
        if not bucket:
            raise Failure("task:not-runnable", reason=f"{argument} names no bucket.")
        return bucket, key.removeprefix("/")
    if bucket:
        reason = f"{argument} is a whole address, so the bucket must not be given beside it."
        raise Failure("task:not-runnable", reason=reason)
    bucket, _, key = rest.partition("/")
    if not bucket or not key:
        raise Failure("task:not-runnable", reason=f"{argument} must name a bucket and an object.")
    return bucket, key


def pattern_of(
    text: str, *, is_regex: bool = False
) -> tuple[str, Callable[[str], re.Match[str] | None]]:
    """The prefix before the first wildcard, and what fits. Raise ``Failure``."""
    if not is_regex:
        return re.split(r"[\[*?]", text, maxsplit=1)[0], re.compile(translate(text)).match
    try:
        return "", re.compile(text).match
    except re.error as error:
        reason = f"the regular expression can't be read: {error}."
        raise Failure("task:not-runnable", reason=reason) from None


def moment(value: str | None, *, argument: str) -> datetime | None:
    """A moment from ISO 8601; UTC where it names no zone. Raise ``Failure``."""
    if not value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        reason = f"{argument} must be a moment such as 2026-01-31T08:00:00."
        raise Failure("task:not-runnable", reason=reason) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def texts(value: Any) -> list[str]:
    """One text, or several."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def in_order(names: Iterable[str]) -> list[str]:
    """Each once, as they first came."""
    return list(dict.fromkeys(names))


def counted(count: int, noun: str = "object") -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
