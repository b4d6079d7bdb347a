"""Connections that the code of a task asks for: by hooks, sessions and by themselves."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from connections.exceptions import Failure
from connections.types.base import LoadedConnection
from tests.fakes.google import FakeGoogle
from tests.fakes.http_server import HttpServer, Reply
from tests.tasks.python_context import PythonContext, dag_file, run_code

HOOKS = """
from airflow.providers.sqlite.hooks.sqlite import SqliteHook
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.providers.http.hooks.http import HttpHook
from airflow.providers.google.cloud.hooks.bigquery import BigQueryHook
from airflow.sdk import Connection
from patchbay import get_hook
"""


def context_of(body: str, *connections: LoadedConnection, head: str = HOOKS) -> PythonContext:
    context = PythonContext(dag_file(body, head=head))
    context.connections = {each.conn_id: each for each in connections}
    return context


@pytest.fixture
def lite(tmp_path: Path) -> LoadedConnection:
    path = tmp_path / "lite.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE sales (country TEXT, amount INTEGER)")
    connection.commit()
    connection.close()
    return LoadedConnection("lite", "sqlite", host=str(path))


WAREHOUSE = LoadedConnection(
    "warehouse",
    "postgres",
    host="db.example.com",
    login="etl",
    password="a-secret-word",
    port=5432,
    extra={"sslmode": "require"},
)


def test_code_gets_a_connection_with_its_secrets_and_no_session_is_opened() -> None:
    body = """
    one = BaseHook.get_connection("warehouse")
    two = Connection.get("warehouse")
    print(one)
    return [one.host, one.login, len(one.password), one.port, one.schema,
            one.extra_dejson, two.get_password() == one.password, two.conn_type]
    """
    context = context_of(body, WAREHOUSE)
    expected = ["db.example.com", "etl", 13, 5432, None, {"sslmode": "require"}, True, "postgres"]
    assert run_code(context).value == expected
    assert context.texts[0] == "<Connection warehouse, postgres>"
    assert context.events == ["asked for warehouse"]


def test_a_connection_that_is_not_there_fails_with_its_own_code() -> None:
    context = context_of("return BaseHook.get_connection('nowhere').host")
    with pytest.raises(Failure) as failed:
        run_code(context)
    assert failed.value.code == "connection:not-found"
    assert failed.value.facts["conn_id"] == "nowhere"


def test_code_can_go_on_without_a_connection_that_is_not_there() -> None:
    body = """
    from airflow.exceptions import AirflowNotFoundException
    try:
        BaseHook.get_connection("nowhere")
    except AirflowNotFoundException as error:
        return str(error)
    """
    assert "nowhere" in run_code(context_of(body)).value


@pytest.mark.parametrize(
    "hook", ["SqliteHook(sqlite_conn_id='lite')", "BaseHook.get_hook('lite')", "get_hook('lite')"]
)
def test_a_hook_opens_a_session_and_it_is_closed_at_the_end(
    hook: str, lite: LoadedConnection
) -> None:
    body = f"""
    hook = {hook}
    hook.run("INSERT INTO sales VALUES (?, ?)", parameters=("SE", 5))
    hook.insert_rows("sales", [("NO", 6), ("DK", 7)], target_fields=["country", "amount"])
    assert hook.get_conn() is hook.get_conn()
    return [hook.get_first("SELECT sum(amount) FROM sales"),
            hook.get_records("SELECT country FROM sales ORDER BY 1")]
    """
    context = context_of(body, lite)
    assert run_code(context).value == [[18], [["DK"], ["NO"], ["SE"]]]
    assert context.events == ["asked for lite", f"opened as {lite.host}", "closed"]


def test_statements_of_one_run_are_one_transaction(lite: LoadedConnection) -> None:
    body = """
    hook = SqliteHook("lite")
    try:
        hook.run(["INSERT INTO sales VALUES ('SE', 1)", "INSERT INTO nothing VALUES (1)"])
    except Exception as error:
        print(type(error).__name__)
    return hook.get_records("SELECT * FROM sales")
    """
    context = context_of(body, lite)
    assert run_code(context).value == []
    assert context.texts[0] == "OperationalError"


def test_a_session_is_closed_when_the_code_fails_too(lite: LoadedConnection) -> None:
    context = context_of("get_hook('lite').get_conn()\nraise ValueError('x')", lite)
    with pytest.raises(Failure):
        run_code(context)
    assert context.events[-1] == "closed"


def test_a_session_of_a_process_that_died_counts_as_not_closed(lite: LoadedConnection) -> None:
    context = context_of("get_hook('lite').get_conn()\nos._exit(1)", lite)
    with pytest.raises(Failure):
        run_code(context)
    assert context.events[-1] == "closed the process ended before it closed its session"


def test_a_session_that_does_not_close_tells_why_and_the_result_stands(
    lite: LoadedConnection,
) -> None:
    body = """
    hook = get_hook("lite")
    def close(): raise OSError("broken")
    hook.session.close = close
    return "done"
    """
    context = context_of(body, lite)
    assert run_code(context).value == "done"
    assert context.events[-1] == "closed lite: OSError: broken"


def test_a_session_that_cannot_be_opened_fails_with_its_own_code(tmp_path: Path) -> None:
    gone = LoadedConnection("lite", "sqlite", host=str(tmp_path / "gone.sqlite3"))
    context = context_of("get_hook('lite').get_conn()", gone)
    with pytest.raises(Failure) as failed:
        run_code(context)
    assert failed.value.code == "sql:file-missing"
    assert context.events == ["asked for lite"]


def test_a_hook_refuses_a_connection_of_another_type(lite: LoadedConnection) -> None:
    context = context_of("PostgresHook('lite').get_conn()", lite)
    with pytest.raises(Failure) as failed:
        run_code(context)
    assert failed.value.code == "task:python-failed"
    assert "PostgresHook can't use lite" in failed.value.facts["reason"]
    assert "opened" not in "".join(context.events)


def test_a_type_without_a_hook_fails_and_its_connection_can_still_be_taken() -> None:
    strange = LoadedConnection("strange", "made_up", host="h")
    context = context_of("get_hook('strange').get_conn()", strange)
    with pytest.raises(Failure) as failed:
        run_code(context)
    assert failed.value.code == "task:python-no-hook"
    assert run_code(context_of("return get_hook('strange').conn_id", strange)).value == "strange"


def test_an_http_service_is_called_and_the_sessions_secrets_are_masked_first() -> None:
    body = """
    print("asked")
    answer = HttpHook("GET", http_conn_id="api").run("v1/rows", data={"day": 3})
    return [answer.status_code, answer.ok, answer.json(), answer.headers["Content-Type"]]
    """
    with HttpServer() as server:
        server.on("/v1/rows", Reply.of_json({"rows": 3}))
        api = LoadedConnection("api", "http", host=server.url, login="u", password="pass-word")
        context = context_of(body, api)
        assert run_code(context).value == [200, True, {"rows": 3}, "application/json"]
        assert [call.query for call in server.calls] == [{"day": "3"}]
    assert context.masked == {"dTpwYXNzLXdvcmQ="}
    assert context.events == ["asked for api", "opened as u", "closed"]


def test_a_service_that_refuses_fails_with_its_own_code() -> None:
    with HttpServer() as server:
        server.on("/gone", Reply(404, "no such thing"))
        api = LoadedConnection("api", "http", host=server.url)
        context = context_of("HttpHook('GET', 'api').run('gone')", api)
        with pytest.raises(Failure) as failed:
            run_code(context)
    assert failed.value.code == "http:not-found"


def test_bigquery_answers_by_googles_own_client(google: FakeGoogle, key: dict[str, Any]) -> None:
    gcp = LoadedConnection(
        "gcp", "google_cloud_platform", extra={"keyfile_dict": key, "api_endpoint": google.url}
    )
    body = """
    client = BigQueryHook(gcp_conn_id="gcp").get_client()
    job = client.query("SELECT 1")
    job.result()
    return [client.project, job.state]
    """
    context = context_of(body, gcp)
    assert run_code(context).value == ["acme-reports", "DONE"]
    assert context.events[1] == f"opened as {key['client_email']}"
    assert any(token.startswith("ya29.") or len(token) > 8 for token in context.masked)


def test_a_connection_cannot_be_used_while_the_file_is_loaded() -> None:
    context = context_of("return 1", WAREHOUSE, head="\nBaseHook.get_connection('warehouse')\n")
    with pytest.raises(Failure) as failed:
        run_code(context)
    assert failed.value.code == "task:python-not-loaded"
    assert context.events == []
