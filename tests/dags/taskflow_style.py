"""The usual form of a file of functions: @dag, @task, @task_group, outputs handed on."""

import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Label, Param, dag, task, task_group


@dag(
    schedule="@daily",
    start_date=pendulum.datetime(2024, 1, 1, tz="Europe/Vienna"),
    catchup=False,
    default_args={"owner": "data", "retries": 2},
    params={"limit": Param(100, type="integer", minimum=1)},
    tags=["sales"],
)
def sales():
    """Sales of two countries."""

    @task
    def extract(ds=None) -> dict[str, list[int]]:
        return {"AT": [1, 2], "DE": [3, int(ds[:4])]}

    @task_group(tooltip="One country")
    def country(rows):
        @task
        def clean(rows):
            return [row for row in rows if row > 1]

        @task
        def load(rows, params=None):
            return len(rows[: params["limit"]])

        return load(clean(rows))

    @task.short_circuit
    def is_enough(*counts):
        return sum(counts) > 2

    rows = extract()
    counts = [country.override(group_id=name)(rows[name]) for name in ("AT", "DE")]
    report = EmptyOperator(task_id="report", retries=0)
    is_enough(*counts) >> Label("enough") >> report


sales()
