"""The SQL of a BigQuery job as a field of its own: in the JSON around it no line may end.

https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationQuery
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tasks.drafting.values import ARGUMENT, WrongText
from tasks.operators.base import Argument, Operator
from tasks.operators.bigquery import BigQueryInsertJobOperator

CONFIGURATION = f"{ARGUMENT}configuration"
#: The form's name of the field.
SQL = f"{CONFIGURATION}-sql"
LABEL, REST_LABEL = "SQL", "The rest of the job"
HELP = "Blank for a load, extract or copy job."
REST_HELP = (
    "The configuration of the REST Job resource without the SQL: query, or load, extract or copy. "
    "A JSON object."
)
#: What stands in the rest of a new task: GoogleSQL, which isn't what BigQuery takes unasked.
FIRST_REST = json.dumps({"query": {"useLegacySql": False}}, indent=2)
NEEDED = "Write the SQL, or give a load, extract or copy job below."
TWICE = "The SQL stands here as well: leave it in its own field."


def is_query_job(operator: type[Operator], argument: Argument) -> bool:
    """Whether ``argument`` is the one that has the SQL of a job in it."""
    is_job = issubclass(operator, BigQueryInsertJobOperator)
    return is_job and ARGUMENT + argument.name == CONFIGURATION


def parted(configuration: Any) -> tuple[str, Any]:
    """The SQL, and what else there is; a configuration of another form stays whole."""
    query = configuration.get("query") if isinstance(configuration, dict) else None
    if not isinstance(query, dict):
        return "", configuration
    sql = query.get("query")
    if not isinstance(sql, str) or not sql.strip():
        return "", configuration
    rest = {**configuration, "query": {name: query[name] for name in query if name != "query"}}
    if not rest["query"]:
        del rest["query"]
    return sql, rest


def joined(texts: Mapping[str, str], rest: dict[str, Any] | None) -> dict[str, Any] | None:
    """What ``parted`` parts. Raise ``WrongText`` where the SQL has no place."""
    sql = texts.get(SQL, "")
    if not sql.strip():
        return rest
    query = (rest or {}).get("query", {})
    if not isinstance(query, dict):
        raise WrongText("query must be an object in it.")
    if "query" in query:
        raise WrongText(TWICE)
    return {**(rest or {}), "query": {**query, "query": sql}}


def is_without_job(configuration: Any) -> bool:
    """Nothing but what stands there at first, or less."""
    return configuration in (None, {}, {"query": {}}, json.loads(FIRST_REST))
