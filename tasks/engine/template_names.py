"""What a template may name, under Airflow's names.

Follows https://airflow.apache.org/docs/apache-airflow/stable/templates-ref.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from connections.exceptions import ConnectionFailure
from connections.models import Connection
from tasks.models import DagRun, TaskInstance, XCom
from tasks.spec import DagSpec

#: What a template may know of a connection: nothing that could be a secret.
OF_A_CONNECTION = ("conn_id", "conn_type", "host", "port", "description")
RETURN_VALUE = "return_value"


def _ds(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d")


def _ts_nodash(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%S")


FILTERS: dict[str, Callable[..., Any]] = {
    "ds": _ds,
    "ds_nodash": lambda moment: moment.strftime("%Y%m%d"),
    "ts": lambda moment: moment.isoformat(),
    "ts_nodash": _ts_nodash,
    "ts_nodash_with_tz": lambda moment: moment.strftime("%Y%m%dT%H%M%S%z"),
}


class Macros:
    """Airflow's ``macros``, those that only work with dates and numbers."""

    datetime = datetime
    timedelta = timedelta

    def ds_add(self, ds: str, days: int) -> str:
        return _ds(datetime.strptime(ds, "%Y-%m-%d") + timedelta(days=days))

    def ds_format(self, ds: str, input_format: str, output_format: str) -> str:
        return datetime.strptime(ds, input_format).strftime(output_format)


class TaskNames:
    """The ``ti`` of a template. Asks the database only when a template asks it."""

    def __init__(self, row: TaskInstance, dag_id: str, run_id: str) -> None:
        self.task_id = row.task_id
        self.dag_id = dag_id
        self.run_id = run_id
        self.try_number = row.try_number
        self.max_tries = row.max_tries - 1
        self.start_date = row.started_at
        self._run_pk = row.run_id

    def xcom_pull(
        self,
        task_ids: str | Iterable[str] | None = None,
        dag_id: str | None = None,
        key: str = RETURN_VALUE,
        default: Any = None,
    ) -> Any:
        """What a task of this run left, a list for several; ``default`` where there is nothing.

        Raise ``ValueError`` for another DAG: nothing of it can be read.
        """
        if dag_id not in (None, self.dag_id):
            raise ValueError("xcom_pull reads what tasks of the same run left")
        if isinstance(task_ids, str):
            return self._values([task_ids], key).get(task_ids, default)
        if task_ids is None:
            raise ValueError("xcom_pull needs task_ids")
        names = list(task_ids)
        values = self._values(names, key)
        return [values.get(name, default) for name in names]

    def left_by(self, task_id: str, key: str) -> Any:
        """Raise ``LookupError`` where there is nothing."""
        return self._values([task_id], key)[task_id]

    def _values(self, task_ids: list[str], key: str) -> dict[str, Any]:
        if any("\0" in str(each) for each in (key, *task_ids)):
            raise ValueError("no task_id or key holds a NUL")
        rows = XCom.objects.filter(
            task_instance__run=self._run_pk, task_instance__task_id__in=task_ids, key=key
        )
        return dict(rows.values_list("task_instance__task_id", "value"))


class ConnectionNames:
    """``conn.<id>.host`` and the like; each connection is read when it is named."""

    def __getitem__(self, conn_id: str) -> dict[str, Any]:
        from connections.from_environment import find_in_environment

        found: Any = find_in_environment(conn_id)
        found = found or Connection.objects.filter(conn_id=conn_id).only(*OF_A_CONNECTION).first()
        if found is None:
            raise LookupError(f"there is no connection {conn_id}")
        return {name: getattr(found, name) for name in OF_A_CONNECTION}

    def __getattr__(self, name: str) -> dict[str, Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except (LookupError, ConnectionFailure) as error:
            raise AttributeError(str(error)) from None


def names_of(run: DagRun, row: TaskInstance, spec: DagSpec) -> dict[str, Any]:
    """All names for the templates of one try."""
    moment = run.logical_date
    day = timedelta(days=1)
    task_names = TaskNames(row, spec.dag_id, run.run_id)
    interval = (run.data_interval_start or moment, run.data_interval_end or moment)
    return {
        "ds": _ds(moment),
        "ds_nodash": moment.strftime("%Y%m%d"),
        "yesterday_ds": _ds(moment - day),
        "tomorrow_ds": _ds(moment + day),
        "ts": moment.isoformat(),
        "ts_nodash": _ts_nodash(moment),
        "ts_nodash_with_tz": moment.strftime("%Y%m%dT%H%M%S%z"),
        "logical_date": moment,
        "execution_date": moment,
        "data_interval_start": interval[0],
        "data_interval_end": interval[1],
        "run_id": run.run_id,
        "dag_run": {
            "conf": run.conf,
            "run_id": run.run_id,
            "run_type": run.run_type,
            "logical_date": moment,
            "data_interval_start": interval[0],
            "data_interval_end": interval[1],
            "queued_at": run.queued_at,
            "note": run.note,
        },
        "params": {**spec.params, **run.conf},
        "dag": {"dag_id": spec.dag_id, "tags": list(spec.tags), "description": spec.description},
        "task": {"task_id": row.task_id},
        "ti": task_names,
        "task_instance": task_names,
        "task_instance_key_str": f"{spec.dag_id}__{row.task_id}__{moment.strftime('%Y%m%d')}",
        "conn": ConnectionNames(),
        "macros": Macros(),
    }
