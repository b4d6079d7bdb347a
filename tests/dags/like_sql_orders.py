"""SQL in several statements, with parameters and templates, checked side by side."""

from __future__ import annotations

import datetime

from airflow import DAG
from airflow.models.baseoperator import chain
from airflow.operators.dummy import DummyOperator
from airflow.operators.python import PythonOperator
from airflow.providers.common.sql.operators.sql import (
    SQLCheckOperator,
    SQLExecuteQueryOperator,
    SQLValueCheckOperator,
)
from airflow.utils.task_group import TaskGroup


def cheapest(rows, **context):
    """The rows are those that the task before left."""
    return {"customer": min(rows, key=lambda row: row[1])[0], "day": context["ds"]}


with DAG(
    dag_id="like_sql_orders",
    start_date=datetime.datetime(2024, 2, 2),
    schedule="@once",
    catchup=False,
    default_args={"conn_id": "shop_db", "retries": 1},
    params={"least": 10},
) as dag:
    begin = DummyOperator(task_id="begin")
    make_table = SQLExecuteQueryOperator(
        task_id="make_table",
        sql="""
            CREATE TABLE IF NOT EXISTS orders (
                order_id SERIAL PRIMARY KEY, customer VARCHAR NOT NULL, amount INTEGER NOT NULL,
                ordered_on DATE NOT NULL);
            TRUNCATE orders;
        """,
    )
    fill_table = SQLExecuteQueryOperator(
        task_id="fill_table",
        sql="""
            INSERT INTO orders (customer, amount, ordered_on) VALUES ('Ann', 30, '{{ ds }}');
            INSERT INTO orders (customer, amount, ordered_on) VALUES ('Bo; & Co', 12, '{{ ds }}');
            INSERT INTO orders (customer, amount, ordered_on) VALUES ('Cy', 5, '2020-01-01');
        """,
    )
    with TaskGroup(group_id="checks") as checks:
        SQLValueCheckOperator(task_id="count", sql="SELECT COUNT(*) FROM orders", pass_value=3)
        for customer in ("Ann", "Cy"):
            SQLCheckOperator(
                task_id=f"orders_of_{customer}",
                sql=f"SELECT COUNT(*) = 1, MIN(amount) > 0 FROM orders WHERE customer = '{customer}'",
            )
    of_the_day = SQLExecuteQueryOperator(
        task_id="of_the_day",
        sql="""
            SELECT customer, amount FROM orders
            WHERE ordered_on BETWEEN %(first)s AND %(last)s AND amount >= {{ params.least }}
            ORDER BY amount DESC
        """,
        parameters={"first": "{{ ds }}", "last": "{{ macros.ds_add(ds, 1) }}"},
    )
    pick = PythonOperator(task_id="pick", python_callable=cheapest, op_args=[of_the_day.output])
    drop_table = SQLExecuteQueryOperator(
        task_id="drop_table", sql="DROP TABLE orders", trigger_rule="all_done"
    )

    chain(begin, make_table, fill_table, checks, of_the_day, pick, drop_table)
