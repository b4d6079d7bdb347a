"""Calls of the local object store, by the JSON API of Google Cloud Storage.

One plain request each: to import Google's client takes longer than all of them.
https://cloud.google.com/storage/docs/json_api/v1
"""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode

#: Seconds for one call.
TIMEOUT = 30.0


@dataclass(frozen=True)
class ObjectStore:
    """Each method is one call. Raise ``OSError`` where the store can't be asked, or refuses."""

    endpoint: str

    def has_bucket(self, bucket: str) -> bool:
        return self._found(_bucket(bucket)) is not None

    def make_bucket(self, bucket: str, *, project: str) -> None:
        self._json("POST", "/storage/v1/b", {"project": project}, _body({"name": bucket}))

    def find(self, bucket: str, name: str) -> dict[str, Any] | None:
        """What the store tells of an object; ``None`` where there is none."""
        return self._found(_object(bucket, name))

    def names(self, bucket: str, prefix: str = "") -> list[str]:
        """The names of all objects that begin so. The store answers with all of them at once."""
        listed = self._json("GET", f"{_bucket(bucket)}/o", {"prefix": prefix})
        return [str(item["name"]) for item in listed.get("items", ())]

    def read(self, bucket: str, name: str) -> bytes:
        return self._call("GET", _object(bucket, name), {"alt": "media"})

    def write(
        self, bucket: str, name: str, data: bytes, content_type: str = "application/octet-stream"
    ) -> None:
        """Make the object, or replace it."""
        path = f"/upload{_bucket(bucket)}/o"
        parameters = {"uploadType": "media", "name": name}
        self._json("POST", path, parameters, (data, content_type))

    def _found(self, path: str) -> dict[str, Any] | None:
        try:
            return self._json("GET", path, {})
        except HTTPError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            return None

    def _json(
        self,
        method: str,
        path: str,
        parameters: dict[str, str],
        content: tuple[bytes, str] | None = None,
    ) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._call(method, path, parameters, content))
        return answer

    def _call(
        self,
        method: str,
        path: str,
        parameters: dict[str, str],
        content: tuple[bytes, str] | None = None,
    ) -> bytes:
        data, content_type = content or (None, "")
        headers = {"Content-Type": content_type} if content_type else {}
        url = f"{self.endpoint}{path}?{urlencode(parameters)}"
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
                return bytes(answer.read())
        except HTTPError as error:
            error.close()
            raise


def _body(resource: dict[str, str]) -> tuple[bytes, str]:
    return json.dumps(resource).encode(), "application/json"


def _bucket(bucket: str) -> str:
    return f"/storage/v1/b/{quote(bucket, safe='')}"


def _object(bucket: str, name: str) -> str:
    return f"{_bucket(bucket)}/o/{quote(name, safe='')}"
