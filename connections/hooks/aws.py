"""Opens sessions with Amazon Web Services. Imported on first use: Amazon's library is large.

What counts, and in which order, follows the connection wrapper of Airflow's Amazon provider.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3.session
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from connections.exceptions import Failure, SessionFailure
from connections.hooks.aws_failures import EXPECTED, code_of, failure_of, message_of, status_of
from connections.hooks.aws_settings import Settings, settings_of
from connections.hooks.base import Hook
from connections.hooks.transport import host_of

#: Failures of the question "who am I?" that say nothing about the credentials: STS may be out of
#: reach of a worker that reaches S3.
OUT_OF_REACH = frozenset(
    {"aws:unreachable", "aws:timeout", "aws:dropped", "aws:name-unknown", "aws:unavailable"}
    | {"aws:rate-limited", "aws:bad-answer", "aws:tls"}
)


@dataclass(repr=False)
class AwsSession:
    """An open session: clients are made from it, all with the same credentials."""

    boto: boto3.session.Session
    settings: Settings
    identity: str = ""
    _clients: list[Any] = field(default_factory=list)

    def client(
        self,
        service: str,
        *,
        region: str = "",
        verify: bool | str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Any:
        """A client of one of Amazon's services. Raise ``SessionFailure`` for settings that can't
        be; ``region``, ``verify`` and ``config`` come before those of the connection."""
        settings = self.settings
        try:
            own = settings.config.merge(_config(config or {}))
            client = self.boto.client(
                service,
                region_name=region or settings.region_of(service, self.boto.region_name),
                endpoint_url=settings.endpoint_of(service),
                verify=settings.verify if verify is None else verify,
                config=own,
            )
        except (ValueError, TypeError) as error:
            raise _invalid("the endpoint or the arguments of the client", error) from None
        except BotoCoreError as error:
            raise self.failure_of(error) or _invalid("its settings", error) from None
        self._clients.append(client)
        return client

    @cached_property
    def s3(self) -> Any:
        return self.client("s3")

    @property
    def secrets(self) -> set[str]:
        """The keys that the session holds at the moment, also those of a role."""
        credentials = None if self.settings.is_unsigned else self.boto.get_credentials()
        if credentials is None:
            return set()
        frozen = credentials.get_frozen_credentials()
        return {secret for secret in (frozen.secret_key, frozen.token) if secret}

    def failure_of(self, error: Exception, *, host: str = "") -> SessionFailure | None:
        """What ``error`` of a call means; ``None`` for what only the called service knows."""
        settings = self.settings
        return failure_of(
            error,
            host=host or host_of(settings.endpoint_url) or "Amazon",
            read_timeout=settings.config.read_timeout,
            profile=settings.profile,
        )

    def close(self) -> None:
        for client in self._clients:
            client.close()


class AwsHook(Hook):
    """Sessions for aws."""

    closes_at_once = True

    def open(self) -> AwsSession:
        """Assume the role, if there is one, and ask STS who this is where STS is known."""
        settings = settings_of(self.connection, longest_call=self.longest_call)
        session = AwsSession(_boto(settings), settings)
        if settings.role_arn:
            session = AwsSession(_in_role(session), settings, _clients=session._clients)
        session.identity = _identity(session)
        if settings.has_sts:
            try:
                session.identity = _caller(session)
            except Failure as failure:
                if failure.code not in OUT_OF_REACH:
                    session.close()
                    raise
        return session

    def sample_call(self, session: AwsSession) -> str:
        """Ask STS who this is; a server that isn't Amazon's is asked for its buckets."""
        if session.settings.has_sts:
            return f"STS knows the session as {_caller(session)}."
        host = host_of(session.settings.endpoint_url)
        try:
            count = len(session.s3.list_buckets().get("Buckets", ()))
        except EXPECTED as error:
            failure = session.failure_of(error)
            if failure is None and isinstance(error, ClientError) and status_of(error) == 403:
                return f"{host} accepts the credentials; they may not list its buckets."
            raise failure or SessionFailure("aws:bad-answer", host=host) from None
        return f"{host} shows {count} bucket{'' if count == 1 else 's'}."

    def close(self, session: AwsSession) -> None:
        session.close()


def _boto(settings: Settings) -> boto3.session.Session:
    try:
        return boto3.session.Session(
            region_name=settings.region or None,
            profile_name=settings.profile or None,
            **{**settings.session_kwargs, **settings.keys},
        )
    except TypeError as error:
        raise _invalid("the arguments of the session", error) from None
    except BotoCoreError as error:
        failure = failure_of(error, host="", read_timeout=0, profile=settings.profile)
        raise failure or _invalid("its profile or keys", error) from None


def _identity(session: AwsSession) -> str:
    """As whom, as far as it can be told without asking."""
    if session.settings.role_arn:
        return session.settings.role_arn
    if session.settings.is_unsigned:
        return "anonymous"
    try:
        credentials = session.boto.get_credentials()
    except BotoCoreError as error:
        raise session.failure_of(error) or _invalid("its profile or keys", error) from None
    if credentials is None:
        raise SessionFailure("aws:no-credentials", reason="nothing was found.")
    return f"the access key …{credentials.access_key[-4:]}"


def _caller(session: AwsSession) -> str:
    """The ARN that the session acts as. Nobody needs a right to ask for it.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    """
    if session.settings.is_unsigned:
        return session.identity
    client = session.client("sts")
    try:
        return str(client.get_caller_identity()["Arn"])
    except EXPECTED as error:
        failure = session.failure_of(error, host=host_of(client.meta.endpoint_url))
        if failure is None and isinstance(error, ClientError):
            # An organization may forbid even the question; the credentials are right then.
            return session.identity
        raise failure or SessionFailure("aws:bad-answer", host="STS") from None


def _in_role(base: AwsSession) -> boto3.session.Session:
    """A session of the role, whose keys renew themselves while it lasts."""
    refresh = _assume(base)
    credentials = RefreshableCredentials.create_from_metadata(
        metadata=refresh(), refresh_using=refresh, method="sts-assume-role"
    )
    inner = botocore.session.get_session()
    # The library has no public way to give a session keys that renew themselves.
    inner._credentials = credentials
    return boto3.session.Session(
        botocore_session=inner, region_name=base.settings.region or base.boto.region_name
    )


def _assume(base: AwsSession) -> Callable[[], dict[str, str]]:
    settings = base.settings
    arguments = {
        "RoleArn": settings.role_arn,
        "RoleSessionName": settings.role_session_name,
        **settings.assume_role_kwargs,
    }
    is_web = settings.role_method == "assume_role_with_web_identity"
    client = base.client("sts", config={"signature_version": "unsigned"} if is_web else None)

    def assume() -> dict[str, str]:
        try:
            if is_web:
                token = settings.web_identity_token()
                answer = client.assume_role_with_web_identity(**arguments, WebIdentityToken=token)
            else:
                answer = client.assume_role(**arguments)
        except ParamValidationError as error:
            raise _invalid("the arguments to assume the role", error) from None
        except EXPECTED as error:
            raise _role_failure(base, error, host=host_of(client.meta.endpoint_url)) from None
        keys = answer["Credentials"]
        return {
            "access_key": keys["AccessKeyId"],
            "secret_key": keys["SecretAccessKey"],
            "token": keys["SessionToken"],
            "expiry_time": keys["Expiration"].isoformat(),
        }

    return assume


def _role_failure(base: AwsSession, error: Exception, *, host: str) -> SessionFailure:
    failure = base.failure_of(error, host=host)
    if failure is not None:
        return failure
    if isinstance(error, ClientError):
        return SessionFailure(
            "aws:role-refused",
            role=base.settings.role_arn,
            reason=code_of(error),
            vendor_message=message_of(error),
        )
    return _invalid("the role", error)


def _config(given: Mapping[str, Any]) -> Config:
    values = dict(given)
    if values.get("signature_version") == "unsigned":
        values["signature_version"] = UNSIGNED
    return Config(**values)


def _invalid(setting: str, error: Exception) -> SessionFailure:
    return SessionFailure("aws:settings-invalid", setting=setting, reason=str(error))
