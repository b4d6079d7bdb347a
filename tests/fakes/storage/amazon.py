"""Amazon's S3 and STS, as the package moto plays them over real HTTP.

It keeps its buckets for the whole process: ``amazon()`` begins with none.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import requests
from moto.server import ThreadedMotoServer

KEY_ID, KEY = "AKIAIOSFODNN7EXAMPLE", "tulip/7+" * 5


@dataclass(frozen=True)
class Amazon:
    url: str
    #: A client of the test's own.
    s3: Any

    @property
    def extra(self) -> dict[str, Any]:
        """Of a connection that leads here."""
        return {"endpoint_url": self.url, "region_name": "eu-west-1"}


@contextmanager
def amazon() -> Iterator[Amazon]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    requests.post(f"{url}/moto-api/reset", timeout=30)
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=KEY,
    )
    try:
        yield Amazon(url, client)
    finally:
        client.close()
        server.stop()
