"""What a finished job says it did.

https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatistics
"""

import re

from tests.fakes.google.answers import Json
from tests.fakes.google.plans import JobPlan

_DML = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_FIRST_WORDS = {
    "WITH": "SELECT",
    "CREATE": "CREATE_TABLE",
    "DROP": "DROP_TABLE",
    "ALTER": "ALTER_TABLE",
    "DECLARE": "SCRIPT",
    "BEGIN": "SCRIPT",
}
_COMMENT = re.compile(r"--[^\n]*|#[^\n]*|/\*.*?\*/", re.DOTALL)


def statement_type(plan: JobPlan, configuration: Json) -> str:
    """The statement's type: as planned, else guessed from the first word of the SQL."""
    if plan.statement_type:
        return plan.statement_type
    sql = str(configuration.get("query", {}).get("query", ""))
    words: list[str] = re.findall(r"[A-Z]+", _COMMENT.sub(" ", sql).upper()) or ["SELECT"]
    if words[0] == "CREATE" and "SELECT" in words:
        return "CREATE_TABLE_AS_SELECT"
    return _FIRST_WORDS.get(words[0], words[0])


def affected_rows(plan: JobPlan, configuration: Json) -> Json:
    """``numDmlAffectedRows`` of a DML statement, nothing for another."""
    if statement_type(plan, configuration) not in _DML:
        return {}
    return {"numDmlAffectedRows": str(plan.affected_rows)}


def statistics_of(kind: str, plan: JobPlan, configuration: Json) -> Json:
    """The part of JobStatistics that depends on the kind of job. 64-bit integers are text."""
    builders = {"query": _query, "load": _load, "extract": _extract, "copy": _copy}
    specific = builders[kind](plan, configuration)
    if kind != "query":
        return {"totalSlotMs": str(plan.slot_ms), kind: specific}
    return {
        "totalBytesProcessed": specific["totalBytesProcessed"],
        "totalSlotMs": str(plan.slot_ms),
        kind: specific,
    }


def _query(plan: JobPlan, configuration: Json) -> Json:
    return {
        "totalBytesProcessed": str(0 if plan.cache_hit else plan.bytes_processed),
        "totalBytesBilled": str(plan.billed),
        "totalSlotMs": str(plan.slot_ms),
        "cacheHit": plan.cache_hit,
        "statementType": statement_type(plan, configuration),
        **affected_rows(plan, configuration),
    }


def _load(plan: JobPlan, _: Json) -> Json:
    return {
        "inputFiles": str(plan.files),
        "inputFileBytes": str(plan.output_bytes),
        "outputRows": str(plan.output_rows),
        "outputBytes": str(plan.output_bytes),
        "badRecords": "0",
    }


def _extract(plan: JobPlan, configuration: Json) -> Json:
    targets = configuration["extract"].get("destinationUris", [])
    return {"destinationUriFileCounts": [str(plan.files) for _ in targets]}


def _copy(plan: JobPlan, _: Json) -> Json:
    return {"copiedRows": str(plan.output_rows), "copiedLogicalBytes": str(plan.output_bytes)}
