"""One of everything, for tests that go to every address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.apps import apps
from django.urls import resolve, reverse
from django.urls.resolvers import get_resolver

from access.models import ApiToken
from access.tokens import create_token
from connections.models import Connection, ConnectionTest
from connections.services import create_connection
from connections.testing import request_test
from connections.validation import Draft
from tasks.models import DagImportError, DagRun
from tasks.services import trigger_dag_run
from tests.conftest import ACTOR
from tests.roles import user_of
from tests.tasks.conftest import query_task, save_dag

#: What changes also where a call is refused: when a token was used, and sessions.
UNTOLD = {"last_used_at", "last_login"}
UNCOUNTED = {"SignInAttempt", "Session", "LogEntry", "ContentType", "Permission", "Migration"}


@dataclass(frozen=True)
class World:
    """Ids of what there is."""

    connection: Connection
    run: DagRun
    token: ApiToken
    user: Any
    test: ConnectionTest

    def address(self, name: str) -> str:
        """The address of a page by its name, at what there is."""
        if name == "healthz":
            return "/healthz"
        pks = {
            "run": self.run,
            "task": self.run,
            "token": self.token,
            "user": self.user,
            "connection": self.test,
        }
        needed = _arguments(name)
        known = {
            "conn_id": self.connection.conn_id,
            "dag_id": self.run.dag.dag_id,
            "conn_type": "postgres",
            "number": 1,
            "task_id": "bq_task",
            "page": "runs",
            "pk": pks[name.split("-", maxsplit=1)[0]].pk if "pk" in needed else 0,
        }
        return reverse(name, kwargs={argument: known[argument] for argument in needed})

    def path(self, pattern: str) -> str:
        """The path of a call of the API, at what there is."""
        return pattern.format(
            connection_id=self.connection.conn_id,
            conn_type="postgres",
            token_id=self.token.pk,
            dag_id=self.run.dag.dag_id,
            dag_run_id=quote(self.run.run_id),
            task_id="bq_task",
            version_number=1,
            import_error_id=1,
            try_number=1,
            task_try_number=1,
            map_index=-1,
            xcom_key="return_value",
        )


def _arguments(name: str) -> list[str]:
    namespace, _, name = name.rpartition(":")
    if namespace:
        return []
    [[(_, arguments)], *_] = get_resolver().reverse_dict.getlist(name)[0]
    return list(arguments)


def make_world() -> World:
    draft = Draft("my_gcp_conn", "google_cloud_platform", extra={"project": "acme-reports"})
    connection = create_connection(draft, actor=ACTOR)
    create_connection(Draft("other", "postgres", host="db"), actor=ACTOR)
    save_dag(query_task(gcp_conn_id="not_there"), dag_id="broken_dag")
    DagImportError.objects.create(filename="bad.py", kind="SyntaxError", message="no", line=1)
    run = trigger_dag_run(save_dag(query_task()).dag_id, actor=ACTOR)
    user = user_of("Viewer", "target")
    token, _ = create_token(user, name="t", scopes=["read"], expires_at=None, actor=ACTOR)
    test, _ = request_test(None, conn_id="my_gcp_conn", actor=ACTOR)
    return World(connection, run, token, user, test)


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, to see that nothing changed."""
    return {
        model.__name__: [
            {name: value for name, value in row.items() if name not in UNTOLD}
            for row in model._base_manager.order_by("pk").values()
        ]
        for model in apps.get_models()
        if model.__name__ not in UNCOUNTED
    }


def right_for_reading(address: str) -> Any:
    """The right by which a view is marked."""
    return resolve(address).func.required_rights[0]  # type: ignore[attr-defined]
