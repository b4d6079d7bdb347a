"""Google Cloud Storage's JSON API, as far as Patchbay calls it.

https://cloud.google.com/storage/docs/json_api/v1
Buckets of ``others`` belong to somebody else. ``page`` is how many objects a list gives at most,
``piece`` how many bytes one call of a rewrite copies.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.parser import BytesParser
from hashlib import md5
from typing import Any
from urllib.parse import unquote

from tests.fakes.http_server import Call, HttpServer, Reply

_B = r"/storage/v1/b/(?P<bucket>[^/]+)"
_O = _B + r"/o/(?P<name>[^/]+)"
ROUTES = (
    ("POST", r"/storage/v1/b", "insert_bucket"),
    ("GET", _B, "get_bucket"),
    ("DELETE", _B, "delete_bucket"),
    ("GET", _B + "/o", "list_objects"),
    ("POST", "/upload" + _B + "/o", "insert_object"),
    ("GET", _O, "get_object"),
    ("DELETE", _O, "delete_object"),
    ("POST", _O + r"/rewriteTo/b/(?P<to_bucket>[^/]+)/o/(?P<to_name>[^/]+)", "rewrite_object"),
)


@dataclass
class Stored:
    """An object; ``generation`` counts up over the whole service."""

    data: bytes
    generation: int
    content_type: str = "text/plain"
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))


class _Refusal(Exception):
    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        errors = [{"domain": "global", "reason": reason, "message": message}]
        body = {"error": {"code": status, "message": message, "errors": errors}}
        self.reply = Reply.of_json(body, status=status)


class GoogleStorage(HttpServer):
    """In this process. Its buckets and their objects can be looked at and set by hand."""

    def __init__(self, *, page: int = 1000, piece: int = 1 << 20) -> None:
        super().__init__()
        self.buckets: dict[str, dict[str, Stored]] = {}
        self.resources: dict[str, dict[str, Any]] = {}
        self.others: set[str] = set()
        self.page, self.piece = page, piece
        self.faults: dict[str, list[Reply]] = {}
        self.names: list[str] = []
        self._generation = 0
        self._rewrites: dict[str, int] = {}

    def put(self, bucket: str, *names: str, updated: datetime | None = None) -> None:
        """Store objects whose content is their name."""
        for name in names:
            stored = self._store(bucket, name, name.encode())
            stored.updated = updated or stored.updated

    def fail(self, call: str, *replies: Reply) -> None:
        """Answer the next calls of this name so."""
        self.faults.setdefault(call, []).extend(replies)

    def answer(self, call: Call) -> Reply:
        for method, pattern, name in ROUTES:
            found = re.fullmatch(pattern, call.path)
            if found and method == call.method:
                self.names.append(name)
                if self.faults.get(name):
                    return self.faults[name].pop(0)
                parts = {key: unquote(value) for key, value in found.groupdict().items()}
                try:
                    reply: Reply = getattr(self, f"_{name}")(call, **parts)
                except _Refusal as refusal:
                    return refusal.reply
                return reply
        return Reply(404, "<html>no such page</html>", {"Content-Type": "text/html"})

    # Buckets

    def _insert_bucket(self, call: Call) -> Reply:
        name = call.json["name"]
        if name in self.others:
            raise _Refusal(409, "conflict", "The requested bucket name is not available.")
        if name in self.buckets:
            raise _Refusal(
                409, "conflict", "Your previous request succeeded and you already own it."
            )
        self.buckets[name] = {}
        self.resources[name] = {**call.json, "project": call.query["project"]}
        return Reply.of_json(call.json)

    def _get_bucket(self, call: Call, *, bucket: str) -> Reply:
        self._objects(bucket)
        return Reply.of_json({"name": bucket})

    def _delete_bucket(self, call: Call, *, bucket: str) -> Reply:
        if self._objects(bucket):
            raise _Refusal(409, "conflict", "The bucket you tried to delete is not empty.")
        del self.buckets[bucket]
        return Reply(204)

    # Objects

    def _list_objects(self, call: Call, *, bucket: str) -> Reply:
        query = call.query
        names = [name for name in sorted(self._objects(bucket)) if _is_asked(name, query)]
        folders: set[str] = set()
        if delimiter := query.get("delimiter"):
            start = len(query.get("prefix", ""))
            deep = [name for name in names if delimiter in name[start:]]
            folders = {name[: name.index(delimiter, start) + len(delimiter)] for name in deep}
            names = [name for name in names if name not in deep]
        # A token is a place among the names, so that deleting while one reads misses nothing.
        names = [name for name in names if name > query.get("pageToken", "")]
        size = min(self.page, int(query.get("maxResults", 1000)))
        body: dict[str, Any] = {"kind": "storage#objects"}
        if items := [self._resource(bucket, name) for name in names[:size]]:
            body["items"] = items
        if folders:
            body["prefixes"] = sorted(folders)
        if size < len(names):
            body["nextPageToken"] = names[size - 1]
        return Reply.of_json(body)

    def _insert_object(self, call: Call, *, bucket: str) -> Reply:
        assert call.query["uploadType"] == "multipart"
        head = f"Content-Type: {call.headers['content-type']}\r\n\r\n".encode()
        parts = BytesParser().parsebytes(head + call.body).get_payload()
        assert isinstance(parts, list)
        resource = json.loads(_payload(parts[0]))
        self._objects(bucket)
        self._check_new(call, bucket, resource["name"])
        stored = self._store(bucket, resource["name"], _payload(parts[1]))
        stored.content_type = resource["contentType"]
        return Reply.of_json(self._resource(bucket, resource["name"]))

    def _get_object(self, call: Call, *, bucket: str, name: str) -> Reply:
        self._object(bucket, name)
        return Reply.of_json(self._resource(bucket, name))

    def _delete_object(self, call: Call, *, bucket: str, name: str) -> Reply:
        self._object(bucket, name)
        del self.buckets[bucket][name]
        return Reply(204)

    def _rewrite_object(
        self, call: Call, *, bucket: str, name: str, to_bucket: str, to_name: str
    ) -> Reply:
        stored = self._object(bucket, name)
        self._objects(to_bucket)
        self._check_new(call, to_bucket, to_name)
        token = f"{bucket}/{name}/{to_bucket}/{to_name}"
        assert call.query.get("rewriteToken", token) == token
        done = self._rewrites[token] = self._rewrites.get(token, 0) + self.piece
        if done < len(stored.data):
            return Reply.of_json({"done": False, "rewriteToken": token})
        del self._rewrites[token]
        self._store(to_bucket, to_name, stored.data)
        return Reply.of_json({"done": True, "resource": self._resource(to_bucket, to_name)})

    # What is there

    def _objects(self, bucket: str) -> dict[str, Stored]:
        if bucket in self.others:
            raise _Refusal(403, "forbidden", "reports@acme does not have storage access.")
        if bucket not in self.buckets:
            raise _Refusal(404, "notFound", "The specified bucket does not exist.")
        return self.buckets[bucket]

    def _object(self, bucket: str, name: str) -> Stored:
        objects = self._objects(bucket)
        if name not in objects:
            raise _Refusal(404, "notFound", f"No such object: {bucket}/{name}")
        return objects[name]

    def _check_new(self, call: Call, bucket: str, name: str) -> None:
        if call.query.get("ifGenerationMatch") == "0" and name in self._objects(bucket):
            raise _Refusal(412, "conditionNotMet", "At least one of the conditions did not hold.")

    def _store(self, bucket: str, name: str, data: bytes) -> Stored:
        self._generation += 1
        stored = self.buckets[bucket][name] = Stored(data, self._generation)
        return stored

    def _resource(self, bucket: str, name: str) -> dict[str, Any]:
        stored = self.buckets[bucket][name]
        return {
            "kind": "storage#object",
            "name": name,
            "bucket": bucket,
            "generation": str(stored.generation),
            "size": str(len(stored.data)),
            "contentType": stored.content_type,
            "md5Hash": b64encode(md5(stored.data).digest()).decode(),
            "updated": stored.updated.isoformat().replace("+00:00", "Z"),
        }


def _is_asked(name: str, query: dict[str, str]) -> bool:
    glob = query.get("matchGlob")
    return name.startswith(query.get("prefix", "")) and (not glob or _fits(name, glob))


def _fits(name: str, glob: str) -> bool:
    """``**`` crosses slashes, ``*`` and ``?`` don't.

    https://cloud.google.com/storage/docs/json_api/v1/objects/list#list-objects-and-prefixes-using-glob
    """
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    pattern = "".join(signs.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(pattern, name) is not None


def _payload(part: Any) -> bytes:
    data: bytes = part.get_payload(decode=True)
    return data
