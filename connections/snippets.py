"""How to use one connection elsewhere: texts to copy, without a secret in them."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from connections.masking import MASK
from connections.redaction import redacted_draft
from connections.types import type_of
from connections.types.base import LoadedConnection
from connections.uri import to_json
from connections.validation import draft_from

#: The operator of Airflow to show for a type, with its arguments.
_OPERATORS = {
    "google_cloud_platform": (
        "airflow.providers.google.cloud.operators.bigquery",
        "BigQueryInsertJobOperator",
        "gcp_conn_id",
        'configuration={"query": {"query": "SELECT 1", "useLegacySql": False}},',
    ),
}
_OPERATORS["gcpbigquery"] = _OPERATORS["google_cloud_platform"]
_OPERATORS |= dict.fromkeys(
    ("postgres", "mysql", "sqlite"),
    (
        "airflow.providers.common.sql.operators.sql",
        "SQLExecuteQueryOperator",
        "conn_id",
        'sql="SELECT 1",',
    ),
)
_OPERATORS["http"] = (
    "airflow.providers.http.operators.http",
    "HttpOperator",
    "http_conn_id",
    'method="GET",\n        endpoint="/",',
)
_OPERATORS["aws"] = (
    "airflow.providers.amazon.aws.operators.s3",
    "S3ListOperator",
    "aws_conn_id",
    'bucket="my-bucket",',
)


@dataclass(frozen=True)
class Snippet:
    """``title`` is where it goes, ``note`` what to know of it, ``text`` what to copy."""

    name: str
    title: str
    note: str
    text: str


def snippets_of(connection: LoadedConnection) -> list[Snippet]:
    """For a DAG, Python, an environment variable, and Airflow's own secrets backend."""
    return [
        _dag(connection),
        _python(connection),
        _variable(connection),
        _backend(connection),
    ]


def _dag(connection: LoadedConnection) -> Snippet:
    if connection.conn_type not in _OPERATORS:
        text = (
            "from airflow.sdk import Connection\n\n"
            f"connection = Connection.get({json.dumps(connection.conn_id)})\n"
        )
        note = "For Airflow. No operator of Patchbay runs with this type yet."
        return Snippet("dag", "In a DAG", note, text)
    module, operator, argument, more = _OPERATORS[connection.conn_type]
    text = (
        "from airflow import DAG\n"
        f"from {module} import {operator}\n\n"
        'with DAG("my_dag", schedule=None):\n'
        f"    {operator}(\n"
        '        task_id="my_task",\n'
        f"        {argument}={json.dumps(connection.conn_id)},\n"
        f"        {more}\n"
        "    )\n"
    )
    return Snippet("dag", "In a DAG", "The DAG holds the ID and nothing else.", text)


def _python(connection: LoadedConnection) -> Snippet:
    lines = [
        "from connections.services import get_connection",
        f"connection = get_connection({json.dumps(connection.conn_id)})",
    ]
    if type_of(connection.conn_type).hook:
        lines.insert(0, "from connections.hooks import hook_for")
        lines += [
            "hook = hook_for(connection)",
            "session = hook.open()",
            "hook.close(session)",
        ]
    note = "In `python manage.py shell`, or wherever Django is set up with Patchbay's settings."
    return Snippet("python", "In Python", note, "\n".join(lines) + "\n")


def _variable(connection: LoadedConnection) -> Snippet:
    value = json.dumps(to_json(redacted_draft(draft_from(connection))), ensure_ascii=False)
    name = f"AIRFLOW_CONN_{connection.conn_id.upper()}"
    holds_secret = MASK in value
    note = "Patchbay and Airflow both read it; it goes before what is stored."
    if holds_secret:
        note += f" {MASK} stands for a secret: fill it in."
    assigned = f"{name}={shlex.quote(value)}"
    return Snippet("variable", "As an environment variable", note, f"export {assigned}\n")


def _backend(connection: LoadedConnection) -> Snippet:
    text = (
        "# on Patchbay's side, by whoever may export secrets\n"
        "python manage.py connections export /opt/airflow/connections.json --for-airflow\n\n"
        "# airflow.cfg\n"
        "[secrets]\n"
        "backend = airflow.secrets.local_filesystem.LocalFilesystemBackend\n"
        'backend_kwargs = {"connections_file_path": "/opt/airflow/connections.json"}\n'
    )
    note = "Airflow's own file backend reads what Patchbay exports."
    return Snippet("airflow", "From Airflow, by its secrets backend", note, text)
