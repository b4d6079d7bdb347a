"""The local object store: what `make run` adds to the package's own server."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest

from patchbay.local import weather
from patchbay.local.demo import BUCKET, LANDED
from tests.local.objects import object_store
from tests.local.processes import until


def test_objects_are_written_listed_read_and_replaced(tmp_path: Path) -> None:
    with object_store(tmp_path / "objects", output=tmp_path) as (store, _):
        assert not store.has_bucket("reports")
        store.make_bucket("reports", project="demo")
        assert store.has_bucket("reports")
        store.write("reports", "2015/a file.csv", b"a,b\r\n1,\xff\n")
        store.write("reports", "2015/b+b.csv", b"b", "text/csv")
        assert store.names("reports", "2015/") == ["2015/a file.csv", "2015/b+b.csv"]
        assert store.names("reports", "2016/") == []
        assert store.read("reports", "2015/a file.csv") == b"a,b\r\n1,\xff\n"
        store.write("reports", "2015/b+b.csv", b"newer")
        assert store.read("reports", "2015/b+b.csv") == b"newer"
        found = store.find("reports", "2015/b+b.csv")
        assert found is not None
        assert found["size"] == "5"
        assert store.find("reports", "2015/c.csv") is None


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with object_store(tmp_path / "objects", output=tmp_path) as (store, _):
        for call in (
            lambda: store.read("reports", "a.csv"),
            lambda: store.names("reports"),
            lambda: store.write("reports", "a.csv", b"a"),
        ):
            with pytest.raises(HTTPError) as raised:
                call()
            assert raised.value.code == 404


def test_it_ends_in_order_and_keeps_its_objects(tmp_path: Path) -> None:
    folder = tmp_path / "objects"
    with object_store(folder, output=tmp_path / "first") as (store, running):
        store.make_bucket("reports", project="demo")
        store.write("reports", "a.csv", b"a")
        running.signal(signal.SIGTERM)
        assert running.exit_code() == 0
        assert "Traceback" not in running.errors
    with object_store(folder, output=tmp_path / "second") as (store, _):
        assert store.read("reports", "a.csv") == b"a"


def test_one_that_was_cut_short_while_it_wrote_starts_empty_with_a_line(tmp_path: Path) -> None:
    catalogue = tmp_path / "objects" / ".cloudstorage" / ".meta"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text('{"buckets": {"rep')
    with object_store(tmp_path / "objects", output=tmp_path) as (store, running):
        assert not store.has_bucket("reports")
        until(lambda: "the store is empty" in running.output, what="the line")
    assert (catalogue.parent / "broken.meta").read_text() == '{"buckets": {"rep'


def test_who_connects_and_says_nothing_does_not_hold_up_the_others(tmp_path: Path) -> None:
    with object_store(tmp_path / "objects", output=tmp_path) as (store, _):
        address = urlsplit(store.endpoint)
        with socket.create_connection((str(address.hostname), int(address.port or 0))):
            assert not store.has_bucket("reports")


def test_the_demos_file_is_uploaded_as_it_is_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with object_store(tmp_path / "objects", output=tmp_path) as (store, _):
        weather.upload(store)
        assert capsys.readouterr().out == f"Uploaded 47,838 bytes to gs://{BUCKET}/{LANDED}.\n"
        assert store.read(BUCKET, LANDED) == weather.source().read_bytes()
        store.write(BUCKET, LANDED, b"a person's own")
        weather.upload(store)
        assert store.read(BUCKET, LANDED) == b"a person's own"
        assert capsys.readouterr().out == ""
