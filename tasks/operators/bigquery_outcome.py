"""What a BigQuery job did: its facts and its sentence, from the statistics of the job.

https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatistics
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from tasks.operators.base import TaskResult

CONSOLE = "https://console.cloud.google.com/bigquery"


def result_of(job: Any, statistics: dict[str, Any], *, is_googles: bool) -> TaskResult:
    """``is_googles``: the job runs at Google, and not at a server that takes its place."""
    facts = _facts(job.job_id, statistics)
    place = {"project": job.project, "location": job.location or ""}
    link = {"console_url": console_url(job)} if is_googles else {}
    return TaskResult(
        _summary(facts),
        {**place, **facts, **link},
        value=job.job_id,
        xcoms={"job_id_path": f"{job.project}:{job.location or 'US'}:{job.job_id}"},
    )


def console_url(job: Any) -> str:
    """Where Google's console shows the job."""
    job_path = f"bq:{job.location or 'US'}:{job.job_id}"
    query = {"project": job.project, "j": job_path, "page": "queryresults"}
    return f"{CONSOLE}?{urlencode(query, safe=':')}"


def _facts(job_id: str, statistics: dict[str, Any]) -> dict[str, Any]:
    """Rows, bytes and files, as far as BigQuery tells."""
    query = statistics.get("query", {})
    load = statistics.get("load", {})
    changed = _first_int(query.get("numDmlAffectedRows"))
    extracted = statistics.get("extract", {}).get("destinationUriFileCounts")
    facts = {
        "job_id": job_id,
        "rows": _first_int(
            load.get("outputRows"),
            statistics.get("copy", {}).get("copiedRows"),
            query.get("totalRows") if changed is None else None,
        ),
        "changed_rows": changed,
        "files": sum(map(int, extracted)) if extracted else None,
        "bytes": _first_int(
            query.get("totalBytesProcessed"),
            load.get("outputBytes"),
            statistics.get("totalBytesProcessed"),
        ),
        "cache_hit": True if query.get("cacheHit") else None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _first_int(*values: Any) -> int | None:
    return next((int(value) for value in values if value is not None), None)


def _summary(facts: dict[str, Any]) -> str:
    parts = [
        f"{facts[name]:,} {one if facts[name] == 1 else many}"
        for name, one, many in (
            ("rows", "row", "rows"),
            ("changed_rows", "row changed", "rows changed"),
            ("files", "file", "files"),
        )
        if name in facts
    ]
    if "bytes" in facts:
        parts.append(f"{_size(facts['bytes'])} read")
    return ", ".join(["Cloud job done", *parts])


def _size(count: int) -> str:
    number = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if number < 1000 or unit == "TB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
