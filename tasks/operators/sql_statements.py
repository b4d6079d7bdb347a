"""Runs SQL in a session of a database: statements, checks, looks. Imported on first use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connections.exceptions import Failure
from connections.hooks.sql import FIRST, NOTHING, Answer, Keep, SqlSession
from tasks.operators.base import Context, TaskResult
from tasks.operators.sql_splitting import statements_in
from tasks.operators.sql_values import as_number, rows_of, shown

Values = Mapping[str, Any]
#: What one statement may leave: rows, and characters or bytes.
MOST_ROWS, MOST_SIZE = 10_000, 8_000_000
#: Rows that the log shows.
MOST_SHOWN = 100


def run(values: Values, session: SqlSession, context: Context) -> TaskResult:
    """Run the statements in one transaction, or each in its own with ``autocommit``."""
    statements = texts_of(values, session.dialect)
    if not statements:
        raise Failure("sql:syntax", vendor_message="There is no statement in the SQL.")
    keep = Keep(MOST_ROWS, MOST_SIZE, is_limit=True) if values["do_xcom_push"] else NOTHING
    per_text: list[list[Answer]] = []
    database, autocommit = values["database"], bool(values["autocommit"])
    with _Transaction(session, context, database=database, autocommit=autocommit) as transaction:
        for number, statement in enumerate(statements, start=1):
            if len(statements) > 1:
                context.progress(f"Statement {number:,} of {len(statements):,}")
            per_text.append(transaction.run(statement, values["parameters"], keep=keep))
    answers = [answer for text in per_text for answer in text]
    value = None
    if values["do_xcom_push"]:
        value = _value(values, per_text, as_dicts=session.rows_as_dicts)
    if values["show_return_value_in_logs"]:
        _log(value, context)
    facts = _facts(answers)
    return TaskResult(_summary(facts), facts, value=value)


def check_row(values: Values, session: SqlSession, context: Context) -> TaskResult:
    """Raise ``Failure`` unless there is a row, and all in it is true."""
    columns, row = _first_row(values, session, context)
    if not all(row):
        raise Failure("sql:check-failed", reason=shown(columns, row))
    return TaskResult(f"Check passed: {shown(columns, row)}")


def check_value(values: Values, session: SqlSession, context: Context) -> TaskResult:
    """Raise ``Failure`` unless there is a row, and all in it is what is expected."""
    columns, row = _first_row(values, session, context)
    expected, tolerance = values["pass_value"], values["tolerance"]
    number = None if isinstance(expected, bool) else as_number(expected)
    if number is None:
        passes = all(str(value) == str(expected) for value in row)
    else:
        margin = abs(number) * (tolerance or 0)
        found = map(as_number, row)
        passes = all(value is not None and abs(value - number) <= margin for value in found)
    if not passes:
        within = f" within {tolerance:.4g} of it" if tolerance and number is not None else ""
        words = f"{shown(columns, row)}, where {expected}{within} is expected"
        raise Failure("sql:check-failed", reason=words)
    return TaskResult(f"Check passed: {shown(columns, row)}")


def look(values: Values, session: SqlSession, context: Context) -> TaskResult | None:
    """Whether the first cell is true by now."""
    answer = _first_answer(values, session, context)
    if not answer.rows and values["fail_on_empty"]:
        raise Failure("sql:no-rows")
    if not answer.rows or not answer.rows[0][0]:
        return None
    return TaskResult(f"It is there: {shown(answer.columns, answer.rows[0])}")


def texts_of(values: Values, dialect: str) -> list[str]:
    """What is sent at once, each."""
    sql = values["sql"]
    if isinstance(sql, str):
        texts = statements_in(sql, dialect) if values["split_statements"] else [sql]
    else:
        texts = list(sql)
    return [text for text in texts if text.strip()]


class _Transaction:
    """Commits at the end of the block if all went well and nobody stopped the task, else undoes."""

    def __init__(
        self,
        session: SqlSession,
        context: Context,
        *,
        database: str | None = None,
        autocommit: bool = False,
    ) -> None:
        self._session = session
        self._context = context
        self._database = database
        self._autocommit = autocommit

    def __enter__(self) -> _Transaction:
        if self._database:
            self._session.use(self._database)
        self._call(lambda: self._session.begin(autocommit=self._autocommit))
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            # From here on the database decides: it isn't stopped half way.
            self._unstopped(self._session.commit)
        else:
            self._session.rollback()

    def run(self, sql: str, parameters: Any, *, keep: Keep) -> list[Answer]:
        """Raise ``Failure``, or what the context raises for a task that is to stop."""
        answers: list[Answer] = self._call(
            lambda: self._session.run(sql, parameters or None, keep=keep)
        )
        # A statement that was stopped may come back as if it had gone well.
        self._context.check()
        return answers

    def _call(self, function: Any) -> Any:
        self._context.check()
        with self._context.stopped_by(self._session.cancel):
            return self._unstopped(function)

    def _unstopped(self, function: Any) -> Any:
        try:
            return function()
        except self._session.errors as error:
            self._context.check()
            raise self._session.failure_of(error) or error from None


def _first_row(
    values: Values, session: SqlSession, context: Context
) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    answer = _first_answer(values, session, context)
    if not answer.rows:
        raise Failure("sql:no-rows")
    return answer.columns, answer.rows[0]


def _first_answer(values: Values, session: SqlSession, context: Context) -> Answer:
    """What the last statement of the text gave, with its first row alone."""
    with _Transaction(session, context, database=values.get("database")) as transaction:
        answers = transaction.run(values["sql"], values["parameters"], keep=FIRST)
    return answers[-1] if answers else Answer()


def _value(values: Values, per_text: list[list[Answer]], *, as_dicts: bool) -> Any:
    """As Airflow has it: one list of rows, or one for each statement.

    https://airflow.apache.org/docs/apache-airflow-providers-common-sql/stable/operators.html
    """
    results = [rows_of(answers[-1], as_dicts=as_dicts) if answers else None for answers in per_text]
    split = values["split_statements"]
    is_single = values["return_last"] or split is False
    return results[-1] if isinstance(values["sql"], str) and is_single else results


def _facts(answers: list[Answer]) -> dict[str, Any]:
    counted = [answer.count for answer in answers if answer.count is not None]
    changed = [answer.changed for answer in answers if answer.changed is not None]
    facts: dict[str, Any] = {"statements": len(answers)} if len(answers) > 1 else {}
    if counted:
        facts["rows"] = sum(counted)
    if any(changed) or (changed and not counted):
        facts["changed_rows"] = sum(changed)
    return facts


def _summary(facts: dict[str, Any]) -> str:
    parts = [
        f"{facts[name]:,} {one if facts[name] == 1 else many}"
        for name, one, many in (
            ("statements", "statement", "statements"),
            ("rows", "row", "rows"),
            ("changed_rows", "row changed", "rows changed"),
        )
        if name in facts
    ]
    return ", ".join(["SQL done", *parts])


def _log(value: Any, context: Context) -> None:
    rows = value if isinstance(value, list) else []
    for row in rows[:MOST_SHOWN]:
        context.log(json.dumps(row, ensure_ascii=False))
    if len(rows) > MOST_SHOWN:
        context.log(f"… and {len(rows) - MOST_SHOWN:,} more")
