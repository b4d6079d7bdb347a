"""BigQueryInsertJobOperator: runs one BigQuery job and waits for its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tasks.operators.base import (
    Argument,
    ArgumentError,
    Context,
    Operator,
    TaskResult,
    is_reference,
)
from tasks.operators.bigquery_requests import JOB_KINDS, JobRequest

MODULE = "airflow.providers.google.cloud.operators.bigquery"
CATEGORY = "BigQuery"
CONNECTION = Argument(
    "gcp_conn_id", default="google_cloud_default", templated=True, label="Connection"
)
IMPERSONATION = Argument(
    "impersonation_chain",
    kind="any",
    templated=True,
    help="An account, or several: the last is impersonated by way of the others. It stands for "
    "the connection's own chain.",
)
POLL_INTERVAL = Argument(
    "poll_interval",
    kind="number",
    default=4.0,
    label="Look every (s)",
    help="Seconds between two looks at most; the first ones come sooner.",
)
DEFERRABLE = Argument(
    "deferrable",
    kind="boolean",
    default=False,
    help="Means nothing here: a task that waits for its job holds no process.",
)
JOB_CANCELS = (
    "BigQuery is asked to cancel the job, and it is shown as cancelling until BigQuery says that "
    "it has ended."
)


class BigQueryOperator(Operator):
    """What the operators of BigQuery share: the connection, and as whom they call."""

    import_paths: ClassVar[tuple[str, ...]] = (MODULE,)
    connection_argument: ClassVar[str] = "gcp_conn_id"
    default_conn_id: ClassVar[str] = "google_cloud_default"
    connection_types: ClassVar[tuple[str, ...]] = ("google_cloud_platform", "gcpbigquery")
    category: ClassVar[str] = CATEGORY
    resumes: ClassVar[bool] = True

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        chain = arguments.get("impersonation_chain")
        accounts = [chain] if isinstance(chain, str) else chain or []
        if not isinstance(accounts, (list, tuple)) or not all(
            isinstance(account, str) for account in accounts
        ):
            raise ArgumentError(
                f"{cls.name}: impersonation_chain must be a text or a list of texts."
            )


class BigQueryInsertJobOperator(BigQueryOperator):
    """Insert a BigQuery job and wait until it is done.

    Follows the operator of the same name in Airflow's Google provider;
    ``configuration`` is the ``configuration`` of the REST Job resource
    (https://cloud.google.com/bigquery/docs/reference/rest/v2/Job).
    """

    name: ClassVar[str] = "BigQueryInsertJobOperator"
    summary: ClassVar[str] = "Runs one query, load, extract or copy job, and waits for its end"
    cancels: ClassVar[str] = JOB_CANCELS
    result_name: ClassVar[str] = "job ID"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument(
            "configuration",
            kind="json",
            required=True,
            templated=True,
            help="The configuration of the REST Job resource: exactly one of query, load, extract "
            "and copy.",
        ),
        Argument("project_id", templated=True, label="Project", help="Else the connection's."),
        Argument("location", help="Else the connection's, else where the data is."),
        Argument("job_id", templated=True, label="Job ID", help="Stands before the job's own ID."),
        Argument(
            "force_rerun",
            kind="boolean",
            default=True,
            help="False gives the same job_id and configuration the same job, in every run.",
        ),
        Argument(
            "reattach_states",
            kind="texts",
            help="With force_rerun=False: the states in which a job that is there is waited for.",
        ),
        CONNECTION,
        IMPERSONATION,
        Argument(
            "cancel_on_kill",
            kind="boolean",
            default=True,
            help="False lets the job go on in BigQuery when the task is cancelled.",
        ),
        Argument(
            "result_retry",
            kind="any",
            supported=False,
            help="How often a call is repeated stands in the connection.",
        ),
        Argument(
            "result_timeout",
            kind="number",
            label="Give up after (s)",
            help="The task fails then, and the job is cancelled.",
        ),
        DEFERRABLE,
        POLL_INTERVAL,
    )

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        configuration = arguments["configuration"]
        if is_reference(configuration):
            return
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

    def cancel(self, session: Any, context: Context) -> str:
        from tasks.operators.bigquery_jobs import cancel_job
        from tasks.operators.google_calls import caller_of

        return cancel_job(caller_of(self.values, session, context), JobRequest.of(self.values))


OPERATORS_HERE = (BigQueryInsertJobOperator,)
