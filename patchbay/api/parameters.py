"""The words for parameters of queries that many calls share and that say no more of themselves."""

from __future__ import annotations

from typing import Any

#: What the end of a name says; what stands before it names the field.
BOUNDS = {
    "_gt": "Only what lies above this, by {field}.",
    "_gte": "Only what lies at or above this, by {field}.",
    "_lt": "Only what lies below this, by {field}.",
    "_lte": "Only what lies at or below this, by {field}.",
}
WORDS = {
    "dag_version": "Only runs of this number of the DAG's versions. Repeats.",
    "filename": "Only what this file, relative to the DAGs folder, holds.",
    "full_content": "Give the whole at once, and not by pages.",
    "has_import_errors": "Only DAGs whose file can be read now, or can't.",
    "last_dag_run_state": "Only DAGs whose last run is in this state.",
    "map_index": "Only -1: tasks are not mapped here.",
    "operator": "Only tasks of this operator. Repeats.",
    "order_by": "The order, a `-` before it turns it round. Repeats.",
    "paused": "Only DAGs whose schedule is paused, or isn't.",
    "queue": "Only tasks of this queue. Repeats.",
    "tags": "Only DAGs with these tags. Repeats.",
    "tags_match_mode": "`any` of the tags, or `all` of them.",
    "task_id": "Only this task.",
    "token": "Where the answer before it ended: its `continuation_token`.",
    "try_number": "Only this try. Repeats.",
    "version_number": "Only this number of the DAG's versions.",
    "xcom_key": "Only this key.",
}


def describe(schema: dict[str, Any]) -> None:
    """Give each parameter of a query the words that it lacks."""
    for operations in schema["paths"].values():
        for operation in operations.values():
            for parameter in operation["parameters"]:
                if parameter["in"] == "query" and "description" not in parameter:
                    parameter["description"] = _words(parameter["name"])


def _words(name: str) -> str:
    for end, words in BOUNDS.items():
        if name.endswith(end):
            return words.format(field=name.removesuffix(end))
    return WORDS.get(name, "")
