"""Opens sessions with Google Cloud. Imported on first use: Google's libraries are large."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import requests
from google.api_core.exceptions import GoogleAPICallError
from google.auth import external_account
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import DefaultCredentialsError, RefreshError
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud import bigquery

from connections.exceptions import SessionFailure
from connections.hooks.base import Hook
from connections.hooks.bigquery_failures import refused
from connections.hooks.google_credentials import credentials_of, impersonated
from connections.hooks.google_failures import EXPECTED, failure_of
from connections.hooks.google_storage import STORAGE, Storage
from connections.hooks.trust import SharedTrustAdapter
from connections.types.google_cloud_platform import (
    DEFAULT_CONNECT_TIMEOUT,
    DEFAULT_NUM_RETRIES,
    DEFAULT_READ_TIMEOUT,
)
from connections.types.values import number, whole_number

TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105
IAM_HOST = "iamcredentials.googleapis.com"


class _TimedAdapter(SharedTrustAdapter):
    """Gives every request the connection's timeouts, whatever the library above asks for.

    Google's client would wait and retry for 600 s.
    """

    def __init__(self, connect_timeout: float, read_timeout: float) -> None:
        self._timeout = (connect_timeout, read_timeout)
        super().__init__(max_retries=0)

    def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
        return super().send(request, *args, **{**kwargs, "timeout": self._timeout})


class _OwnRequest(Request):
    """Google's transport, for the thread of its session only.

    The library copies it for a background look-up of allowed regions after each
    new token. A session lives as long as one task: the look-up would come too
    late for it, and leave a thread behind that calls out. It gives up when the
    transport can't be copied.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> _OwnRequest:
        raise TypeError("a session's transport is not shared")


@dataclass(repr=False)
class GoogleCloudSession:
    """An open session: clients are made from it, all with the same credentials."""

    credentials: Credentials
    http: AuthorizedSession
    token_http: requests.Session
    project: str
    identity: str
    num_retries: int
    read_timeout: float
    api_endpoint: str = ""
    storage_endpoint: str = ""
    location: str = ""
    key_secrets: frozenset[str] = frozenset()
    _clients: list[bigquery.Client] = field(default_factory=list)
    _impersonated: list[Credentials] = field(default_factory=list)

    @cached_property
    def bigquery(self) -> bigquery.Client:
        options = {"api_endpoint": self.api_endpoint} if self.api_endpoint else None
        client = bigquery.Client(
            project=self.project,
            credentials=self.credentials,
            location=self.location or None,
            client_options=options,
            _http=self.http,
        )
        self._clients.append(client)
        return client

    @cached_property
    def storage(self) -> Storage:
        return Storage(self.http, self.storage_endpoint or STORAGE)

    @property
    def secrets(self) -> set[str]:
        """The key that was read for the session, and the tokens that it holds at the moment."""
        tokens = (getattr(each, "token", None) for each in (self.credentials, *self._impersonated))
        return {*self.key_secrets, *filter(None, tokens)}

    def impersonating(self, chain: Sequence[str]) -> GoogleCloudSession:
        """A session as the last account of ``chain``, by way of the others.

        As in Airflow it stands for the connection's own chain. It shares this
        session's lines and ends with it. Raise ``SessionFailure``.
        """
        credentials = impersonated(self.credentials, list(chain))
        request = _OwnRequest(self.token_http)
        try:
            _verify(credentials, request)
        except EXPECTED as error:
            failure = failure_of(error, host=IAM_HOST, read_timeout=self.read_timeout)
            assert failure is not None
            failure.facts.setdefault("account", _identity(credentials))
            raise failure from None
        http = _authorized(credentials, request)
        for prefix in ("https://", "http://"):
            http.mount(prefix, self.http.get_adapter(prefix))
        self._impersonated.append(credentials)
        identity = _identity(credentials)
        return replace(self, credentials=credentials, http=http, identity=identity)

    def failure_of(self, error: Exception) -> SessionFailure | None:
        """What ``error`` of a call means; ``None`` for what only the called service knows."""
        host = urlsplit(self.api_endpoint).netloc or "bigquery.googleapis.com"
        return failure_of(error, host=host, read_timeout=self.read_timeout)


