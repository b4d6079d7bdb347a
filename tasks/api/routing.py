"""The routers of Airflow's calls: operations of one path need one router."""

from __future__ import annotations

from ninja import Router

dags = Router(tags=["DAGs"])
runs = Router(tags=["DAG runs"])
task_instances = Router(tags=["Task instances"])
own = Router(tags=["Runs, as Patchbay knows them"])
