"""The fake itself: Google's token endpoint and BigQuery behind one address."""

import threading
from types import TracebackType
from typing import Self

from tests.fakes.google import control
from tests.fakes.google.answers import Answer, GoogleError, TokenError, json_answer
from tests.fakes.google.bigquery import CALLS, IAM, BigQuery
from tests.fakes.google.catalog import Catalog
from tests.fakes.google.faults import Fault
from tests.fakes.google.handler import HttpServer
from tests.fakes.google.jobs import Job
from tests.fakes.google.plans import JobPlan
from tests.fakes.google.records import RecordedRequest, RequestLog
from tests.fakes.google.schedule import Schedule
from tests.fakes.google.store import JobStore
from tests.fakes.google.tokens import IssuedToken, TokenAuthority

_ANONYMOUS = "anonymous@patchbay.test"
_POLL_SECONDS = 0.01


class FakeGoogle:
    """Google on 127.0.0.1, for as long as its ``with`` block lasts.

    ``port`` 0 takes a free one. ``allow_anonymous`` lets BigQuery calls in without a token.
    ``token_lifetime`` is in seconds. ``keep_requests`` bounds what ``requests`` remembers.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        allow_anonymous: bool = False,
        token_lifetime: int = 3599,
        keep_requests: int = 10_000,
    ) -> None:
        self._http = HttpServer(port)
        self._http.respond = self._respond
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._allow_anonymous = allow_anonymous
        self._closing = threading.Event()
        self._log = RequestLog(keep=keep_requests)
        self._faults: Schedule[RecordedRequest, Fault] = Schedule()
        self._tokens = TokenAuthority(self.token_uri, lifetime=token_lifetime)
        self._jobs = JobStore(self.url)
        #: The data sets and tables.
        self.catalog = Catalog()
        self._bigquery = BigQuery(self._jobs, self.catalog)
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(_POLL_SECONDS,), daemon=True
        )

    @property
    def token_uri(self) -> str:
        """Where tokens are asked for; a key's ``token_uri``."""
        return f"{self.url}/token"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that send every HTTPS request here, to be refused.

        google-auth looks up a service account's allowed locations at
        iamcredentials.googleapis.com in a thread of its own after each new token. With these
        set nothing leaves the machine, and ``requests`` shows it as a CONNECT.
        """
        names = ("HTTPS_PROXY", "https_proxy")
        local = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
        return dict.fromkeys(names, self.url) | local

    @property
    def requests(self) -> list[RecordedRequest]:
        """What came in, oldest first, without the calls of ``/control``."""
        return self._log.all()

    def requests_of(self, call: str) -> list[RecordedRequest]:
        """The requests of one call (``jobs.insert``, ``token``, ...)."""
        return [request for request in self.requests if request.call == call]

    @property
    def jobs(self) -> dict[str, Job]:
        """The jobs by id, oldest first."""
        return self._jobs.all()

    @property
    def tokens_issued(self) -> list[IssuedToken]:
        """The access tokens given, oldest first."""
        return self._tokens.issued

    def on(self, call: str, fault: Fault, *, times: int | None = None, matching: str = "") -> None:
        """Make a call go wrong: its next ``times`` requests, or all from now on.

        ``call`` is a name of Google's reference (``jobs.insert``), ``token``, or ``*`` for
        any. ``matching`` limits it to requests whose path or body contains that text.
        """
        if call not in CALLS | {"token", "*"}:
            raise ValueError(f"no such call: {call}; there are {sorted(CALLS)}, token and *")
        self._faults.add(
            fault,
            lambda request: (
                call in ("*", request.call) and (not matching or matching in request.text)
            ),
            times=times,
        )

    def plan(self, plan: JobPlan, *, times: int | None = None, matching: str = "") -> None:
        """Give the next ``times`` jobs, or all from now on, this life.

        ``matching`` limits it to jobs whose id or configuration contains that text.
        """
        self._jobs.plans.add(plan, lambda text: matching in text, times=times)

    def finish(self) -> None:
        """Let the jobs that run, however long they would, end now as their plan says."""
        self._jobs.finish()

    def register_key(self, *, email: str, key_id: str, public_key: str) -> None:
        """Accept assertions of this account signed with this key (PEM)."""
        self._tokens.register(email=email, key_id=key_id, public_key=public_key)

    def revoke_key(self, key_id: str) -> None:
        """Delete a key, as in Google's console; tokens already given stay good."""
        self._tokens.revoke(key_id)

    def expire_tokens(self) -> None:
        """Make every token given so far invalid."""
        self._tokens.forget_tokens()

    def reset(self) -> None:
        """Forget requests, jobs, tables, plans, faults and tokens. Registered keys stay."""
        self._faults.clear()
        self._jobs.clear()
        self.catalog.clear()
        self._tokens.forget_tokens()
        self._log.clear()

    def _respond(self, request: RecordedRequest) -> Answer | None:
        if request.path.startswith("/control/"):
            return control.respond(self, request)
        self._log.add(request)
        fault = self._faults.take(request)
        if fault is None:
            return self._perform(request)
        return fault.apply(request, self._perform, closing=self._closing)

    def _perform(self, request: RecordedRequest) -> Answer:
        if request.method == "CONNECT":
            return Answer(403, b"", headers={"Connection": "close"})
        try:
            if request.call == "token":
                return json_answer(self._tokens.exchange(request.body))
            if request.call == IAM:
                return json_answer(self._tokens.impersonate(request))
            email = self._authenticated(request)
            answer = self._bigquery.call(request, user_email=email)
            return Answer(204, b"") if answer is None else json_answer(answer)
        except (GoogleError, TokenError) as error:
            return error.answer()

    def _authenticated(self, request: RecordedRequest) -> str:
        if self._allow_anonymous:
            return _ANONYMOUS
        return self._tokens.check(request.headers.get("authorization")).email

    def close(self) -> None:
        """End hanging calls and connections, and wait for all threads."""
        self._closing.set()
        self._jobs.close()
        self._http.shutdown()
        self._http.close_connections()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
