"""The usual form of an Airflow 2 file: default_args, schedule_interval, dag=dag, chain."""

import os
from datetime import datetime, timedelta

from airflow.models import DAG
from airflow.models.baseoperator import chain
from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator
from airflow.utils.trigger_rule import TriggerRule

default_args = {
    "owner": "airflow",
    "depends_on_past": False,
    "retries": 2,
    "retry_delay": timedelta(minutes=5),
    "email": ["data@example.com"],
    "email_on_failure": False,
    "gcp_conn_id": "warehouse",
}

dag = DAG(
    os.path.basename(__file__).removesuffix(".py"),
    description="Three steps",
    schedule_interval="0 6 * * *",
    start_date=datetime(2024, 1, 1),
    catchup=False,
    default_args=default_args,
    tags=["weather", "daily"],
    params={"year": 2015},
    max_active_runs=1,
)
dag.doc_md = __doc__


def query(name, **arguments):
    return BigQueryInsertJobOperator(
        task_id=name,
        configuration={"query": {"query": f"SELECT '{name}'", "useLegacySql": False}},
        dag=dag,
        **arguments,
    )


extract = query("extract")
transform = query("transform", retries=0)
report = query("report", trigger_rule=TriggerRule.ALL_SUCCESS, gcp_conn_id="reports")

chain(extract, transform, report)

if __name__ == "__main__":
    dag.test()
