"""How the local BigQuery reads from the object store and writes into it: jobs, over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patchbay.local.bigquery_storage import Message, Receive, Send, StorageJobs
from patchbay.local.objects import ObjectStore
from tests.local.objects import object_store

JOBS = "/bigquery/v2/projects/demo/jobs"


class Server:
    """Stands for bqemulator: keeps what it is given, reads and writes files as that does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.jobs: list[Any] = []
        self.read: dict[str, bytes] = {}
        #: What it writes, by ``bucket/name``.
        self.writes: dict[str, bytes] = {}
        self.error: dict[str, str] | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        message = await receive()
        self.jobs.append(json.loads(message["body"]))
        for path in self.folder.rglob("*"):
            if path.is_file():
                self.read[path.relative_to(self.folder).as_posix()] = path.read_bytes()
        for name, data in self.writes.items():
            (self.folder / name).write_bytes(data)
        status = {"state": "DONE", **({"errorResult": self.error} if self.error else {})}
        body = json.dumps({"kind": "bigquery#job", "status": status}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectStore]:
    with object_store(tmp_path / "objects", output=tmp_path / "output") as (store, _):
        store.make_bucket("reports", project="demo")
        yield store


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path / "on the way")


def post(
    server: Server, store: ObjectStore, content: Any, *, path: str = JOBS
) -> tuple[int, dict[str, Any]]:
    """The status, and the JSON of the answer."""
    body = json.dumps(content).encode()
    parts: list[Message] = [
        {"type": "http.request", "body": body[:10], "more_body": True},
        {"type": "http.request", "body": body[10:]},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return parts.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    app = StorageJobs(server, store=store, folder=server.folder)
    asyncio.run(app({"type": "http", "method": "POST", "path": path}, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])


def load(*addresses: str) -> dict[str, Any]:
    return {"configuration": {"load": {"sourceUris": list(addresses), "sourceFormat": "CSV"}}}


def extract(*addresses: str) -> dict[str, Any]:
    return {"configuration": {"extract": {"destinationUris": list(addresses)}}}


def message_of(answer: dict[str, Any]) -> tuple[str, str]:
    (error,) = answer["error"]["errors"]
    return error["reason"], answer["error"]["message"]


def test_a_load_job_finds_its_objects_as_files_which_are_gone_afterwards(
    store: ObjectStore, server: Server
) -> None:
    store.write("reports", "2015/a b.csv", b"a\n")
    assert post(server, store, load("gs://reports/2015/a b.csv"))[0] == 200
    assert server.read == {"reports/2015/a b.csv": b"a\n"}
    assert server.jobs == [load("gs://reports/2015/a b.csv")]
    assert not server.folder.exists()
    assert store.names("reports") == ["2015/a b.csv"]


def test_a_star_stands_for_all_names_that_fit(store: ObjectStore, server: Server) -> None:
    for name in ("in/a.csv", "in/b.csv", "in/c.json", "in/[x].csv"):
        store.write("reports", name, b"1")
    post(server, store, load("gs://reports/in/*.csv"))
    post(server, store, load("gs://reports/in/[x*.csv"))
    uris = [job["configuration"]["load"]["sourceUris"] for job in server.jobs]
    assert sorted(uris[0]) == [
        "gs://reports/in/[x].csv",
        "gs://reports/in/a.csv",
        "gs://reports/in/b.csv",
    ]
    assert uris[1] == ["gs://reports/in/[x].csv"]


@pytest.mark.parametrize(
    "address", ["gs://reports/none.csv", "gs://none/a.csv", "gs://reports/none*"]
)
def test_an_object_that_is_not_there_is_refused_as_bigquery_does(
    store: ObjectStore, server: Server, address: str
) -> None:
    status, answer = post(server, store, load(address))
    assert (status, message_of(answer)) == (404, ("notFound", f"Not found: URI {address}"))
    assert server.jobs == []


@pytest.mark.parametrize("address", ["gs://reports/../../x.csv", "gs://../x.csv", "gs://reports"])
@pytest.mark.parametrize("job", [load, extract])
def test_an_address_that_leads_out_of_the_folder_is_refused(
    store: ObjectStore, server: Server, tmp_path: Path, address: str, job: Any
) -> None:
    before = sorted(tmp_path.iterdir())
    status, _ = post(server, store, job(address))
    assert status in (400, 404)
    assert server.jobs == []
    assert sorted(tmp_path.iterdir()) == before


def test_what_an_extract_job_writes_becomes_an_object(store: ObjectStore, server: Server) -> None:
    server.writes = {"reports/2015/all-000000000000.csv": b"a,b\n1,2\n"}
    status, answer = post(server, store, extract("gs://reports/2015/all-*.csv"))
    assert status == 200
    assert answer["statistics"]["extract"]["destinationUriFileCounts"] == ["1"]
    assert store.read("reports", "2015/all-000000000000.csv") == b"a,b\n1,2\n"
    assert not server.folder.exists()


def test_an_extract_job_that_failed_leaves_no_object(store: ObjectStore, server: Server) -> None:
    server.writes = {"reports/half.csv": b"a,"}
    server.error = {"reason": "invalid", "message": "no"}
    _, answer = post(server, store, extract("gs://reports/half.csv"))
    assert answer["status"]["errorResult"] == server.error
    assert store.names("reports") == []


def test_a_bucket_that_is_not_there_is_refused_before_anything_is_written(
    store: ObjectStore, server: Server
) -> None:
    status, answer = post(server, store, extract("gs://none/a.csv"))
    assert (status, message_of(answer)) == (404, ("notFound", "Not found: Bucket none"))
    assert server.jobs == []


@pytest.mark.parametrize("path", [JOBS, "/bigquery/v2/projects/demo/queries"])
def test_what_an_export_statement_writes_becomes_an_object(
    store: ObjectStore, server: Server, path: str
) -> None:
    text = "export data OPTIONS (uri='gs://reports/e.csv', format='CSV') AS SELECT 1"
    asked = {"query": text} if path != JOBS else {"configuration": {"query": {"query": text}}}
    (server.folder / "reports").mkdir(parents=True)
    server.writes = {"reports/e.csv": b"1\n"}
    assert post(server, store, asked, path=path)[0] == 200
    assert store.read("reports", "e.csv") == b"1\n"


@pytest.mark.parametrize(
    "content",
    [
        {"configuration": {"query": {"query": "SELECT 1"}}},
        {"configuration": {"load": {"sourceUris": ["file:///a.csv"]}}},
        {"configuration": None},
        [],
    ],
)
def test_other_jobs_pass_untouched_also_without_a_store(server: Server, content: Any) -> None:
    assert post(server, ObjectStore("http://127.0.0.1:9"), content)[0] == 200
    assert server.jobs == [content]


@pytest.mark.parametrize("job", [load, extract])
def test_a_store_that_does_not_answer_is_told_and_may_answer_later(
    server: Server, job: Any
) -> None:
    status, answer = post(server, ObjectStore("http://127.0.0.1:9"), job("gs://reports/a.csv"))
    assert status == 503
    assert message_of(answer)[0] == "backendError"
    assert server.jobs == []
