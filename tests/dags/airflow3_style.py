"""The usual form of an Airflow 3 file, with a module of its own beside it."""

from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator
from airflow.sdk import DAG, cross_downstream
from queries import warm_days

with DAG("airflow3_style", schedule="@daily", tags={"weather", "air"}):
    years = [
        BigQueryInsertJobOperator(
            task_id=f"year_{year}",
            configuration={"query": {"query": warm_days(year), "useLegacySql": False}},
            gcp_conn_id="warehouse",
        )
        for year in (2014, 2015)
    ]
    first = BigQueryInsertJobOperator(
        task_id="first", configuration={"query": {"query": "SELECT 1"}}
    )
    last = [
        BigQueryInsertJobOperator(task_id=name, configuration={"copy": {"sourceTable": {}}})
        for name in ("left", "right")
    ]
    first >> years
    cross_downstream(years, last)
