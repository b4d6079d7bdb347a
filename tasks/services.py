"""What one can do with DAGs and runs."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from access.audit import Actor, record
from connections.rows import row_of
from connections.types.json_text import NotJson, parse, wrong_characters
from tasks import live
from tasks.engine import database_time
from tasks.engine.rows import insert_run
from tasks.engine.versions import UnreadableSpec, spec_of
from tasks.exceptions import DagNotFound, TriggerRefused
from tasks.models import Dag, DagRun
from tasks.params import checked_params
from tasks.schedules.timetable import Slot
from tasks.tasks import send

LONGEST_CONF = 65_536
#: Airflow's rule (``[scheduler] allowed_run_id_pattern``), with the length of the column.
RUN_ID_PATTERN = r"^[A-Za-z0-9_.~:+-]{1,250}\Z"


def trigger_dag_run(
    dag_id: str,
    *,
    actor: Actor,
    conf: dict[str, Any] | None = None,
    run_id: str | None = None,
    logical_date: datetime | None = None,
    data_interval: tuple[datetime, datetime] | None = None,
    note: str = "",
) -> DagRun:
    """Make a run with all its rows, and send its first tasks when that is committed.

    Raise ``DagNotFound``, or ``TriggerRefused`` with the reason in words. A
    broker that can't be reached is no error: the run waits, and the sweep sends.
    """
    dag = row_of(Dag, "dag_id", dag_id)
    if dag is None or dag.current_version_id is None:
        raise DagNotFound(dag_id)
    if dag.is_missing:
        raise TriggerRefused(f"The file of {dag_id} no longer defines it.")
    if run_id is not None and not re.match(RUN_ID_PATTERN, run_id):
        raise TriggerRefused(
            "A run ID has 1 to 250 letters, digits and the characters . _ ~ : + -, for example "
            "backfill-2026-01-31."
        )
    if run_id is not None and (words := _wrong_run_id(run_id)):
        raise TriggerRefused(words)
    now = timezone.now()
    conf = _checked_conf(conf)
    checked_params(spec_of(dag.current_version_id), conf)
    slot = Slot.at(logical_date or now)
    if data_interval is not None:
        slot = replace(
            slot, data_interval_start=data_interval[0], data_interval_end=data_interval[1]
        )
    return create_run(
        dag,
        run_type="manual",
        run_id=run_id or f"manual__{now.isoformat()}",
        slot=slot,
        conf=conf,
        note=note,
        actor=actor,
    )


def _wrong_run_id(run_id: str) -> str:
    """As in Airflow: what an address or the schedule gives a meaning of its own."""
    if run_id == "." or ".." in run_id:
        return "A run ID is part of addresses: it can't be one dot, or have two in a row."
    if run_id.startswith("scheduled__"):
        return "A run ID that begins with scheduled__ is for runs that the schedule makes."
    return ""


def create_run(
    dag: Dag,
    *,
    run_type: str,
    run_id: str,
    slot: Slot,
    actor: Actor,
    conf: dict[str, Any] | None = None,
    note: str = "",
) -> DagRun:
    """Make a run of the DAG's present version. Raise ``TriggerRefused`` if its ID is taken."""
    assert dag.current_version_id is not None
    spec = spec_of(dag.current_version_id)
    if isinstance(spec, UnreadableSpec):
        raise TriggerRefused(
            f"The present version of {dag.dag_id} was stored by another release, and can't be "
            f"read by this one: {spec.problem}"
        )
    run = DagRun(
        dag=dag,
        version_id=dag.current_version_id,
        run_id=run_id,
        run_type=run_type,
        conf=conf or {},
        logical_date=slot.logical_date,
        data_interval_start=slot.data_interval_start,
        data_interval_end=slot.data_interval_end,
        note=note,
        triggered_by_id=actor.user_id,
        triggered_by_name=actor.name,
        queued_at=database_time.now(),
        sequence=1,
    )
    try:
        with transaction.atomic():
            ready = insert_run(run)
            if run_type == "manual":
                # The run itself tells that the schedule made it.
                record(actor, "triggered", what="dag", name=dag.dag_id, run_id=run_id)
            transaction.on_commit(lambda: send(ready))
            live.publish_on_commit(run.pk)
    except IntegrityError:
        raise TriggerRefused(f"There is a run {run_id} already.") from None
    return run


def parse_conf(text: str) -> dict[str, Any]:
    """``conf`` from what a person typed. Raise ``TriggerRefused`` with line and column."""
    if not text.strip():
        return {}
    try:
        conf = parse(text)
    except NotJson as error:
        raise TriggerRefused(f"conf is not JSON: {error}.") from None
    return _checked_conf(conf)


def _checked_conf(conf: Any) -> dict[str, Any]:
    if conf is None:
        return {}
    if not isinstance(conf, dict):
        raise TriggerRefused('conf must be a JSON object, for example {"day": "2026-01-31"}.')
    text = json.dumps(conf, allow_nan=False)
    if len(text) > LONGEST_CONF:
        raise TriggerRefused(f"conf has {len(text):,} characters; {LONGEST_CONF:,} are allowed.")
    if words := wrong_characters(conf):
        raise TriggerRefused(f"conf can't be stored: {words}.")
    return conf
