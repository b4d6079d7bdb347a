"""Reads a page's form and sends it as a browser does."""

from __future__ import annotations

import html
from html.parser import HTMLParser
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from connections.masking import encodings
from connections.models import Connection

CATALOGUE = "/connections/new/"
NEW = "/connections/new/?type=google_cloud_platform"
EDIT = "/connections/my_gcp_conn/edit/"


class _FormReader(HTMLParser):
    """The values of the connection form's controls, as a browser would send them."""

    def __init__(self) -> None:
        super().__init__()
        self.is_inside = False
        self.textarea = ""
        self.select = ""
        self.values: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "option" and self.select and "selected" in found:
            self.values[self.select] = found.get("value") or ""
        if tag == "form":
            self.is_inside = "data-connection-form" in found
        name = found.get("name")
        if not self.is_inside or not name or "disabled" in found:
            return
        kind = found.get("type", "text")
        if tag == "textarea":
            self.textarea = name
            self.values[name] = ""
        elif tag == "select":
            # Without a choice a browser sends the first one; here that is always the blank.
            self.select = name
            self.values[name] = ""
        elif tag == "input" and kind in ("radio", "checkbox"):
            if "checked" in found:
                self.values[name] = found.get("value") or "on"
        elif tag == "input" and kind != "file":
            self.values[name] = (found.get("value") or "").replace("\n", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.is_inside = False
        if tag == "select":
            self.select = ""
        if tag == "textarea" and self.textarea:
            text = self.values[self.textarea].removeprefix("\n")
            self.values[self.textarea] = text.replace("\n", "\r\n")
            self.textarea = ""

    def handle_data(self, data: str) -> None:
        if self.textarea:
            self.values[self.textarea] += data


def form_on(page: Any) -> dict[str, str]:
    reader = _FormReader()
    reader.feed(page.content.decode().replace("\r\n", "\n"))
    assert "conn_id" in reader.values or "version" in reader.values
    return reader.values


def send(client: Client, url: str, **changes: Any) -> Any:
    """Open the page, change some of its fields, and send all of it."""
    return client.post(url, {**form_on(client.get(url)), **changes})


def errors_on(page: Any) -> dict[str, list[str]]:
    assert page.status_code == 422
    return {name: list(words) for name, words in page.context["form"].errors.items()}


def file_of(content: str | bytes, name: str = "key.json") -> SimpleUploadedFile:
    data = content.encode() if isinstance(content, str) else content
    return SimpleUploadedFile(name, data, content_type="application/json")


def extra_of(conn_id: str = "my_gcp_conn") -> dict[str, Any]:
    return Connection.objects.get(conn_id=conn_id).load().extra


def assert_unseen(page: Any, *secrets: str) -> None:
    """None of the secrets stands on the page, in no encoding and not a line of it."""
    body = page.content.decode() + str(page.headers)
    for secret in secrets:
        for text in encodings(secret):
            assert text not in body
            assert html.escape(text) not in body
