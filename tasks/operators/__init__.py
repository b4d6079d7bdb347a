"""Every operator that Patchbay runs, by Airflow's class name."""

from __future__ import annotations

from tasks.operators.base import Operator
from tasks.operators.bigquery import BigQueryInsertJobOperator

OPERATORS: dict[str, type[Operator]] = {
    operator.name: operator for operator in (BigQueryInsertJobOperator,)
}
