"""Sessions with Amazon, against servers on this machine."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connections.diagnosis import CATALOGUE, explain
from connections.exceptions import Failure
from connections.hooks import hook_for
from connections.hooks.aws import AwsHook, AwsSession
from connections.types import TYPES
from connections.types.base import LoadedConnection
from tests.fakes.google import SelfSignedServer, SilentServer, unused_port
from tests.fakes.http_server import HttpServer, Reply
from tests.fakes.storage.amazon import KEY, KEY_ID, Amazon, amazon

Open = Callable[..., AwsSession]
TOKEN = "rose-token"
ROLE = "arn:aws:iam::123456789012:role/reports"


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture(scope="module")
def moto() -> Iterator[Amazon]:
    with amazon() as server:
        yield server


@pytest.fixture
def sts() -> Iterator[HttpServer]:
    """Stands for STS: its answers are set by the test."""
    with HttpServer() as server:
        yield server


@pytest.fixture
def open_aws() -> Iterator[Open]:
    opened: list[tuple[Any, AwsSession]] = []

    def open_session(
        *, login: str = KEY_ID, password: str = KEY, longest: float | None = None, **extra: Any
    ) -> AwsSession:
        hook = hook_for(LoadedConnection("s3", "aws", login=login, password=password, extra=extra))
        if longest is not None:
            hook.longest_call = longest
        session: AwsSession = hook.open()
        opened.append((hook, session))
        return session

    yield open_session
    for hook, session in opened:
        hook.close(session)


def refused(call: Callable[[], Any], *, unseen: tuple[str, ...] = (KEY,)) -> Failure:
    """How a call fails; whatever is shown of it must show none of ``unseen``."""
    with pytest.raises(Failure) as caught:
        call()
    failure = caught.value
    words = explain(failure.code, failure.facts)
    shown = "".join(traceback.format_exception(failure))
    shown += f"{failure!r} {failure.facts} {failure.vendor_message} {words}"
    assert not [secret for secret in unseen if secret in shown]
    assert "?" not in f"{words.short} {words.happened} {words.cause} {words.remedy}"
    for name in words.fields:
        declared = "google_cloud_platform" if failure.code.startswith("session:") else "aws"
        assert TYPES[declared].field(name)
    return failure


def test_of(session: AwsSession) -> str:
    return AwsHook(LoadedConnection("s3", "aws")).sample_call(session)


test_of.__test__ = False  # type: ignore[attr-defined]


def with_sts(url: str, **extra: Any) -> dict[str, Any]:
    return {"service_config": {"sts": {"endpoint_url": url}}, "region_name": "eu-west-1", **extra}


def refusal(code: str, message: str, *, status: int = 403) -> Reply:
    """As STS answers: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html"""
    body = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>"
        "</Error><RequestId>1</RequestId></ErrorResponse>"
    )
    return Reply(status, body, {"Content-Type": "text/xml"})


# Who it is


def test_sts_tells_as_whom_the_session_acts(open_aws: Open, moto: Amazon) -> None:
    session = open_aws(**with_sts(moto.url))
    assert session.identity.startswith("arn:aws:sts::123456789012:")
    assert session.secrets == {KEY}
    assert KEY not in repr(session)
    assert test_of(session) == f"STS knows the session as {session.identity}."


def test_an_emulator_without_sts_is_asked_for_its_buckets(open_aws: Open, moto: Amazon) -> None:
    session = open_aws(**moto.extra)
    assert session.identity == "the access key …MPLE"
    before = int(test_of(session).split(" shows ")[1].split()[0])
    moto.s3.create_bucket(
        Bucket="one-more", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    assert f"shows {before + 1} bucket" in test_of(session)


def test_a_session_token_goes_with_the_key(open_aws: Open, sts: HttpServer) -> None:
    sts.on("/", refusal("ExpiredToken", "The security token included in the request is expired"))
    extra = with_sts(sts.url, aws_session_token=TOKEN)
    failure = refused(lambda: open_aws(**extra), unseen=(KEY, TOKEN))
    assert (failure.code, failure.facts["reason"]) == ("aws:credentials-rejected", "ExpiredToken")
    assert "expired" in failure.vendor_message
    assert sts.calls[0].headers["x-amz-security-token"] == TOKEN


@pytest.mark.parametrize(
    "code", ["InvalidClientTokenId", "SignatureDoesNotMatch", "RequestTimeTooSkewed"]
)
def test_a_key_that_amazon_rejects_opens_no_session(
    open_aws: Open, sts: HttpServer, code: str
) -> None:
    sts.on("/", refusal(code, "no"))
    failure = refused(lambda: open_aws(**with_sts(sts.url)))
    assert failure.code == "aws:credentials-rejected"
    assert len(sts.calls) == 1


def test_an_organization_that_forbids_the_question_forbids_no_session(
    open_aws: Open, sts: HttpServer
) -> None:
    sts.on("/", refusal("AccessDenied", "explicit deny"))
    assert open_aws(**with_sts(sts.url)).identity == "the access key …MPLE"


def test_a_worker_that_cant_reach_sts_may_still_reach_s3(open_aws: Open) -> None:
    session = open_aws(**with_sts(f"http://127.0.0.1:{unused_port()}"))
    assert session.identity == "the access key …MPLE"
    failure = refused(lambda: test_of(session))
    assert failure.code == "aws:unreachable"


def test_keys_may_stand_in_extra_as_in_airflow(open_aws: Open, moto: Amazon) -> None:
    extra = {"aws_access_key_id": "AKIAAAAAAAAAAAAAAAAA", "aws_secret_access_key": "rose"}
    session = open_aws(login="", password="", **moto.extra, **extra)
    assert (session.identity, session.secrets) == ("the access key …AAAA", {"rose"})


def test_a_profile_of_the_worker_gives_the_key(
    open_aws: Open, moto: Amazon, tmp_path: Path
) -> None:
    (tmp_path / "credentials").write_text(
        "[reports]\naws_access_key_id = AKIAREPORTS\naws_secret_access_key = rose\n"
    )
    session = open_aws(login="", password="", profile_name="reports", **moto.extra)
    assert session.identity == "the access key …ORTS"
    failure = refused(lambda: open_aws(login="", password="", profile_name="other"))
    assert (failure.code, failure.facts["profile"]) == ("aws:profile-unknown", "other")


def test_no_key_anywhere_opens_no_session(open_aws: Open, moto: Amazon) -> None:
    assert refused(lambda: open_aws(login="", password="", **moto.extra)).code == (
        "aws:no-credentials"
    )


def test_unsigned_calls_need_no_key(open_aws: Open, moto: Amazon) -> None:
    extra = {**moto.extra, "config_kwargs": {"signature_version": "unsigned"}}
    assert open_aws(login="", password="", **extra).identity == "anonymous"


# Roles


def test_a_role_is_assumed_with_the_key(open_aws: Open, moto: Amazon) -> None:
    extra = with_sts(moto.url, role_arn=ROLE, assume_role_kwargs={"ExternalId": "patchbay"})
    session = open_aws(**extra, endpoint_url=moto.url)
    assert session.identity == "arn:aws:sts::123456789012:assumed-role/reports/Patchbay-s3"
    secrets = session.secrets
    assert len(secrets) == 2
    assert KEY not in secrets
    assert not [secret for secret in secrets if secret in repr(session)]


def test_a_role_is_assumed_with_a_token_in_a_file(
    open_aws: Open, moto: Amazon, tmp_path: Path
) -> None:
    extra = with_sts(
        moto.url,
        role_arn=ROLE,
        assume_role_method="assume_role_with_web_identity",
        assume_role_with_web_identity_federation="file",
        assume_role_with_web_identity_token_file=str(tmp_path / "token"),
    )
    assert refused(lambda: open_aws(**extra)).code == "session:key-file-unreadable"
    (tmp_path / "token").write_text(TOKEN)
    assert "assumed-role/reports" in open_aws(login="", password="", **extra).identity


def test_a_role_that_trusts_somebody_else_is_refused(open_aws: Open, sts: HttpServer) -> None:
    sts.on("/", refusal("AccessDenied", "is not authorized to perform: sts:AssumeRole"))
    failure = refused(lambda: open_aws(**with_sts(sts.url, role_arn=ROLE)))
    assert (failure.code, failure.facts["role"]) == ("aws:role-refused", ROLE)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"assume_role_method": "assume_role_with_saml"}, "SAML"),
        (
            {
                "assume_role_method": "assume_role_with_web_identity",
                "assume_role_with_web_identity_federation": "google",
            },
            "Google's identity",
        ),
    ],
)
def test_other_ways_to_a_role_are_told_to_be_none(
    open_aws: Open, extra: dict[str, Any], words: str
) -> None:
    failure = refused(lambda: open_aws(role_arn=ROLE, **extra))
    assert (failure.code, failure.facts["method"]) == ("aws:method-unsupported", words)


# Settings


@pytest.mark.parametrize(
    "extra",
    [
        {"config_kwargs": {"tiemout": 1}},
        {"config_kwargs": "not json"},
        {"session_kwargs": {"colour": "red"}},
        {"endpoint_url": "127.0.0.1:9000"},
        {"role_arn": ROLE, "assume_role_kwargs": {"Colour": "red"}},
    ],
)
def test_settings_that_the_library_doesnt_know_open_no_session(
    open_aws: Open, extra: dict[str, Any]
) -> None:
    def use() -> None:
        _ = open_aws(**{"service_config": SILENT_STS, **extra}).s3

    assert refused(use).code == "aws:settings-invalid"


SILENT_STS = {"sts": {"endpoint_url": "http://127.0.0.1:9"}}


def test_no_call_waits_without_end(open_aws: Open, moto: Amazon) -> None:
    config = open_aws(**moto.extra).s3.meta.config
    assert (config.connect_timeout, config.read_timeout) == (10, 60)
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}
    own = open_aws(**moto.extra, config_kwargs={"read_timeout": 5, "max_pool_connections": 2})
    assert (own.s3.meta.config.read_timeout, own.s3.meta.config.connect_timeout) == (5, 10)
    test = open_aws(**moto.extra, longest=2.0).s3.meta.config
    assert (test.connect_timeout, test.read_timeout) == (2, 2)
    assert test.retries["total_max_attempts"] == 1


def test_an_endpoint_of_s3_is_not_one_of_sts(open_aws: Open) -> None:
    url = "https://bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com"
    hook = AwsHook(LoadedConnection("s3", "aws", login=KEY_ID, password=KEY))
    settings = open_aws(endpoint_url="http://127.0.0.1:9").settings
    assert settings.endpoint_of("sts") == "http://127.0.0.1:9"
    assert not settings.has_sts
    assert hook.closes_at_once
    from connections.hooks.aws_settings import Settings

    private = Settings(settings.config, endpoint_url=url)
    assert (private.endpoint_of("sts"), private.endpoint_of("s3")) == (None, url)
    assert private.has_sts


# No answer


def test_nobody_there_and_a_name_that_nobody_knows(open_aws: Open) -> None:
    session = open_aws(endpoint_url=f"http://127.0.0.1:{unused_port()}")
    assert refused(lambda: test_of(session)).code == "aws:unreachable"
    session = open_aws(endpoint_url="http://no-such-host.invalid")
    assert refused(lambda: test_of(session)).code == "aws:name-unknown"


def test_a_server_that_never_answers_or_drops_the_call(open_aws: Open, sts: HttpServer) -> None:
    with SilentServer() as silent:
        session = open_aws(endpoint_url=silent.url, longest=0.2)
        assert refused(lambda: test_of(session)).code == "aws:timeout"
    sts.on("/", Reply.drop())
    session = open_aws(endpoint_url=sts.url)
    assert refused(lambda: test_of(session)).code == "aws:dropped"
    assert len(sts.calls) == 3


def test_a_certificate_that_nobody_signed_is_not_trusted(open_aws: Open) -> None:
    with SelfSignedServer() as secured:
        session = open_aws(endpoint_url=secured.url, longest=5.0)
        assert refused(lambda: test_of(session)).code == "aws:tls"


@pytest.mark.parametrize(
    ("reply", "code", "kind"),
    [
        (Reply(503, "<Error><Code>SlowDown</Code></Error>"), "aws:rate-limited", "transient"),
        (Reply(500, ""), "aws:unavailable", "transient"),
        (Reply(429, ""), "aws:rate-limited", "transient"),
    ],
)
def test_faults_of_the_service_are_transient(
    open_aws: Open, sts: HttpServer, reply: Reply, code: str, kind: str
) -> None:
    sts.on("/", reply)
    session = open_aws(endpoint_url=sts.url, longest=5.0)
    failure = refused(lambda: test_of(session))
    assert (failure.code, CATALOGUE[failure.code].type) == (code, kind)


def test_credentials_that_may_not_list_buckets_are_accepted(
    open_aws: Open, sts: HttpServer
) -> None:
    sts.on("/", Reply(403, "<Error><Code>AccessDenied</Code></Error>"))
    assert "may not list" in test_of(open_aws(endpoint_url=sts.url))


def test_a_page_of_something_else_is_no_answer(open_aws: Open, sts: HttpServer) -> None:
    sts.on("/", Reply(200, "hello"))
    session = open_aws(**with_sts(sts.url))
    assert refused(lambda: test_of(session)).code == "aws:bad-answer"
