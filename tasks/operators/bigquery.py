"""BigQueryInsertJobOperator: runs one BigQuery job and waits for its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tasks.operators.base import Argument, ArgumentError, Context, Operator, TaskResult

JOB_KINDS = ("query", "load", "extract", "copy")


class BigQueryInsertJobOperator(Operator):
    """Insert a BigQuery job and wait until it is done.

    Follows the operator of the same name in Airflow's Google provider;
    ``configuration`` is the ``configuration`` of the REST Job resource
    (https://cloud.google.com/bigquery/docs/reference/rest/v2/Job).
    """

    name: ClassVar[str] = "BigQueryInsertJobOperator"
    import_paths: ClassVar[tuple[str, ...]] = ("airflow.providers.google.cloud.operators.bigquery",)
    connection_argument: ClassVar[str] = "gcp_conn_id"
    default_conn_id: ClassVar[str] = "google_cloud_default"
    connection_types: ClassVar[tuple[str, ...]] = ("google_cloud_platform", "gcpbigquery")
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("configuration", kind="json", required=True, templated=True),
        Argument("project_id", templated=True),
        Argument("location"),
        Argument("job_id", templated=True),
        Argument("force_rerun", kind="boolean", default=True),
        Argument("reattach_states", kind="texts"),
        Argument("gcp_conn_id", default="google_cloud_default", templated=True),
        Argument("cancel_on_kill", kind="boolean", default=True),
        Argument("result_timeout", kind="number"),
        Argument("poll_interval", kind="number", default=4.0),
        Argument(
            "impersonation_chain",
            supported=False,
            help="Set the impersonation chain on the connection.",
        ),
        Argument(
            "deferrable",
            kind="boolean",
            default=False,
            supported=False,
            help="Leave it out: a waiting job holds no process here.",
        ),
    )

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        configuration = arguments["configuration"]
        kinds = [kind for kind in JOB_KINDS if kind in configuration]
        if len(kinds) != 1:
            found = ", ".join(kinds) or "none"
            raise ArgumentError(
                "configuration must hold exactly one of query, load, extract and copy; "
                f"it holds {found}."
            )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.bigquery_jobs import run_job

        return run_job(self.values, session, context)
