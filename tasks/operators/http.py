"""HttpOperator and HttpSensor: one call of a service that speaks HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from connections.exceptions import Failure
from tasks.operators.base import (
    Argument,
    ArgumentError,
    Context,
    Operator,
    Sensor,
    TaskResult,
    Work,
)

HOOK = "airflow.providers.http"
#: Characters of an answer that go into the log.
LOGGED = 10_000
#: What of ``requests.Request`` a task may set beside data and headers.
REQUEST_KWARGS = ("json", "params")
EXTRA_OPTIONS = (
    *("timeout", "verify", "verify_ssl", "cert", "proxies", "proxy", "stream", "trust_env"),
    *("allow_redirects", "max_redirects", "check_response"),
)
NO_CALLABLE = "Put it into a @task that takes this task's result."

_CALL = (
    Argument("headers", kind="json", templated=True, help="Added to those of the connection."),
    Argument(
        "extra_options",
        kind="json",
        help="For this call, as on the connection: timeout, verify, check_response …",
    ),
    Argument("request_kwargs", kind="json", help='{"json": …} sends data as JSON.'),
    Argument("http_conn_id", default="http_default", templated=True),
    Argument("tcp_keep_alive", kind="boolean", default=True, help="Means nothing here."),
    Argument("tcp_keep_alive_idle", kind="integer", default=120, help="Means nothing here."),
    Argument("tcp_keep_alive_count", kind="integer", default=20, help="Means nothing here."),
    Argument("tcp_keep_alive_interval", kind="integer", default=30, help="Means nothing here."),
    Argument("response_check", kind="any", supported=False, help=NO_CALLABLE),
)


CALLS_HTTP = Work("Task calls HTTP service", "Session used to send request", "Answer received")


class HttpOperator(Operator):
    """Call an endpoint; the text of its answer is the result.

    Follows the operator of the same name in Airflow's HTTP provider.
    """

    name: ClassVar[str] = "HttpOperator"
    import_paths: ClassVar[tuple[str, ...]] = (f"{HOOK}.operators.http",)
    category: ClassVar[str] = "HTTP"
    work: ClassVar[Work] = CALLS_HTTP
    summary: ClassVar[str] = "Calls an endpoint of a service"
    connection_argument: ClassVar[str] = "http_conn_id"
    default_conn_id: ClassVar[str] = "http_default"
    connection_types: ClassVar[tuple[str, ...]] = ("http",)
    cancels: ClassVar[str] = (
        "The connection is closed. The service may go on with what it was asked."
    )
    result_name: ClassVar[str] = "The text of the answer"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("endpoint", templated=True, help="Comes after the connection's host."),
        Argument("method", default="POST", help="GET, POST, PUT, PATCH, DELETE or HEAD."),
        Argument(
            "data",
            kind="any",
            templated=True,
            help="Parameters of a GET; else a form as a dict, or the body as a text.",
        ),
        *_CALL,
        Argument("log_response", kind="boolean", default=False, label="Log the answer"),
        Argument("response_filter", kind="any", supported=False, help=NO_CALLABLE),
        Argument(
            "pagination_function",
            kind="any",
            supported=False,
            help="Call the service from a @task to read page after page.",
        ),
        Argument(
            "auth_type",
            kind="any",
            supported=False,
            help="Set login and password, or the Authorization header, on the connection.",
        ),
        Argument("retry_args", kind="any", supported=False, help="Set the task's retries."),
        Argument("deferrable", kind="boolean", default=False, help="Means nothing here."),
        Argument("warn_on_non_idempotent", kind="boolean", default=True, help="Means nothing."),
    )

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        _check_call(cls.name, arguments)
        data = arguments.get("data")
        if data is not None and not isinstance(data, dict | str):
            raise ArgumentError(
                f"{cls.name}: data must be a dict or a text, not {type(data).__name__}."
            )

    def execute(self, session: Any, context: Context) -> TaskResult:
        values = self.values
        answer = _call(values, session, context, data=values["data"])
        if values["log_response"]:
            from connections.hooks.shortening import shortened

            context.log(shortened(answer.text, LOGGED))
        return _result(answer)


class SimpleHttpOperator(HttpOperator):
    """What HttpOperator was called before version 5 of the provider."""

    name: ClassVar[str] = "SimpleHttpOperator"
    summary: ClassVar[str] = "HttpOperator, by its old name"


class HttpSensor(Sensor):
    """Call an endpoint until it answers well; 404 means that it is still to come.

    Follows the sensor of the same name in Airflow's HTTP provider: any other
    refusal fails the task.
    """

    name: ClassVar[str] = "HttpSensor"
    import_paths: ClassVar[tuple[str, ...]] = (f"{HOOK}.sensors.http",)
    work: ClassVar[Work] = CALLS_HTTP
    summary: ClassVar[str] = "Waits until an endpoint answers well"
    connection_argument: ClassVar[str] = "http_conn_id"
    default_conn_id: ClassVar[str] = "http_default"
    connection_types: ClassVar[tuple[str, ...]] = ("http",)
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("endpoint", required=True, templated=True),
        Argument("method", default="GET"),
        Argument("request_params", kind="json", templated=True, label="Parameters"),
        Argument(
            "response_error_codes_allowlist",
            kind="texts",
            help="Statuses that mean “not yet”; 404 if empty.",
            label="Not yet",
        ),
        *_CALL,
        *Sensor.common,
    )

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        _check_call(cls.name, arguments)

    def execute(self, session: Any, context: Context) -> TaskResult | None:
        listed = self.values["response_error_codes_allowlist"]
        not_yet = ("404",) if listed is None else tuple(listed)
        try:
            answer = _call(self.values, session, context, data=self.values["request_params"])
        except Failure as failure:
            if str(failure.facts.get("status", "")).startswith(not_yet):
                return None
            raise
        return TaskResult(f"{answer.what} answered {answer.status}", {"status": answer.status})


def _check_call(name: str, arguments: Mapping[str, Any]) -> None:
    method = arguments.get("method")
    if method is not None and not re.fullmatch("[A-Za-z]+", method):
        raise ArgumentError(f"{name}: method must be one of HTTP, such as GET, not {method!r}.")
    known = {"extra_options": EXTRA_OPTIONS, "request_kwargs": REQUEST_KWARGS}
    for argument, names in known.items():
        for key in arguments.get(argument) or {}:
            if key not in names:
                raise ArgumentError(f"{name}: {argument} may hold {', '.join(names)}, not {key!r}.")


def _call(values: Mapping[str, Any], session: Any, context: Context, *, data: Any) -> Any:
    """Make the call; a cancel ends it at once. Parameters of a GET are its data."""
    method = values["method"].upper()
    content = dict(values["request_kwargs"] or {})
    if isinstance(data, str) and method != "GET":
        data = data.encode()
    if data and method != "HEAD":
        content["params" if method == "GET" else "data"] = data
    options = session.options.with_extra(values["extra_options"] or {})
    with context.stopped_by(session.stop):
        return session.request(
            method,
            values["endpoint"],
            headers=values["headers"],
            options=options,
            check=context.check,
            **content,
        )


def _result(answer: Any) -> TaskResult:
    return TaskResult(
        f"{answer.status} {answer.reason}: {answer.what}, {answer.size:,} bytes",
        {"status": answer.status, "bytes": answer.size},
        value=answer.text,
    )


OPERATORS_HERE = (HttpOperator, SimpleHttpOperator, HttpSensor)
