"""Data sets and tables, kept by the fake.

https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets, …/tables and …/tabledata
"""

import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.google.answers import GoogleError, Json, invalid, not_found
from tests.fakes.google.plans import SchemaField
from tests.fakes.google.results import page_of, table_schema

_NAME = re.compile(r"[\w-]{1,1024}")


class Catalog:
    """Data sets by ``project.dataset``, tables by ``project.dataset.table``. Thread-safe.

    What a job writes does not land here: a test puts the tables that it wants to be read.
    """

    def __init__(self) -> None:
        self.datasets: dict[str, Json] = {}
        self.tables: dict[str, Json] = {}
        self._rows: dict[str, Sequence[Sequence[Any]]] = {}
        self._lock = threading.Lock()

    def put_table(
        self,
        name: str,
        *,
        schema: Sequence[SchemaField],
        rows: Sequence[Sequence[Any]] = (),
        location: str = "US",
    ) -> None:
        """Make ``project.dataset.table`` with these rows, and its data set if need be."""
        project, dataset, table = name.split(".")
        owner = f"{project}.{dataset}"
        with self._lock:
            if owner not in self.datasets:
                self.datasets[owner] = _dataset({"location": location}, project, dataset)
            self.tables[name] = _table({"schema": table_schema(schema)}, project, dataset, table)
            self._rows[name] = rows

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self.datasets.clear()
            self.tables.clear()
            self._rows.clear()

    def call(self, method: str, params: Mapping[str, str], query: Json, body: Any) -> Json | None:
        """Carry out ``datasets.insert``, ``tables.get`` and so on; None is an empty answer.

        Raises:
            GoogleError: the refusal.
        """
        body = body if isinstance(body, dict) else {}
        with self._lock:
            match method:
                case "datasets.insert":
                    return self._insert_dataset(params["project"], body)
                case "datasets.get":
                    return self._dataset(params)
                case "datasets.delete":
                    self._delete_dataset(params, query.get("deleteContents") == "true")
                    return None
                case "tables.insert":
                    return self._insert_table(params, body)
                case "tables.get":
                    return self._table(params)
                case "tables.delete":
                    self._delete_table(params)
                    return None
            return self._data(params, query)

    def _insert_dataset(self, project: str, body: Json) -> Json:
        dataset = str(body.get("datasetReference", {}).get("datasetId", ""))
        _check_name(dataset, "dataset")
        key = f"{project}.{dataset}"
        if key in self.datasets:
            raise _duplicate(f"Dataset {project}:{dataset}")
        self.datasets[key] = _dataset(body, project, dataset)
        return self.datasets[key]

    def _dataset(self, params: Mapping[str, str]) -> Json:
        found = self.datasets.get(f"{params['project']}.{params['dataset']}")
        if found is None:
            raise not_found(f"Not found: Dataset {params['project']}:{params['dataset']}")
        return found

    def _delete_dataset(self, params: Mapping[str, str], deletes_contents: bool) -> None:
        self._dataset(params)
        key = f"{params['project']}.{params['dataset']}"
        inside = [name for name in self.tables if name.startswith(f"{key}.")]
        if inside and not deletes_contents:
            message = f"Dataset {params['project']}:{params['dataset']} is still in use"
            raise GoogleError(400, reason="resourceInUse", message=message)
        for name in inside:
            del self.tables[name]
        del self.datasets[key]

    def _insert_table(self, params: Mapping[str, str], body: Json) -> Json:
        self._dataset(params)
        table = str(body.get("tableReference", {}).get("tableId", ""))
        _check_name(table, "table")
        key = f"{params['project']}.{params['dataset']}.{table}"
        if key in self.tables:
            raise _duplicate(f"Table {params['project']}:{params['dataset']}.{table}")
        self.tables[key] = _table(body, params["project"], params["dataset"], table)
        return self.tables[key]

    def _table(self, params: Mapping[str, str]) -> Json:
        found = self.tables.get(_name(params))
        if found is None:
            name = f"{params['project']}:{params['dataset']}.{params['table']}"
            raise not_found(f"Not found: Table {name}")
        return found

    def _delete_table(self, params: Mapping[str, str]) -> None:
        self._table(params)
        del self.tables[_name(params)]

    def _data(self, params: Mapping[str, str], query: Json) -> Json:
        table = self._table(params)
        if table["type"] != "TABLE":
            raise invalid(f"Cannot list a table of type {table['type']}.")
        names = [field["name"] for field in table.get("schema", {}).get("fields", [])]
        wanted = str(query.get("selectedFields") or ",".join(names)).split(",")
        # BigQuery gives the columns in the table's order, whatever the request's is.
        at = [names.index(name) for name in names if name in wanted]
        rows = [[row[index] for index in at] for row in self._rows.get(_name(params), ())]
        return {
            "kind": "bigquery#tableDataList",
            "totalRows": str(len(rows)),
            **page_of(rows, query),
        }


def _name(params: Mapping[str, str]) -> str:
    return f"{params['project']}.{params['dataset']}.{params['table']}"


def _dataset(body: Json, project: str, dataset: str) -> Json:
    reference = {"projectId": project, "datasetId": dataset}
    return {"kind": "bigquery#dataset", "location": "US", **body, "datasetReference": reference}


def _table(body: Json, project: str, dataset: str, table: str) -> Json:
    kind = "VIEW" if "view" in body else "TABLE"
    reference = {"projectId": project, "datasetId": dataset, "tableId": table}
    return {"kind": "bigquery#table", **body, "type": kind, "tableReference": reference}


def _check_name(name: str, what: str) -> None:
    if not name:
        raise GoogleError(400, reason="required", message=f"Required parameter is missing: {what}")
    if not _NAME.fullmatch(name):
        raise invalid(f'Invalid {what} ID "{name}".')


def _duplicate(what: str) -> GoogleError:
    return GoogleError(409, reason="duplicate", message=f"Already Exists: {what}")
