"""Every kind of job, between a bucket and a data set that are made for it and deleted again."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from airflow.models.dag import DAG
from airflow.providers.google.cloud.operators.bigquery import (
    BigQueryCreateEmptyDatasetOperator,
    BigQueryCreateTableOperator,
    BigQueryDeleteDatasetOperator,
    BigQueryInsertJobOperator,
    BigQueryValueCheckOperator,
)
from airflow.providers.google.cloud.operators.gcs import (
    GCSCreateBucketOperator,
    GCSDeleteBucketOperator,
    GCSListObjectsOperator,
)
from airflow.providers.google.cloud.sensors.gcs import GCSObjectExistenceSensor

try:
    from airflow.sdk import TriggerRule
except ImportError:
    from airflow.utils.trigger_rule import TriggerRule

PROJECT = os.environ.get("RIVERS_PROJECT", "patchbay-demo")
DATASET = "rivers"
BUCKET = f"{PROJECT}-rivers"
FIELDS = [
    {"name": "river", "type": "STRING", "mode": "NULLABLE"},
    {"name": "km", "type": "INTEGER", "mode": "NULLABLE"},
]


def place(table):
    return {"projectId": PROJECT, "datasetId": DATASET, "tableId": table}


def query(task_id, text):
    job = {"query": {"query": text, "useLegacySql": False, "priority": "BATCH"}}
    return BigQueryInsertJobOperator(task_id=task_id, configuration=job)


with DAG(
    "like_bigquery_jobs",
    schedule="@once",
    start_date=datetime(2024, 1, 1),
    catchup=False,
    default_args={"retries": 1, "retry_delay": timedelta(seconds=1)},
    tags=["example", "bigquery"],
) as dag:
    make_bucket = GCSCreateBucketOperator(
        task_id="make_bucket", bucket_name=BUCKET, project_id=PROJECT, storage_class="STANDARD"
    )
    make_dataset = BigQueryCreateEmptyDatasetOperator(task_id="make_dataset", dataset_id=DATASET)
    make_table = BigQueryCreateTableOperator(
        task_id="make_table",
        dataset_id=DATASET,
        table_id="measured",
        table_resource={"schema": {"fields": FIELDS}},
    )
    insert = query("insert", f"INSERT {DATASET}.measured VALUES ('{{{{ ds }}}}', 7), ('Inn', 518);")
    copy = BigQueryInsertJobOperator(
        task_id="copy",
        configuration={
            "copy": {
                "sourceTables": [place("measured")],
                "destinationTable": place("copied"),
                "writeDisposition": "WRITE_TRUNCATE",
                "operationType": "COPY",
            }
        },
    )
    long_ones = query(
        "long_ones",
        f"CREATE OR REPLACE TABLE {DATASET}.long AS SELECT * FROM {DATASET}.copied WHERE km > 100;",
    )
    one_is_long = BigQueryValueCheckOperator(
        task_id="one_is_long",
        sql=f"SELECT COUNT(*) FROM {DATASET}.long",
        pass_value=1,
        use_legacy_sql=False,
    )
    there = GCSObjectExistenceSensor(
        task_id="there", bucket="atlas", object="in/rivers.csv", timeout=60, poke_interval=1
    )
    load = BigQueryInsertJobOperator(
        task_id="load",
        configuration={
            "load": {
                "sourceUris": ["gs://atlas/in/*.csv"],
                "destinationTable": place("loaded"),
                "schema": {"fields": FIELDS},
                "sourceFormat": "CSV",
                "skipLeadingRows": 1,
                "writeDisposition": "WRITE_TRUNCATE",
            }
        },
    )
    extract = BigQueryInsertJobOperator(
        task_id="extract",
        configuration={
            "extract": {
                "sourceTable": place("loaded"),
                "destinationUris": [f"gs://{BUCKET}/out.csv", ],
                "destinationFormat": "CSV",
            }
        },
    )
    look = GCSListObjectsOperator(task_id="look", bucket=BUCKET, match_glob="*.csv")
    delete_dataset = BigQueryDeleteDatasetOperator(
        task_id="delete_dataset",
        dataset_id=DATASET,
        delete_contents=True,
        trigger_rule=TriggerRule.ALL_DONE,
    )
    delete_bucket = GCSDeleteBucketOperator(
        task_id="delete_bucket", bucket_name=BUCKET, trigger_rule=TriggerRule.ALL_DONE
    )

    make_dataset >> make_table >> insert >> copy >> long_ones >> one_is_long >> delete_dataset
    [make_dataset, make_bucket] >> there >> load >> extract >> look >> delete_dataset
    delete_dataset >> delete_bucket
