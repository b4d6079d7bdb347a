"""Reads server-sent events as a browser does, from the real web process."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from tests.roles import user_of


@dataclass(frozen=True)
class Event:
    name: str
    data: dict[str, Any]
    cursor: int | None


def session_cookie(role: str = "Viewer") -> str:
    """The cookie of a signed-in user."""
    users = get_user_model()
    name = "watcher" if role == "Viewer" else role.lower()
    user = users.objects.filter(username=name).first()
    user = user or user_of(role, name)
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


class Stream:
    """One connection to a stream of events."""

    def __init__(self, url: str, *, cookie: str, last_event_id: int | None = None) -> None:
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.netloc, timeout=90)
        headers = {"Cookie": cookie, "Accept": "text/event-stream"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = str(last_event_id)
        self.connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        self.response = self.connection.getresponse()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.response.close()
        self.connection.close()

    def __iter__(self) -> Iterator[Event]:
        fields: dict[str, str] = {}
        while line := self.response.readline():
            text = line.decode().rstrip("\n")
            if text:
                name, _, value = text.partition(": ")
                fields[name] = value
                continue
            if "data" in fields:
                cursor = fields.get("id")
                yield Event(
                    fields["event"], json.loads(fields["data"]), int(cursor) if cursor else None
                )
            fields = {}
