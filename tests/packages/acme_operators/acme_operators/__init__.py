"""An operator that another package adds to Patchbay."""

from __future__ import annotations

from typing import Any, ClassVar

from tasks.operators.base import Argument, Context, Operator, TaskResult


class AcmeReportOperator(Operator):
    """Have a report of Acme's made, and leave its address."""

    name: ClassVar[str] = "AcmeReportOperator"
    import_paths: ClassVar[tuple[str, ...]] = ("airflow.providers.acme.operators.reports",)
    connection_argument: ClassVar[str] = "acme_conn_id"
    default_conn_id: ClassVar[str] = "acme_default"
    connection_types: ClassVar[tuple[str, ...]] = ("http",)
    category: ClassVar[str] = "Acme"
    summary: ClassVar[str] = "Has a report made"
    cancels: ClassVar[str] = "The report is made all the same."
    result_name: ClassVar[str] = "address of the report"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("report", required=True, templated=True, help="Which one, such as sales."),
        Argument("form", default="pdf", choices=("pdf", "csv")),
        Argument("acme_conn_id", default="acme_default", templated=True),
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from acme_operators.reports import make  # what needs a library is imported here

        address = make(session, self.values["report"], self.values["form"])
        context.log(f"asked for {address}")
        return TaskResult(f"Report {self.values['report']} made", value=address)
