"""Lets the local BigQuery load objects from the local object store, and extract into it.

The package `bqemulator` takes ``gs://bucket/name`` for a file in a folder. This stands in front
of it in its process: before a load job it fetches the objects into that folder, over HTTP, as
BigQuery's servers do; after an extract job, or an ``EXPORT DATA``, it uploads what was written.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from patchbay.local.objects import ObjectStore

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

#: https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/insert, and …/jobs/query
JOBS = re.compile(r"/bigquery/v2/projects/[^/]+/(jobs|queries)")
ADDRESS = re.compile(r"gs://([^/]+)/(.+)", re.DOTALL)
EXPORT = re.compile(r"\bEXPORT\s+DATA\b", re.IGNORECASE)
#: What stands for the * of an address into which one file is extracted.
FIRST_FILE = "000000000000"


class Refusal(Exception):
    """An answer of BigQuery's kind: status, reason, message."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        error = {"reason": reason, "message": message}
        self.status = status
        self.content = {"error": {"code": status, "message": message, "errors": [error]}}


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @property
    def is_good(self) -> bool:
        return self.status < 300 and not self.resource.get("status", {}).get("errorResult")

    @property
    def resource(self) -> dict[str, Any]:
        resource: dict[str, Any] = json.loads(self.body)
        return resource

    async def give(self, send: Send) -> None:
        length = str(len(self.body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class StorageJobs:
    """ASGI middleware. Jobs that touch the store run one at a time: they share the folder."""

    def __init__(self, app: App, *, store: ObjectStore, folder: Path) -> None:
        self._app = app
        self._folder = Folder(store, folder)
        self._lock = asyncio.Lock()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        is_job = scope["type"] == "http" and scope["method"] == "POST"
        if not is_job or not JOBS.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        body = await _whole(receive)
        if not touches_storage(body):
            await self._app(scope, _given(body), send)
            return
        async with self._lock:
            try:
                answer = await self._run(scope, json.loads(body))
            except Refusal as refusal:
                answer = Answer(refusal.status, json.dumps(refusal.content).encode())
            finally:
                await asyncio.to_thread(self._folder.clear)
        await answer.give(send)

    async def _run(self, scope: Message, job: dict[str, Any]) -> Answer:
        configuration = job.get("configuration") or {}
        if load := configuration.get("load"):
            load["sourceUris"] = await asyncio.to_thread(self._folder.fetch, load["sourceUris"])
            return await self._ask(scope, job)
        extract = configuration.get("extract")
        if extract:
            addresses = [each.replace("*", FIRST_FILE) for each in extract["destinationUris"]]
            extract["destinationUris"] = addresses
            await asyncio.to_thread(self._folder.prepare, addresses)
        answer = await self._ask(scope, job)
        if not answer.is_good:
            return answer
        count = await asyncio.to_thread(self._folder.upload)
        return _counted(answer, count) if extract else answer

    async def _ask(self, scope: Message, job: dict[str, Any]) -> Answer:
        """What the server itself answers."""
        status, parts = 500, []

        async def keep(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                parts.append(message.get("body", b""))

        await self._app(scope, _given(json.dumps(job).encode()), keep)
        return Answer(status, b"".join(parts))


class Folder:
    """Where the server looks for ``gs://bucket/name``, emptied after each job."""

    def __init__(self, store: ObjectStore, path: Path) -> None:
        self._store = store
        self._path = path.resolve()

    def fetch(self, addresses: list[str]) -> list[str]:
        """Download what is named; return the addresses, with every * replaced by what fits."""
        found = [each for address in addresses for each in self._matching(address)]
        for address in found:
            bucket, name = _split(address)
            file = self._file(address)
            try:
                file.write_bytes(self._store.read(bucket, name))
            except OSError as error:
                raise _unreachable(address, error) from None
        return found

    def _matching(self, address: str) -> list[str]:
        bucket, name = _split(address)
        try:
            if "*" not in name:
                matching = [name] if self._store.find(bucket, name) else []
            else:
                # Only a * is a wildcard: https://cloud.google.com/bigquery/docs/batch-loading-data
                pattern = re.sub(r"([?\[])", r"[\1]", name)
                listed = self._store.names(bucket, name.partition("*")[0])
                matching = [each for each in listed if fnmatchcase(each, pattern)]
        except OSError as error:
            raise _unreachable(address, error) from None
        if not matching:
            raise Refusal(404, "notFound", f"Not found: URI {address}")
        return [f"gs://{bucket}/{each}" for each in matching]

    def prepare(self, addresses: list[str]) -> None:
        """Make the folders for what will be written, if its buckets are there."""
        for address in addresses:
            bucket, _ = _split(address)
            try:
                if not self._store.has_bucket(bucket):
                    raise Refusal(404, "notFound", f"Not found: Bucket {bucket}")
            except OSError as error:
                raise _unreachable(address, error) from None
            self._file(address)

    def upload(self) -> int:
        """Make objects of all files; return how many."""
        files = [path for path in self._path.rglob("*") if path.is_file()]
        for path in files:
            bucket, _, name = path.relative_to(self._path).as_posix().partition("/")
            try:
                self._store.write(bucket, name, path.read_bytes())
            except OSError as error:
                raise _unreachable(f"gs://{bucket}/{name}", error) from None
        return len(files)

    def clear(self) -> None:
        shutil.rmtree(self._path, ignore_errors=True)

    def _file(self, address: str) -> Path:
        """The file that stands for an address; the folder that it lies in is made."""
        file = self._path / "/".join(_split(address))
        # One with .. in it would lie elsewhere.
        if file.resolve() != file:
            raise Refusal(400, "invalid", f"Invalid URI: {address}")
        file.parent.mkdir(parents=True, exist_ok=True)
        return file


def touches_storage(body: bytes) -> bool:
    """Whether a request is a job that reads or writes objects. One that is no JSON isn't."""
    try:
        job = json.loads(body)
        configuration = job.get("configuration") or {}
        query = job.get("query") or (configuration.get("query") or {}).get("query") or ""
        addresses = [
            *(configuration.get("load") or {}).get("sourceUris", ()),
            *(configuration.get("extract") or {}).get("destinationUris", ()),
        ]
    except (ValueError, AttributeError):
        return False
    return bool(EXPORT.search(str(query))) or any(
        isinstance(each, str) and each.startswith("gs://") for each in addresses
    )


def _split(address: str) -> tuple[str, str]:
    if match := ADDRESS.fullmatch(address):
        return match[1], match[2]
    raise Refusal(400, "invalid", f"Invalid URI: {address}")


def _unreachable(address: str, error: OSError) -> Refusal:
    return Refusal(503, "backendError", f"The object store failed for {address}: {error}")


def _counted(answer: Answer, files: int) -> Answer:
    resource = answer.resource
    statistics = resource.setdefault("statistics", {})
    statistics["extract"] = {"destinationUriFileCounts": [str(files)]}
    return Answer(answer.status, json.dumps(resource).encode())


async def _whole(receive: Receive) -> bytes:
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body


def _given(body: bytes) -> Receive:
    """A ``receive`` that gives this body, and then waits: nobody has hung up."""
    messages = [{"type": "http.request", "body": body}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        return await asyncio.Future()

    return receive
