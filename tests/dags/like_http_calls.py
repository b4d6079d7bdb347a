"""Calls of one service, one after the other; what looks into an answer is a function of its own."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from airflow import DAG
from airflow.decorators import task
from airflow.providers.http.hooks.http import HttpHook
from airflow.providers.http.operators.http import HttpOperator
from airflow.providers.http.sensors.http import HttpSensor

dag = DAG(
    "like_http_calls",
    default_args={"retries": 1, "retry_delay": timedelta(seconds=0)},
    start_date=datetime(2024, 1, 1),
    schedule=None,
    catchup=False,
)
dag.doc_md = __doc__

up = HttpSensor(task_id="up", endpoint="", request_params={}, poke_interval=1, dag=dag)
up_again = HttpSensor(
    task_id="up_again", endpoint="", http_conn_id="http_default", deferrable=True, dag=dag
)
post = HttpOperator(
    task_id="post",
    endpoint="post",
    data=json.dumps({"level": 5}),
    headers={"Content-Type": "application/json"},
    dag=dag,
)
form = HttpOperator(
    task_id="form",
    endpoint="post",
    data="name=Ann&day={{ ds_nodash }}",
    headers={"Content-Type": "application/x-www-form-urlencoded"},
    dag=dag,
)
get = HttpOperator(
    task_id="get", method="GET", endpoint="get", data={"state": "ready", "n": "2"}, dag=dag
)
put = HttpOperator(task_id="put", method="PUT", endpoint="put", data="{}", dag=dag)
delete = HttpOperator(
    task_id="delete", method="DELETE", endpoint="items/{{ run_id[:6] }}", dag=dag
)


@task(dag=dag)
def level_is_5(answer):
    level = json.loads(answer)["json"]["level"]
    if level != 5:
        raise ValueError(f"The level is {level}.")


@task(dag=dag, retries=0)
def state_of(answer):
    return json.loads(answer)["args"]["state"]


@task(dag=dag)
def pages():
    """Page after page, as long as the service names a next one."""
    hook, found, cursor = HttpHook(method="GET"), [], "1"
    while cursor:
        page = hook.run("pages", data={"cursor": cursor}).json()
        found += page["items"]
        cursor = page["next"]
    return found


checked = level_is_5(post.output)
up >> up_again >> post >> form >> get >> put >> delete >> pages()
checked >> get
state_of(get.output)
