"""The fake in a process of its own, and the handle to it."""

import http.client
import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.google.answers import Json
from tests.fakes.google.faults import Fault
from tests.fakes.google.plans import JobPlan

_ROOT = Path(__file__).resolve().parents[3]


class RemoteFake:
    """A fake that runs elsewhere, programmed through its control endpoints.

    The same words as FakeGoogle; requests, jobs and tokens come as JSON objects.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def token_uri(self) -> str:
        """Where tokens are asked for; a key's ``token_uri``."""
        return f"{self.url}/token"

    @property
    def requests(self) -> list[Json]:
        """The recorded requests, oldest first."""
        return list(self._call("GET", "requests"))

    @property
    def jobs(self) -> dict[str, Json]:
        """The jobs by id, oldest first."""
        return {job["id"]: job for job in self._call("GET", "jobs")}

    @property
    def tokens_issued(self) -> list[Json]:
        """The access tokens given, oldest first."""
        return list(self._call("GET", "tokens"))

    def on(self, call: str, fault: Fault, *, times: int | None = None, matching: str = "") -> None:
        """Make a call go wrong; see FakeGoogle.on."""
        limits = {"call": call, "times": times, "matching": matching}
        self._call("POST", "faults", fault.to_json() | limits)

    def plan(self, plan: JobPlan, *, times: int | None = None, matching: str = "") -> None:
        """Give jobs to come this life; see FakeGoogle.plan."""
        self._call("POST", "plan", plan.to_json() | {"times": times, "matching": matching})

    def register_key(self, *, email: str, key_id: str, public_key: str) -> None:
        """Accept assertions of this account signed with this key (PEM)."""
        body = {"email": email, "key_id": key_id, "public_key": public_key}
        self._call("POST", "keys", body)

    def reset(self) -> None:
        """Forget everything but the keys."""
        self._call("POST", "reset", {})

    def _call(self, method: str, what: str, body: Json | None = None) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        try:
            connection.request(
                method,
                f"/control/{what}",
                body=None if body is None else json.dumps(body),
                headers={"Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            content = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise ValueError(content["error"])
        return content


class FakeProcess:
    """Runs the fake in a process of its own for as long as the ``with`` block lasts.

    ``arguments`` are those of ``python -m tests.fakes.google``. The process also ends when
    this one dies, because it watches its standard input.
    """

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments

    def __enter__(self) -> RemoteFake:
        command = [sys.executable, "-m", "tests.fakes.google", "--until-stdin-closes"]
        self._process = subprocess.Popen(
            [*command, *self._arguments],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        url = self._process.stdout.readline().strip()
        if not url:
            self._end()
            raise RuntimeError("the fake did not start; its standard error says why")
        return RemoteFake(url)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        try:
            self._process.communicate(timeout=10)  # closes its standard input
        finally:
            self._process.kill()
