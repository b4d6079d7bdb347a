"""Calls of Cloud Storage's JSON API, with the transport of a session.

Google's own client for it would retry by itself for two minutes, and read the environment for
an emulator. https://cloud.google.com/storage/docs/json_api/v1
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import requests
from google.api_core.exceptions import GoogleAPICallError, from_http_response, from_http_status
from google.auth.transport.requests import AuthorizedSession

STORAGE = "https://storage.googleapis.com"
OK, REDIRECTS, CLIENT_ERRORS, SERVER_ERRORS = 200, 300, 400, 500


class Storage:
    """Each method is one call, named as the API's. Raise what Google's libraries raise."""

    def __init__(self, http: AuthorizedSession, endpoint: str) -> None:
        self._http = http
        self._base = endpoint.rstrip("/")

    def insert_bucket(self, project: str, resource: Mapping[str, Any]) -> dict[str, Any]:
        return self._call("POST", "/storage/v1/b", {"project": project}, json=resource)

    def get_bucket(self, bucket: str) -> dict[str, Any]:
        return self._call("GET", _bucket(bucket), {"fields": "name,location"})

    def delete_bucket(self, bucket: str, *, user_project: str = "") -> None:
        self._call("DELETE", _bucket(bucket), {"userProject": user_project})

    def list_objects(self, bucket: str, **parameters: Any) -> dict[str, Any]:
        """A page: ``items``, ``prefixes``, ``nextPageToken``. ``parameters`` are the API's."""
        return self._call("GET", f"{_bucket(bucket)}/o", parameters)

    def get_object(self, bucket: str, name: str) -> dict[str, Any]:
        return self._call("GET", _object(bucket, name), {})

    def delete_object(self, bucket: str, name: str, **parameters: Any) -> None:
        self._call("DELETE", _object(bucket, name), parameters)

    def rewrite_object(
        self, source: tuple[str, str], target: tuple[str, str], **parameters: Any
    ) -> dict[str, Any]:
        """A part of a copy; ``done`` tells the last, ``rewriteToken`` goes into the next call."""
        to = _object(*target).removeprefix("/storage/v1")
        return self._call("POST", f"{_object(*source)}/rewriteTo{to}", parameters)

    def insert_object(
        self, bucket: str, name: str, data: bytes, *, content_type: str, **parameters: Any
    ) -> dict[str, Any]:
        """Upload in one call, with its metadata.

        https://cloud.google.com/storage/docs/uploading-objects#uploading-an-object
        """
        boundary = f"patchbay-{uuid4().hex}"
        resource = json.dumps({"name": name, "contentType": content_type})
        head = (
            f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{resource}\r\n"
            f"--{boundary}\r\nContent-Type: {content_type}\r\n\r\n"
        )
        return self._call(
            "POST",
            f"/upload{_bucket(bucket)}/o",
            {"uploadType": "multipart", **parameters},
            data=head.encode() + data + f"\r\n--{boundary}--\r\n".encode(),
            headers={"Content-Type": f"multipart/related; boundary={boundary}"},
        )

    def _call(
        self, method: str, path: str, parameters: Mapping[str, Any], **content: Any
    ) -> dict[str, Any]:
        given = {name: value for name, value in parameters.items() if value not in (None, "")}
        url = self._base + path
        response = self._http.request(method, url, params=given, allow_redirects=False, **content)
        if not OK <= response.status_code < REDIRECTS:
            raise _refusal(response)
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer


def _refusal(response: requests.Response) -> GoogleAPICallError:
    """An emulator may refuse without a word: that is no page of something else."""
    status = response.status_code
    refusal: GoogleAPICallError
    if response.content or not CLIENT_ERRORS <= status < SERVER_ERRORS:
        refusal = from_http_response(response)
    else:
        errors = [{"reason": "refused", "message": response.reason}]
        refusal = from_http_status(status, response.reason, errors=errors, response=response)
    return refusal


def _bucket(bucket: str) -> str:
    return f"/storage/v1/b/{quote(bucket, safe='')}"


def _object(bucket: str, name: str) -> str:
    return f"{_bucket(bucket)}/o/{quote(name, safe='')}"
