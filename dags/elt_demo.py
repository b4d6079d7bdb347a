"""
### A file becomes a report

Seattle's weather arrives as a CSV file in object storage. BigQuery **loads** it as it is,
**transforms** it in SQL, **checks** it, and **extracts** one year's months to a CSV beside it:

    gs://patchbay-demo/landing/seattle-weather.csv  ->  gs://patchbay-demo/reports/seattle-2015.csv

Trigger it with another year to see the other branch: there is no weather of 2016.
"""

from datetime import timedelta

from airflow.providers.google.cloud.operators.bigquery import (
    BigQueryCheckOperator,
    BigQueryCreateEmptyDatasetOperator,
    BigQueryDeleteTableOperator,
    BigQueryGetDataOperator,
    BigQueryInsertJobOperator,
    BigQueryValueCheckOperator,
)
from airflow.providers.google.cloud.sensors.gcs import GCSObjectExistenceSensor
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param, TaskGroup, TriggerRule, task

PROJECT = "patchbay-demo"
DATASET = "elt_demo"
BUCKET = "patchbay-demo"
LANDED = "landing/seattle-weather.csv"


def table(name):
    return {"projectId": PROJECT, "datasetId": DATASET, "tableId": name}


with DAG(
    dag_id="elt_demo",
    description="Seattle's weather: a CSV file is loaded, transformed, checked and extracted",
    doc_md=__doc__,
    schedule=None,
    dagrun_timeout=timedelta(minutes=10),
    tags=["demo"],
    params={"year": Param(2015, type="integer", minimum=2000, maximum=2100)},
    default_args={
        "gcp_conn_id": "my_gcp_conn",
        "google_cloud_conn_id": "my_gcp_conn",
        "use_legacy_sql": False,
        "retries": 2,
        "retry_delay": timedelta(seconds=10),
    },
) as dag:
    wait_for_file = GCSObjectExistenceSensor(
        task_id="wait_for_file",
        bucket=BUCKET,
        object=LANDED,
        mode="reschedule",
        poke_interval=10,
        timeout=300,
    )

    create_dataset = BigQueryCreateEmptyDatasetOperator(
        task_id="create_dataset", dataset_id=DATASET, if_exists="ignore"
    )

    with TaskGroup("load", tooltip="The file as it is, and whether it can be true") as load:
        load_file = BigQueryInsertJobOperator(
            task_id="load_file",
            configuration={
                "load": {
                    "sourceUris": [f"gs://{BUCKET}/{LANDED}"],
                    "sourceFormat": "CSV",
                    "skipLeadingRows": 1,
                    "destinationTable": table("landed"),
                    "writeDisposition": "WRITE_TRUNCATE",
                    "schema": {
                        "fields": [
                            {"name": "date", "type": "STRING"},
                            {"name": "precipitation", "type": "FLOAT64"},
                            {"name": "temp_max", "type": "FLOAT64"},
                            {"name": "temp_min", "type": "FLOAT64"},
                            {"name": "wind", "type": "FLOAT64"},
                            {"name": "weather", "type": "STRING"},
                        ]
                    },
                }
            },
        )

        every_day = BigQueryValueCheckOperator(
            task_id="every_day_is_there",
            sql="SELECT COUNT(DISTINCT date) FROM elt_demo.landed",
            pass_value=1461,
        )

        plausible = BigQueryCheckOperator(
            task_id="values_are_plausible",
            sql="""
                SELECT
                    COUNTIF(temp_max < temp_min) = 0 AS highest_above_lowest,
                    COUNTIF(precipitation < 0) = 0 AS no_rain_below_zero,
                    MAX(temp_max) BETWEEN 30 AND 50 AS in_degrees_celsius
                FROM elt_demo.landed
            """,
        )

        load_file >> [every_day, plausible]

    with TaskGroup("transform", tooltip="Days with a date, then months") as transform:
        days = BigQueryInsertJobOperator(
            task_id="days",
            configuration={
                "query": {
                    "query": """
                        CREATE OR REPLACE TABLE elt_demo.days AS
                        SELECT
                            PARSE_DATE('%Y/%m/%d', date) AS day,
                            precipitation AS rain_mm,
                            temp_max,
                            weather
                        FROM elt_demo.landed
                    """,
                    "useLegacySql": False,
                }
            },
        )

        months = BigQueryInsertJobOperator(
            task_id="months",
            configuration={
                "query": {
                    "query": """
                        CREATE OR REPLACE TABLE elt_demo.months_{{ params.year }} AS
                        SELECT
                            FORMAT_DATE('%Y-%m', day) AS month,
                            COUNT(*) AS days,
                            COUNTIF(weather = 'sun') AS sunny_days,
                            ROUND(SUM(rain_mm), 1) AS rain_mm,
                            ROUND(AVG(temp_max), 1) AS average_temp_max
                        FROM elt_demo.days
                        WHERE EXTRACT(YEAR FROM day) = {{ params.year }}
                        GROUP BY month
                        ORDER BY month
                    """,
                    "useLegacySql": False,
                }
            },
        )

        days >> months

    read_months = BigQueryGetDataOperator(
        task_id="read_months",
        dataset_id=DATASET,
        table_id="months_{{ params.year }}",
        as_dict=True,
    )

    @task.branch
    def is_the_year_whole(months):
        return ["publish", "summary"] if len(months) == 12 else "nothing_to_publish"

    @task
    def summary(months, params=None):
        wettest = max(months, key=lambda month: float(month["rain_mm"]))
        text = f"The wettest month of {params['year']}: {wettest['month']}, {wettest['rain_mm']} mm"
        print(text)
        return text

    publish = BigQueryInsertJobOperator(
        task_id="publish",
        configuration={
            "extract": {
                "sourceTable": table("months_{{ params.year }}"),
                "destinationUris": [f"gs://{BUCKET}/reports/seattle-{{{{ params.year }}}}.csv"],
                "destinationFormat": "CSV",
                "printHeader": True,
            }
        },
    )

    nothing_to_publish = EmptyOperator(task_id="nothing_to_publish")

    clean_up = BigQueryDeleteTableOperator(
        task_id="clean_up",
        deletion_dataset_table=f"{PROJECT}.{DATASET}.landed",
        ignore_if_missing=True,
        trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    )

    wait_for_file >> create_dataset >> load >> transform >> read_months
    is_the_year_whole(read_months.output) >> [
        publish,
        summary(read_months.output),
        nothing_to_publish,
    ] >> clean_up
