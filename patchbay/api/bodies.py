"""Reads what a call sends: only JSON, only so much of it, and nothing strange in it."""

from __future__ import annotations

import json
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, JsonResponse, QueryDict
from ninja.parser import Parser

from connections.portability import LARGEST as LARGEST_FILE
from connections.types.json_text import NotJson, parse

#: The operation that also takes a form, as Airflow's does, and the one that takes a file.
TAKES_FORMS, TAKES_FILES = "token", "import_connections"
FORM = "application/x-www-form-urlencoded"


class BadBody(Exception):
    """A body that can't be read: what is answered."""

    def __init__(self, status: int, detail: Any) -> None:
        super().__init__(status)
        self.status = status
        self.detail = detail


class StrictParser(Parser):
    """JSON as Airflow takes it, without names given twice, NaN, NUL and bottomless nesting."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """What is no JSON by its type stays a text, which then is no object.

        Raise ``BadBody``, which ninja wraps.
        """
        content_type = request.content_type or ""
        text = _text(request.body)
        takes_forms = _operation(request) == TAKES_FORMS
        if takes_forms and content_type == FORM:
            return cast(dict[str, Any], QueryDict(text).dict())
        if is_json(content_type) or (takes_forms and not content_type):
            return cast(dict[str, Any], read_json(text))
        if takes_forms:
            raise BadBody(415, f"Only application/json or {FORM} is supported")
        return cast(dict[str, Any], text)


def is_json(content_type: str) -> bool:
    return content_type == "application/json" or content_type.endswith("+json")


def read_json(text: str) -> Any:
    """Raise ``BadBody`` with the place of what is wrong, never with the text."""
    try:
        return parse(text)
    except NotJson as error:
        words = str(error)
    place: list[str | int] = ["body"]
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        place.append(error.pos)
        words = error.msg.partition(":")[0]
    except (ValueError, RecursionError):
        pass
    raise BadBody(422, [_not_json(place, words)])


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise BadBody(422, [_not_json(["body"], "it is no UTF-8")]) from None


def _not_json(place: list[str | int], words: str) -> dict[str, Any]:
    return {
        "type": "json_invalid",
        "loc": place,
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": words},
    }


def refused_by_length(request: HttpRequest) -> JsonResponse | None:
    """An answer for a body that is longer than allowed, or whose length isn't told."""
    if "Transfer-Encoding" in request.headers:
        return JsonResponse({"detail": "Send a Content-Length: it is needed here."}, status=411)
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if _operation(request) == TAKES_FILES:
        most = LARGEST_FILE
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and int(length) <= most:
        return None
    return JsonResponse({"detail": f"At most {most} bytes can be sent here."}, status=413)


def _operation(request: HttpRequest) -> str:
    return (request.resolver_match and request.resolver_match.url_name) or ""
