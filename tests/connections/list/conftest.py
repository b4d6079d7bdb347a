"""Rows for the list, made many at a time, and what the page shows of them."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from connections.fields import Ciphertext
from connections.models import Connection, ConnectionTest
from tasks.models import Dag, DagRun, DagVersion, Step
from tests.roles import user_of

LIST = "/connections/"
BULK = "/connections/bulk/"


def store(conn_id: str, **columns: Any) -> Connection:
    """A row; its ``host`` is what it shows as its target, as when it is saved by a form."""
    columns = {"conn_type": "postgres", "target": columns.get("host", ""), **columns}
    return Connection.objects.create(conn_id=conn_id, **columns)


def store_many(count: int, *, prefix: str = "conn", **columns: Any) -> None:
    token = Ciphertext.of('{"token": "tulip"}')
    types = ("postgres", "aws", "http")
    rows = [
        Connection(
            conn_id=f"{prefix}_{number:05d}",
            **{
                "conn_type": types[number % 3],
                "host": f"db-{number}.internal",
                "target": f"db-{number}.internal",
                "extra": token,
                **columns,
            },
        )
        for number in range(count)
    ]
    Connection.objects.bulk_create(rows, batch_size=500)


def had_test(
    connection: Connection, state: str = "success", *, minutes_ago: float = 0, **columns: Any
) -> ConnectionTest:
    columns = {"version": connection.version, "conn_id": connection.conn_id, **columns}
    return ConnectionTest.objects.create(
        connection=connection,
        state=state,
        digest=f"{ConnectionTest.objects.count()}",
        created_at=timezone.now() - timedelta(minutes=minutes_ago),
        **columns,
    )


def use(dag_id: str, *conn_ids: str) -> Dag:
    """A DAG whose present version names ``conn_ids``."""
    dag = Dag.objects.create(dag_id=dag_id)
    spec = {"dag_id": dag_id, "tasks": []}
    dag.current_version = DagVersion.objects.create(
        dag=dag, number=1, spec=spec, digest=dag_id, conn_ids=list(conn_ids)
    )
    dag.save()
    return dag


def ran(dag: Dag, conn_id: str, *, minutes_ago: float, state: str = "success") -> None:
    """A run of ``dag`` that fetched ``conn_id``."""
    assert dag.current_version is not None
    run = DagRun.objects.create(
        dag=dag, version=dag.current_version, run_id=f"run_{DagRun.objects.count()}"
    )
    moment = timezone.now() - timedelta(minutes=minutes_ago)
    Step.objects.create(
        run=run, number=2, position=12, state=state, conn_id=conn_id, started_at=moment
    )


def shown(client: Client, query: str = "") -> list[str]:
    """The IDs on the page, in their order."""
    page = client.get(LIST + query)
    assert page.status_code == 200
    return [line.conn_id for line in page.context["lines"]]


def line_of(client: Client, conn_id: str, query: str = "") -> Any:
    lines = client.get(LIST + query).context["lines"]
    return next(line for line in lines if line.conn_id == conn_id)


def chips_on(client: Client, query: str = "") -> dict[str, int]:
    """label -> count of the filter chips."""
    return {chip.label: chip.count for chip in client.get(LIST + query).context["chips"]}


def told(client: Client) -> list[str]:
    """The messages that the next page shows."""
    return [str(message) for message in client.get(LIST).context["messages"]]


@pytest.fixture
def viewer(db: None) -> Client:
    return signed_in(user_of("Viewer", "vera"))


@pytest.fixture
def operator(db: None) -> Client:
    return signed_in(user_of("Operator", "olga"))


@pytest.fixture
def editor(db: None) -> Client:
    return signed_in(user_of("Editor", "edda"))


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def client(db: None) -> Client:
    """May do everything."""
    return signed_in(get_user_model().objects.create_superuser("admin"))


@pytest.fixture(autouse=True)
def _no_connections_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("PATCHBAY_CONN_", "AIRFLOW_CONN_")):
            monkeypatch.delenv(name)
