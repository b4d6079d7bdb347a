"""Makes and deletes BigQuery's data sets and tables.

Imported on first use, because it needs Google's client. Follows
https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets and …/tables;
the resources go as they are, so that none of their fields is lost on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.api_core.exceptions import Conflict, GoogleAPICallError, NotFound

from connections.exceptions import Failure
from connections.hooks.bigquery_failures import refused
from tasks.operators.base import Context, TaskResult
from tasks.operators.bigquery_jobs import project_of
from tasks.operators.google_calls import Caller, caller_of

Values = Mapping[str, Any]


def create_dataset(values: Values, if_exists: str, session: Any, context: Context) -> TaskResult:
    caller = caller_of(values, session, context)
    resource = dict(values["dataset_reference"] or {})
    reference = {
        "datasetId": values["dataset_id"],
        "projectId": project_of(values["project_id"], session),
        **{name: part for name, part in (resource.get("datasetReference") or {}).items() if part},
    }
    resource["datasetReference"] = reference
    if location := resource.get("location") or values["location"] or session.location:
        resource["location"] = location
    path = f"/projects/{reference['projectId']}/datasets"
    what = f"data set {reference['datasetId']}"
    facts = {"project": reference["projectId"], "dataset": reference["datasetId"]}
    return _created(caller, path, resource, if_exists=if_exists, what=what, facts=facts)


def create_table(
    values: Values, resource: dict[str, Any], if_exists: str, session: Any, context: Context
) -> TaskResult:
    caller = caller_of(values, session, context)
    reference = {
        "projectId": project_of(values["project_id"], session),
        "datasetId": values["dataset_id"],
        "tableId": values["table_id"],
        **(resource.get("tableReference") or {}),
    }
    resource["tableReference"] = reference
    if location := resource.get("location") or values["location"]:
        resource["location"] = location
    path = f"/projects/{reference['projectId']}/datasets/{reference['datasetId']}/tables"
    name = f"{reference['datasetId']}.{reference['tableId']}"
    kind = "view" if "view" in resource or "materializedView" in resource else "table"
    facts = {"project": reference["projectId"], "table": name}
    return _created(caller, path, resource, if_exists=if_exists, what=f"{kind} {name}", facts=facts)


def delete_dataset(values: Values, session: Any, context: Context) -> TaskResult:
    caller = caller_of(values, session, context)
    project = project_of(values["project_id"], session)
    path = f"/projects/{project}/datasets/{values['dataset_id']}"
    contents = "true" if values["delete_contents"] else "false"
    facts = {"project": project, "dataset": values["dataset_id"]}
    what = f"data set {values['dataset_id']}"
    return _deleted(
        caller,
        path,
        {"deleteContents": contents},
        is_ignored=values["ignore_if_missing"],
        what=what,
        facts=facts,
    )


def delete_table(values: Values, session: Any, context: Context) -> TaskResult:
    caller = caller_of(values, session, context)
    parts = values["deletion_dataset_table"].replace(":", ".").rsplit(".", 2)
    if len(parts) < 2 or not all(parts):
        reason = "deletion_dataset_table must be dataset.table or project.dataset.table."
        raise Failure("task:not-runnable", reason=reason)
    project = parts[0] if len(parts) == 3 else project_of(None, session)
    dataset, table = parts[-2:]
    return _deleted(
        caller,
        f"/projects/{project}/datasets/{dataset}/tables/{table}",
        {},
        is_ignored=values["ignore_if_missing"],
        what=f"table {dataset}.{table}",
        facts={"project": project, "table": f"{dataset}.{table}"},
    )


def _created(
    caller: Caller,
    path: str,
    resource: dict[str, Any],
    *,
    if_exists: str,
    what: str,
    facts: dict[str, Any],
) -> TaskResult:
    connection = caller.session.bigquery._connection
    try:
        caller.call(lambda: connection.api_request("POST", path, data=resource))
    except Conflict as error:
        if not caller.lost_an_answer:
            return _existing(error, if_exists, what=what, facts=facts)
        # The call before it came through, and only its answer was lost.
    except GoogleAPICallError as error:
        raise _refused(error, caller, facts) from None
    return TaskResult(f"Made the {what}", facts)


def _existing(error: Conflict, if_exists: str, *, what: str, facts: dict[str, Any]) -> TaskResult:
    if if_exists == "fail":
        raise Failure("job:exists", what=what, vendor_message=str(error.message), **facts)
    return TaskResult(f"The {what} is there already", facts, is_skipped=if_exists == "skip")


def _deleted(
    caller: Caller,
    path: str,
    query: dict[str, str],
    *,
    is_ignored: bool,
    what: str,
    facts: dict[str, Any],
) -> TaskResult:
    connection = caller.session.bigquery._connection
    try:
        caller.call(lambda: connection.api_request("DELETE", path, query_params=query))
    except NotFound as error:
        if caller.lost_an_answer:
            return TaskResult(f"Deleted the {what}", facts)
        if not is_ignored:
            raise _refused(error, caller, facts) from None
        return TaskResult(f"There is no {what}", facts)
    except GoogleAPICallError as error:
        raise _refused(error, caller, facts) from None
    return TaskResult(f"Deleted the {what}", facts)


def _refused(error: GoogleAPICallError, caller: Caller, facts: dict[str, Any]) -> Failure:
    return refused(error, project=facts["project"], identity=caller.session.identity)
