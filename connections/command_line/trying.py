"""``test``: has a worker try a connection, and waits for what it finds."""

from __future__ import annotations

from typing import Any

from access.audit import Actor
from connections.command_line.session import FAILED, failed, words_of
from connections.exceptions import ConnectionFailure, InvalidConnection
from connections.from_environment import find_in_environment
from connections.models import Connection, ConnectionTestState
from connections.testing import can_test, request_test, wait_for
from connections.types import type_of
from connections.validation import draft_from


def test(options: dict[str, Any]) -> tuple[str, int]:
    """The words of the outcome, and the exit code."""
    conn_id = options["conn_id"]
    try:
        loaded = find_in_environment(conn_id)
    except ConnectionFailure as error:
        failed(words_of(error))
    rows = Connection.objects.filter(conn_id=conn_id)
    conn_type = loaded.conn_type if loaded else rows.values_list("conn_type", flat=True).first()
    if conn_type is None:
        failed(f"There is no connection {conn_id}.")
    if not can_test(conn_type):
        failed(f"{type_of(conn_type).label} can't be tested yet: nothing here opens such sessions.")
    draft = draft_from(loaded) if loaded else None
    try:
        row, _ = request_test(draft, conn_id=conn_id, actor=Actor.of_command_line())
    except InvalidConnection as error:
        failed(words_of(error))
    row = wait_for(row, seconds=options["timeout"])
    if not row.is_done:
        failed(
            f"The test did not end in {options['timeout']:g} s. Its page shows what comes of it."
        )
    lines = [_stage(stage) for stage in row.stages]
    is_well = row.state == ConnectionTestState.SUCCESS
    lines.append(row.message or ("It works." if is_well else "It failed."))
    return "\n".join(lines), 0 if is_well else FAILED


def _stage(stage: dict[str, Any]) -> str:
    parts = (stage.get("state", ""), stage.get("name", ""), stage.get("words", ""))
    return "  ".join(str(part) for part in parts if part)
