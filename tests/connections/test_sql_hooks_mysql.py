"""Sessions with MySQL: with a fake, and with a real MariaDB where the machine has one."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connections.exceptions import Failure, SessionFailure
from connections.hooks import hook_for
from connections.hooks.mysql import MysqlHook, MysqlSession
from connections.hooks.sql import FIRST, Keep
from connections.types.base import LoadedConnection
from tests.fakes.mariadb import SERVER, MariaDB
from tests.fakes.mysql import VERSION, FakeMysql
from tests.fakes.postgres_door import ClosedDoor
from tests.sql_words import assert_words

ALL = Keep(rows=1000, size=1_000_000, is_limit=True)
Server = FakeMysql | MariaDB


NONE = pytest.mark.skipif(not SERVER, reason="no mariadbd, of Debian's mariadb-server-core")


@pytest.fixture(scope="module", params=["fake", pytest.param("mariadb", marks=NONE)])
def server(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if request.param == "mariadb":
        with MariaDB(tmp_path_factory.mktemp("mariadb")) as real:
            yield real
    else:
        with FakeMysql() as fake:
            yield fake


@pytest.fixture
def fake() -> Iterator[FakeMysql]:
    with FakeMysql() as made:
        yield made


def connection(server: Server, **changes: Any) -> LoadedConnection:
    fields = {
        "host": server.host,
        "port": server.port,
        "login": server.user,
        "password": server.password,
        "schema": server.database,
    }
    return LoadedConnection("c", "mysql", **{**fields, **changes})


@pytest.fixture
def session(server: Server) -> Iterator[MysqlSession]:
    hook = hook_for(connection(server))
    opened = hook.open()
    yield opened
    hook.close(opened)


@pytest.fixture
def faked(fake: FakeMysql) -> Iterator[MysqlSession]:
    hook = hook_for(connection(fake))
    opened = hook.open()
    yield opened
    hook.close(opened)


def refused(loaded: LoadedConnection) -> SessionFailure:
    with pytest.raises(SessionFailure) as caught:
        hook_for(loaded).open()
    assert_words(caught.value)
    return caught.value


def meaning(session: MysqlSession, sql: str) -> SessionFailure:
    with pytest.raises(pymysql.Error) as caught:
        session.run(sql)
    failure = session.failure_of(caught.value)
    assert failure is not None
    assert_words(failure)
    return failure


# Opening


def test_a_session_says_as_whom_where_and_in_which_database(
    server: Server, session: MysqlSession
) -> None:
    assert session.identity == f"reports@127.0.0.1:{server.port}/shop"
    assert session.secrets == set()


def test_a_sample_call_tells_the_version(fake: FakeMysql, faked: MysqlSession) -> None:
    assert MysqlHook(connection(fake)).sample_call(faked) == f"MySQL {VERSION} answers."


def test_a_wrong_password_and_a_missing_database_are_told(server: Server) -> None:
    assert refused(connection(server, password="wrong")).code == "sql:login-refused"
    failure = refused(connection(server, schema="nowhere"))
    # MariaDB tells nobody which databases there are that he may not use.
    assert failure.code in ("sql:no-database", "sql:permission-denied")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"port": 1}, "sql:unreachable"),
        ({"host": "nowhere.invalid"}, "sql:name-unknown"),
        ({"extra": {"unix_socket": "/nowhere.sock"}}, "sql:unreachable"),
        ({"extra": {"charset": "tulip"}}, "sql:bad-option"),
        ({"extra": {"connect_timeout": "soon"}}, "sql:bad-option"),
        ({"extra": {"ssl": "[]"}}, "sql:bad-option"),
        ({"extra": {"ssl": {"ca": "/nowhere.pem"}}}, "sql:tls"),
        ({"extra": {"ssl": {"cert": "/nowhere.pem"}}}, "sql:tls"),
        ({"extra": {"ssl_mode": "required"}}, "sql:tls"),
        ({"extra": {"iam": "true"}}, "sql:unsupported"),
    ],
)
def test_what_keeps_a_session_from_opening_is_told(
    fake: FakeMysql, changes: dict[str, Any], code: str
) -> None:
    assert refused(connection(fake, **changes)).code == code
    assert not fake.queries


@pytest.mark.parametrize("charset", ["utf8", "utf-8", "latin1"])
def test_the_character_set_is_the_connections(fake: FakeMysql, charset: str) -> None:
    opened = hook_for(connection(fake, extra={"charset": charset})).open()
    assert fake.queries[0] == f"SET NAMES {'latin1' if charset == 'latin1' else 'utf8mb4'}"
    opened.close()


def test_a_server_that_says_nothing_is_given_up_in_time(fake: FakeMysql) -> None:
    fake.is_silent = True
    failure = refused(connection(fake, extra={"connect_timeout": 0.2}))
    assert failure.code == "sql:unreachable"
    hook = hook_for(connection(fake, extra={"connect_timeout": 3600}))
    hook.longest_call = 0.2
    with pytest.raises(SessionFailure):
        hook.open()


def test_another_service_at_the_port_is_told(fake: FakeMysql) -> None:
    with ClosedDoor(raw=b"HTTP/1.1 400 Bad Request\r\n\r\n") as other:
        extra = {"connect_timeout": 0.5}
        assert refused(connection(fake, port=other.port, extra=extra)).code in (
            "sql:unreachable",
            "sql:bad-answer",
        )


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for 127.0.0.1, with its key, that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tulip")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[FakeMysql]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with FakeMysql(tls=context) as made:
        yield made


@pytest.mark.parametrize(
    ("mode", "with_authority", "is_secure"),
    [
        ("", False, True),
        ("PREFERRED", False, True),
        ("DISABLED", False, False),
        ("REQUIRED", False, True),
        ("VERIFY_CA", True, True),
        ("verify_identity", True, True),
        ("", True, True),
    ],
)
def test_tls_is_as_the_mode_says(
    secure: FakeMysql, certificate: Path, mode: str, with_authority: bool, is_secure: bool
) -> None:
    extra: dict[str, Any] = {"ssl_mode": mode}
    if with_authority:
        extra["ssl"] = f'{{"ca": "{certificate}"}}'
    opened = hook_for(connection(secure, extra=extra)).open()
    assert isinstance(opened.connection._sock, ssl.SSLSocket) == is_secure
    opened.close()


@pytest.mark.parametrize("mode", ["VERIFY_CA", "VERIFY_IDENTITY"])
def test_a_certificate_that_nobody_vouches_for_is_refused(secure: FakeMysql, mode: str) -> None:
    failure = refused(connection(secure, extra={"ssl_mode": mode}))
    assert failure.code == "sql:tls"
    assert "self-signed" in failure.facts["reason"]
    assert not secure.queries


# Statements


def test_rows_come_with_their_columns_and_changes_with_their_count(
    session: MysqlSession,
) -> None:
    session.run("DROP TABLE IF EXISTS tulip")
    session.run("CREATE TABLE tulip (id int, name varchar(20))")
    session.commit()
    session.begin(autocommit=False)
    assert session.run("INSERT INTO tulip VALUES (1, 'red'), (2, NULL)")[0].changed == 2
    [answer] = session.run("SELECT * FROM tulip ORDER BY id", keep=ALL)
    assert (answer.columns, answer.rows) == (("id", "name"), ((1, "red"), (2, None)))
    assert (answer.count, answer.changed) == (2, None)
    session.rollback()
    assert session.run("SELECT count(*) FROM tulip", keep=FIRST)[0].rows == ((0,),)
    session.begin(autocommit=True)
    session.run("INSERT INTO tulip VALUES (3, 'blue')")
    session.rollback()
    assert session.run("SELECT count(*) FROM tulip", keep=FIRST)[0].rows == ((1,),)


def test_a_text_of_several_statements_answers_for_each(session: MysqlSession) -> None:
    answers = session.run("SELECT 1; SET @a = 1; SELECT 2 AS two WHERE 1 = 0", keep=ALL)
    assert [answer.rows for answer in answers] == [((1,),), (), ()]
    assert answers[2].columns == ("two",)


def test_parameters_fill_their_places_and_a_percent_sign_needs_none(
    session: MysqlSession,
) -> None:
    assert session.run("SELECT %s + %s", [1, 2], keep=ALL)[0].rows == ((3,),)
    assert session.run("SELECT %(name)s", {"name": "it's"}, keep=ALL)[0].rows == (("it's",),)
    assert session.run("SELECT 'a' LIKE '%a%'", keep=ALL)[0].rows == ((1,),)


@pytest.mark.parametrize("parameters", [[1], {"b": 1}, [1, 2, 3]])
def test_parameters_that_do_not_fit_are_told(session: MysqlSession, parameters: Any) -> None:
    sql = "SELECT %(a)s" if isinstance(parameters, dict) else "SELECT %s, %s"
    with pytest.raises(SessionFailure) as caught:
        session.run(sql, parameters)
    assert_words(caught.value)
    assert caught.value.code == "sql:parameters"
    assert session.run("SELECT 1", keep=FIRST)[0].rows == ((1,),)


def test_a_result_over_the_limit_fails_and_a_large_one_can_be_counted(server: Server) -> None:
    sql = "WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n WHERE a < 900) "
    sql += "SELECT a FROM n"
    session = hook_for(connection(server)).open()
    assert session.run(sql)[0].count == 900
    with pytest.raises(Failure) as caught:
        session.run(sql, keep=Keep(rows=100, size=1000, is_limit=True))
    assert_words(caught.value)
    assert caught.value.facts["limit"] == "100 rows"
    session.rollback()
    session.close()


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELEC 1", "sql:syntax"),
        ("SELECT * FROM nowhere", "sql:not-found"),
        ("SELECT scent", "sql:not-found"),
        ("CREATE TABLE u (a int UNIQUE); INSERT INTO u VALUES (1), (1)", "sql:constraint"),
        ("CREATE TABLE v (a int); CREATE TABLE v (a int)", "sql:already-there"),
    ],
)
def test_what_an_error_means_is_told(session: MysqlSession, sql: str, code: str) -> None:
    assert meaning(session, sql).code == code


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (1040, "sql:busy"),
        (1044, "sql:permission-denied"),
        (1142, "sql:permission-denied"),
        (1205, "sql:locked"),
        (1213, "sql:deadlock"),
        (1290, "sql:read-only"),
        (1317, "sql:stopped"),
        (1406, "sql:bad-value"),
        (1021, "sql:no-room"),
        (3024, "sql:timeout"),
        (1105, "sql:failed"),
    ],
)
def test_what_a_number_means_is_told(faked: MysqlSession, number: int, code: str) -> None:
    assert meaning(faked, f"SELECT FAIL({number})").code == code
    assert faked.run("SELECT 1", keep=FIRST)[0].rows == ((1,),)


def test_a_line_that_ends_is_told_and_can_be_closed(faked: MysqlSession) -> None:
    assert meaning(faked, "SELECT CUT()").code == "sql:dropped"
    faked.rollback()
    faked.cancel()


def test_a_session_goes_on_in_another_database(session: MysqlSession) -> None:
    session.use("archive")
    assert session.identity.endswith("/archive")
    with pytest.raises(SessionFailure) as caught:
        session.use("nowhere")
    assert caught.value.code in ("sql:no-database", "sql:permission-denied")
    assert session.identity.endswith("/archive")


# Stopping


def test_another_thread_stops_a_statement_and_the_session_lives_on(
    server: Server, session: MysqlSession
) -> None:
    timer = threading.Timer(0.2, session.cancel)
    timer.start()
    # Only what reads a table for long is said to be interrupted by both servers.
    sql = "SELECT sleep(60) FROM information_schema.tables"
    sql = sql if isinstance(server, MariaDB) else "SELECT sleep(60)"
    assert meaning(session, sql).code == "sql:stopped"
    timer.join()
    assert session.run("SELECT 1", keep=FIRST)[0].rows == ((1,),)


def test_a_line_that_is_cut_lets_the_statement_come_back(session: MysqlSession) -> None:
    threading.Timer(0.2, session.abort).start()
    assert meaning(session, "SELECT sleep(60)").code == "sql:dropped"


def test_a_server_that_cannot_be_asked_to_stop_is_left(fake: FakeMysql) -> None:
    session = hook_for(connection(fake, extra={"connect_timeout": 0.3})).open()
    fake.is_silent = True
    threading.Timer(0.1, session.cancel).start()
    assert meaning(session, "SELECT sleep(60)").code == "sql:dropped"
    session.close()


# For tasks that use the connection by themselves


def test_the_connection_is_one_of_the_db_api(session: MysqlSession) -> None:
    with session.connection.cursor() as cursor:
        cursor.execute("SELECT %s", ("red",))
        assert cursor.fetchall() == (("red",),)
