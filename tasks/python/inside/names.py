"""What Airflow calls the context of a task, made from what the worker sent."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from tasks.python.inside.channel import Channel
from tasks.python.inside.results import as_json


class Facts(SimpleNamespace):
    """Data whose parts can be named both ways: ``dag_run.conf`` and ``dag_run["conf"]``."""

    def __getitem__(self, name: str) -> Any:
        return vars(self)[name]

    def get(self, name: str, default: Any = None) -> Any:
        return vars(self).get(name, default)


class TaskInstance(Facts):
    """``ti``: which task runs, and what it leaves for others."""

    def __init__(self, channel: Channel, **facts: Any) -> None:
        super().__init__(map_index=-1, **facts)
        self._channel = channel
        self.log = logging.getLogger("airflow.task")

    def xcom_push(self, key: str, value: Any) -> None:
        """Leave ``value``, as JSON, under ``key``. It is there when the task has ended well."""
        kept = as_json(value, where=f"xcom_push({key!r})")
        self._channel.ask({"kind": "push", "key": str(key), "value": kept})

    def xcom_pull(
        self,
        task_ids: str | list[str] | None = None,
        dag_id: str | None = None,
        key: str = "return_value",
        *,
        default: Any = None,
    ) -> Any:
        """What another task of the run left."""
        if dag_id not in (None, self.dag_id):
            raise ValueError("xcom_pull reads only what tasks of the same run left.")
        if task_ids is None:
            raise ValueError("xcom_pull needs task_ids.")
        names = task_ids if isinstance(task_ids, str) else [str(each) for each in task_ids]
        question = {"kind": "pull", "task_ids": names, "key": str(key)}
        found = self._channel.ask(question)
        return default if found is None else found

    def __repr__(self) -> str:
        return f"<TaskInstance {self.dag_id}.{self.task_id}, {self.run_id}>"


def context_from(task: Mapping[str, Any], channel: Channel) -> dict[str, Any]:
    names: dict[str, Any] = {**task["names"]}
    for *group, name in task["dates"]:
        holder = names[group[0]] if group else names
        holder[name] = datetime.fromisoformat(holder[name])
    ti = TaskInstance(channel, **names["ti"])
    objects = {
        "ti": ti,
        "task_instance": ti,
        "dag_run": Facts(**names.get("dag_run", {})),
        "dag": Facts(dag_id=task["dag_id"]),
        "task": Facts(task_id=task["task_id"]),
    }
    context = {**names, **objects}
    if task["templates_dict"] is not None:
        context["templates_dict"] = task["templates_dict"]
    return context