class GoogleCloudHook(Hook):
    """Sessions for google_cloud_platform."""

    closes_at_once = True

    def open(self) -> GoogleCloudSession:
        """Get a token, so that credentials that Google rejects are found here."""
        extra = self.connection.extra
        connect, read = (
            min(number(extra.get(name) or default), self.longest_call)
            for name, default in (
                ("connect_timeout", DEFAULT_CONNECT_TIMEOUT),
                ("read_timeout", DEFAULT_READ_TIMEOUT),
            )
        )
        token_http = _mount(requests.Session(), connect, read)
        request = _OwnRequest(token_http)
        with ExitStack() as unless_opened:
            unless_opened.callback(token_http.close)
            credentials: Credentials | None = None
            try:
                own = credentials_of(extra, request=request)
                credentials = own.credentials
                self.secrets = set(own.secrets)
                _verify(credentials, request)
            except EXPECTED as error:
                raise self._failure(error, credentials, read_timeout=read) from None
            project = extra.get("project") or own.project
            if not project:
                raise SessionFailure("session:no-project")
            unless_opened.pop_all()
        retries = extra.get("num_retries")
        return GoogleCloudSession(
            credentials=credentials,
            http=_mount(_authorized(credentials, request), connect, read),
            token_http=token_http,
            project=project,
            identity=_identity(credentials),
            num_retries=DEFAULT_NUM_RETRIES if retries in (None, "") else whole_number(retries),
            read_timeout=read,
            api_endpoint=extra.get("api_endpoint") or "",
            storage_endpoint=extra.get("storage_endpoint") or "",
            location=extra.get("location") or "",
            key_secrets=own.secrets,
        )

    def sample_call(self, session: GoogleCloudSession) -> str:
        """Let BigQuery check a query that costs nothing: endpoint, project, right to run jobs.

        https://cloud.google.com/bigquery/docs/running-queries#dry-run
        """
        never: Any = None  # Google's annotations forbid the None that its documentation asks for
        configuration = bigquery.QueryJobConfig(dry_run=True)
        try:
            session.bigquery.query(
                "SELECT 1", job_config=configuration, retry=never, job_retry=never
            )
        except GoogleAPICallError as error:
            failure = session.failure_of(error) or refused(
                error, project=session.project, identity=session.identity
            )
            raise failure from None
        except EXPECTED as error:
            raise session.failure_of(error) or error from None
        return f"BigQuery takes jobs in project {session.project}."

    def close(self, session: GoogleCloudSession) -> None:
        for client in session._clients:
            client.close()
        session.http.close()
        session.token_http.close()

    def _failure(
        self, error: Exception, credentials: Credentials | None, *, read_timeout: float
    ) -> SessionFailure:
        token_url = getattr(credentials, "_token_uri", "") or getattr(credentials, "_token_url", "")
        host = urlsplit(token_url or TOKEN_URI).netloc
        failure = failure_of(error, host=host, read_timeout=read_timeout)
        assert failure is not None
        is_external = isinstance(credentials, external_account.Credentials)
        if (
            is_external
            and isinstance(error, RefreshError | DefaultCredentialsError)
            and failure.code in ("cloud:bad-answer", "session:no-default-credentials")
        ):
            # What keeps google-auth from a subject token, of which it tells only in words.
            return SessionFailure("session:configuration-unusable", reason=str(error.args[0]))
        failure.facts.setdefault("account", getattr(credentials, "service_account_email", ""))
        return failure


def _mount(session: Any, connect_timeout: float, read_timeout: float) -> Any:
    for prefix in ("https://", "http://"):
        session.mount(prefix, _TimedAdapter(connect_timeout, read_timeout))
    return session


def _authorized(credentials: Credentials, request: Request) -> AuthorizedSession:
    if isinstance(credentials, AnonymousCredentials):
        # There is nothing to refresh: a 401 is the answer.
        return AuthorizedSession(credentials, refresh_status_codes=(), auth_request=request)
    return AuthorizedSession(credentials, auth_request=request)


def _verify(credentials: Credentials, request: Request) -> None:
    if not isinstance(credentials, AnonymousCredentials):
        credentials.refresh(request)


def _identity(credentials: Credentials) -> str:
    if isinstance(credentials, AnonymousCredentials):
        return "anonymous"
    for name in ("_target_principal", "service_account_email"):
        if value := getattr(credentials, name, None):
            return str(value)
    return "the worker's own identity"
