"""HttpOperator and HttpSensor against a server on this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connections.exceptions import Failure
from connections.hooks import hook_for
from connections.types.base import LoadedConnection
from tasks.operators.base import ArgumentError, Operator, TaskResult
from tasks.operators.http import HttpOperator, HttpSensor, SimpleHttpOperator
from tests.fakes.http_server import HttpServer, Reply
from tests.tasks.handmade_context import HandmadeContext, Stopped

Run = Callable[..., TaskResult | None]


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer() as server:
        yield server


@pytest.fixture
def run(server: HttpServer) -> Iterator[Run]:
    opened: list[tuple[Any, Any]] = []

    def run_operator(
        operator: type[Operator] = HttpOperator,
        *,
        context: HandmadeContext | None = None,
        **arguments: Any,
    ) -> TaskResult | None:
        operator.check(arguments)
        connection = LoadedConnection(
            "api", "http", host=server.url, login="ann", password="tulip", extra={"X-Team": "sales"}
        )
        hook = hook_for(connection)
        session = hook.open()
        opened.append((hook, session))
        return operator(arguments).execute(session, context or HandmadeContext())

    yield run_operator
    for hook, session in opened:
        hook.close(session)


def test_the_text_of_the_answer_is_the_result(run: Run, server: HttpServer) -> None:
    server.on("/v1/rows", Reply.of_json({"rows": 3}))
    result = run(endpoint="v1/rows", method="GET", data={"day": "2026-01-01"})
    assert result is not None
    assert result.value == '{"rows": 3}'
    assert result.summary == "200 OK: GET /v1/rows, 11 bytes"
    assert result.facts == {"status": 200, "bytes": 11}
    assert server.calls[0].query == {"day": "2026-01-01"}
    assert server.calls[0].headers["x-team"] == "sales"


@pytest.mark.parametrize(
    ("arguments", "body", "content_type"),
    [
        ({"data": {"a": "1"}}, b"a=1", "application/x-www-form-urlencoded"),
        ({"data": "räw"}, "räw".encode(), None),
        ({"request_kwargs": {"json": {"a": 1}}}, b'{"a": 1}', "application/json"),
        (
            {"data": '{"a": 1}', "headers": {"Content-Type": "application/json"}},
            b'{"a": 1}',
            "application/json",
        ),
        ({}, b"", None),
    ],
)
def test_data_is_sent_as_airflow_sends_it(
    run: Run, server: HttpServer, arguments: dict[str, Any], body: bytes, content_type: str | None
) -> None:
    server.on("/v1", Reply(201, "made"))
    run(endpoint="v1", **arguments)
    call = server.calls[0]
    assert (call.method, call.body, call.headers.get("content-type")) == (
        "POST",
        body,
        content_type,
    )


def test_a_head_sends_no_data(run: Run, server: HttpServer) -> None:
    server.on("/v1", Reply(200, "there"))
    result = run(endpoint="v1", method="head", data={"a": "1"})
    assert result is not None
    assert result.value == ""
    assert (server.calls[0].method, server.calls[0].query) == ("HEAD", {})


def test_the_answer_goes_into_the_log_where_that_is_asked_for(run: Run, server: HttpServer) -> None:
    server.on("/v1", Reply(200, "x" * 20_000))
    context = HandmadeContext()
    run(endpoint="v1", context=context)
    assert context.logs == []
    run(endpoint="v1", log_response=True, context=context)
    (line,) = context.logs
    assert 5_000 < len(line) <= 10_001
    assert line.endswith("x…")


def test_a_refusal_fails_the_task_with_the_words_of_the_service(
    run: Run, server: HttpServer
) -> None:
    server.on("/v1", Reply(422, "day is missing"))
    with pytest.raises(Failure) as caught:
        run(endpoint="v1")
    assert (caught.value.code, caught.value.vendor_message) == ("http:refused", "day is missing")
    assert len(server.calls) == 1


def test_nothing_is_sent_twice_inside_a_try(run: Run, server: HttpServer) -> None:
    server.on("/v1", Reply(503, "", {"Retry-After": "9"}), Reply(200, "well"))
    with pytest.raises(Failure) as caught:
        run(endpoint="v1")
    assert (caught.value.code, caught.value.retry_after) == ("http:unavailable", 9)
    assert len(server.calls) == 1


def test_the_check_of_the_status_can_be_switched_off_for_a_call(
    run: Run, server: HttpServer
) -> None:
    server.on("/v1", Reply(404, "none"))
    result = run(endpoint="v1", extra_options={"check_response": False})
    assert result is not None
    assert (result.value, result.facts["status"]) == ("none", 404)


def test_a_cancel_ends_a_call_that_hangs(run: Run, server: HttpServer) -> None:
    server.on("/v1", Reply(hangs=True))
    context = HandmadeContext()

    def cancel() -> None:
        server.hanging.wait(30)
        context.stop()

    stopper = threading.Thread(target=cancel)
    stopper.start()
    with pytest.raises(Stopped):
        run(endpoint="v1", context=context)
    stopper.join()
    assert len(server.calls) == 1


def test_the_old_name_does_the_same(run: Run, server: HttpServer) -> None:
    server.on("/v1", Reply(200, "well"))
    result = run(SimpleHttpOperator, endpoint="v1")
    assert result is not None
    assert result.value == "well"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"response_check": "f"}, "Put it into a @task that takes this task's result"),
        ({"response_filter": "f"}, "Put it into a @task that takes this task's result"),
        ({"pagination_function": "f"}, "Call the service from a @task"),
        ({"auth_type": "f"}, "on the connection"),
        ({"retry_args": {}}, "Set the task's retries"),
        ({"method": "GET /"}, "method must be one of HTTP"),
        ({"data": [1]}, "data must be a dict or a text, not list"),
        ({"extra_options": {"tiemout": 5}}, "extra_options may hold timeout"),
        ({"request_kwargs": {"files": {}}}, "request_kwargs may hold json, params"),
    ],
)
def test_what_cant_be_done_is_told_when_the_dag_is_read(
    arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(ArgumentError, match=words):
        HttpOperator.check({"endpoint": "v1", **arguments})


def test_an_option_that_cant_be_fails_before_anything_is_sent(run: Run, server: HttpServer) -> None:
    with pytest.raises(Failure) as caught:
        run(endpoint="v1", extra_options={"timeout": "soon"})
    assert caught.value.code == "http:option-invalid"
    assert server.calls == []


def test_a_sensor_waits_while_there_is_nothing(run: Run, server: HttpServer) -> None:
    server.on("/done", Reply(404), Reply(200, "yes"))
    look = {"endpoint": "done", "request_params": {"day": "1"}}
    assert run(HttpSensor, **look) is None
    result = run(HttpSensor, **look)
    assert result is not None
    assert result.summary == "GET /done answered 200"
    assert [(call.method, call.query) for call in server.calls] == [("GET", {"day": "1"})] * 2


def test_a_sensor_fails_for_another_refusal_unless_it_is_listed(
    run: Run, server: HttpServer
) -> None:
    server.on("/done", Reply(403))
    with pytest.raises(Failure) as caught:
        run(HttpSensor, endpoint="done")
    assert caught.value.code == "http:forbidden"
    assert run(HttpSensor, endpoint="done", response_error_codes_allowlist=["404", "403"]) is None
    server.on("/done", Reply(404))
    with pytest.raises(Failure):
        run(HttpSensor, endpoint="done", response_error_codes_allowlist=[])


def test_a_sensor_cant_call_a_function_of_the_dag_file() -> None:
    with pytest.raises(ArgumentError, match="response_check"):
        HttpSensor.check({"endpoint": "done", "response_check": "f"})
