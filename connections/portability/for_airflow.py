"""What of a connection Airflow reads in a file: docs/import-export.md#for-airflow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils import timezone

from connections.portability.entries import own_values
from connections.uri import survives_uri
from connections.validation import Draft


def fitted(draft: Draft, *, file_format: str) -> Draft | None:
    """``draft`` without what Airflow has no place for; ``None`` where it must be left out.

    What may not be used here isn't brought to life there. Of a line in a .env
    file Airflow reads a URI, and takes a JSON text for the schema of a broken one.
    """
    if draft.is_disabled or (draft.expires_at and draft.expires_at <= timezone.now()):
        return None
    found = replace(draft, expires_at=None, max_sessions=None)
    if file_format != "env":
        return found
    found = replace(found, description="")
    return found if survives_uri(found) else None


def can_read(draft: Draft, value: Any, *, file_format: str) -> bool:
    """Whether Airflow takes ``value``, which a plain export wrote of ``draft``."""
    return not own_values(draft) and (file_format != "env" or isinstance(value, str))
