"""What a refused call is answered: Airflow's shapes, without a secret in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.defaults import server_error as page_of_server_error
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError, ValidationErrorContext
from ninja.operation import Operation

from access.sign_in import Throttled
from connections.diagnosis import explain
from connections.exceptions import InvalidConnection, SecretsUnreadable
from connections.masking import MASK
from patchbay.api.bodies import BadBody
from patchbay.api.parameters import describe
from tasks.exceptions import ActRefused

#: What is repeated in an error. All else that was sent may be a secret, whatever it is called.
PLAIN = frozenset(
    (
        *("connection_id", "conn_type", "description", "host", "schema", "team_name"),
        *("action", "action_on_existence", "action_on_non_existence"),
        *("update_mask", "limit", "offset", "order_by", "name", "scopes", "expires_at"),
        *("file_format", "serialization", "existing", "skip_bad", "dry_run", "redact"),
        *("connection_ids", "commit_on_success", "executor", "queue"),
        *("dag_id", "dag_ids", "dag_run_id", "dag_run_ids", "task_id", "task_ids", "map_index"),
        *("try_number", "task_try_number", "version_number", "import_error_id"),
        *("is_paused", "paused", "tags_match_mode", "exclude_stale", "has_import_errors"),
        *("state", "states", "new_state", "dag_run_state", "last_dag_run_state", "run_type"),
        *("data_interval_start", "data_interval_end", "page_limit", "page_offset"),
        *("only_failed", "only_new", "only_running", "reset_dag_runs", "run_on_latest_version"),
        *(f"include_{which}" for which in ("upstream", "downstream", "future", "past")),
        *(
            f"{what}{bound}"
            for what in ("logical_date", "run_after", "start_date", "end_date", "duration")
            for bound in ("", "_gte", "_gt", "_lte", "_lt")
        ),
    )
)
#: What stands in it is the caller's own, by whatever name.
HIDDEN = "conf"
COLUMNS = frozenset(
    ("conn_type", "description", "host", "schema", "login", "password", "port", "extra")
)
Place = tuple[str | int, ...]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}\Z")


class Api(NinjaAPI):
    """Ninja's API with errors as Airflow words them, and words for each parameter."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._schemas: dict[str, Any] = {}

    def get_openapi_schema(self, *, path_prefix: str | None = None, **options: Any) -> Any:
        """Kept, because it takes half a second to make, and is always the same."""
        if path_prefix is None:
            path_prefix = self.get_root_path(options.get("path_params") or {})
        if path_prefix not in self._schemas:
            schema = super().get_openapi_schema(path_prefix=path_prefix)
            describe(schema)
            self._schemas[path_prefix] = schema
        return self._schemas[path_prefix]

    def validation_error_from_error_contexts(
        self, error_contexts: list[ValidationErrorContext[Any]]
    ) -> ValidationError:
        return ValidationError(
            [
                _fault(error, model=context.model)
                for context in error_contexts
                for error in context.pydantic_validation_error.errors(include_url=False)
            ]
        )

    def get_content_type(self) -> str:
        """Without a charset: airflowctl reads errors of this very type only."""
        return "application/json"

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__


def _fault(error: Any, *, model: Any) -> dict[str, Any]:
    source, loc = model.__ninja_param_source__, error["loc"]
    place = (
        # Without the name that the operation has for its body.
        (source, *loc[1:])
        if source == "body"
        else (source, *_as_sent(loc, model.__ninja_flatten_map_reverse__))
    )
    is_left_out = error["type"] == "missing" and (source != "body" or len(place) == 1)
    is_unknown = error["type"] == "extra_forbidden"
    if place == ("body",) and error["input"] is None:
        return {"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}
    found = {
        "type": error["type"],
        "loc": [*place[:-1], _key(place[-1])] if is_unknown else list(place),
        "msg": error["msg"],
        "input": None if is_left_out else shown(error["input"], place),
    }
    if "ctx" in error:
        found["ctx"] = {
            name: {} if isinstance(value, Exception) else value
            for name, value in error["ctx"].items()
        }
    return found


def _as_sent(loc: Place, names: Mapping[Place, Place]) -> Place:
    """Without the name that the operation has for its parameters; one of a list has a number."""
    for length in range(len(loc), 0, -1):
        if loc[:length] in names:
            return (*names[loc[:length]], *loc[length:])
    return loc


def shown(value: Any, place: Place) -> Any:
    """``value`` as it stood at ``place``, without anything that may be secret."""
    if HIDDEN in place:
        return MASK
    if isinstance(value, dict):
        return {_key(key): shown(item, (*place, str(key))) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(item, place) for item in value]
    name = next((part for part in reversed(place) if isinstance(part, str)), "")
    is_plain = name in PLAIN and not (isinstance(value, str) and "://" in value)
    is_number = name == "port" and not isinstance(value, str)
    return value if is_plain or is_number or value is None else MASK


def _key(name: Any) -> str:
    """A name that was sent, if it looks like the name of anything."""
    return str(name) if _NAME.match(str(name)) else MASK


def connection_faults(errors: dict[str, str]) -> list[dict[str, Any]]:
    """The words for a connection's fields, each with its place in the body."""
    return [
        {"type": "value_error", "loc": list(_place(name)), "msg": words, "input": None}
        for name, words in errors.items()
    ]


def _place(field: str) -> Place:
    if field == "conn_id":
        return ("body", "connection_id")
    if not field:
        return ("body",)
    return ("body", field) if field in COLUMNS else ("body", "extra", field)


def _answer(status: int, detail: Any, **headers: str) -> HttpResponse:
    return JsonResponse({"detail": detail}, status=status, headers=headers)


def _unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return _answer(401, "Not authenticated", **{"WWW-Authenticate": "Bearer"})


def _refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    # Ninja makes an error of its own of whatever a parser raises.
    cause = error.__cause__
    if isinstance(cause, BadBody):
        return _answer(cause.status, cause.detail)
    return _answer(error.status_code, error.message)


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return _answer(422, error.errors)


def _invalid_connection(request: HttpRequest, error: InvalidConnection) -> HttpResponse:
    return _answer(422, connection_faults(error.errors))


def _unreadable(request: HttpRequest, error: SecretsUnreadable) -> HttpResponse:
    return _answer(409, explain(error.code, error.facts).happened)


def _throttled(request: HttpRequest, error: Throttled) -> HttpResponse:
    return _answer(429, error.words, **{"Retry-After": str(error.retry_after)})


def _act_refused(request: HttpRequest, error: ActRefused) -> HttpResponse:
    return _answer(409, str(error))


HANDLERS: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    AuthenticationError: _unknown,
    HttpError: _refused,
    ValidationError: _invalid,
    InvalidConnection: _invalid_connection,
    SecretsUnreadable: _unreadable,
    Throttled: _throttled,
    ActRefused: _act_refused,
}


def add_handlers(api: Api) -> None:
    for kind, handler in HANDLERS.items():
        api.add_exception_handler(kind, handler)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's ``handler500``: JSON for calls of the API, the page for all else."""
    if request.path.startswith(("/api/", "/auth/")):
        words = "Patchbay failed at this call. Its log says why; nothing more is known here."
        return _answer(500, words)
    return page_of_server_error(request)
