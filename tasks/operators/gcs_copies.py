"""Copies and moves objects of Google Cloud Storage.

Which objects, and to which names, is as in GCSToGCSOperator of Airflow's Google provider.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from connections.exceptions import Failure
from tasks.operators.base import Context, TaskResult
from tasks.operators.gcs_calls import Bucket
from tasks.operators.object_names import counted, in_order, moment

Found = dict[str, Any]


def copy_objects(values: dict[str, Any], session: Any, context: Context) -> TaskResult:
    bucket = Bucket(values["source_bucket"], values, session, context)
    to = values["destination_bucket"] or bucket.name
    is_wanted = _Time(values)
    copied: list[str] = []
    skipped = 0
    for source in (
        [values["source_object"]] if values["source_object"] else values["source_objects"]
    ):
        for found, target in _planned(bucket, values, source):
            if not is_wanted(found) or not _copy(bucket, values, found, to=(to, target)):
                skipped += 1
                continue
            copied.append(f"gs://{to}/{target}")
            context.progress(f"{counted(len(copied))} copied", objects=len(copied))
    # The names of empty folders are of no use to other tasks.
    urls = in_order(url for url in copied if not url.endswith("/"))
    did = "Moved" if values["move_object"] else "Copied"
    left = f", left out {skipped:,}" if skipped else ""
    facts = {"bucket": to, "objects": len(copied)}
    return TaskResult(f"{did} {counted(len(copied))}{left}", facts, value=urls)


def _planned(bucket: Bucket, values: dict[str, Any], source: str) -> Iterator[tuple[Found, str]]:
    """What to copy, each with its new name."""
    target = values["destination_object"]
    if "*" in source:
        before, _, after = source.partition("*")
        # All of them first: a copy may come to stand in the same place.
        for found in list(bucket.objects(before)):
            name = found["name"]
            if name.endswith(after) and len(name) >= len(before + after):
                yield found, name if target is None else target + name.removeprefix(before)
        return
    objects = _listed(bucket, values, source)
    if not objects and source:
        single = bucket.find(source)
        if single is not None:
            yield single, target or source
        elif values["source_object_required"]:
            raise Failure("object:not-found", bucket=bucket.name, object=source)
    elif len(objects) == 1 and not objects[0]["name"].endswith("/"):
        yield objects[0], _name_of_one(objects[0]["name"], target)
    else:
        base = _base(source, [found["name"] for found in objects])
        for found in objects:
            name = found["name"]
            yield found, name if target is None else _below(target, name.removeprefix(base))


def _listed(bucket: Bucket, values: dict[str, Any], source: str) -> list[Found]:
    end = values["delimiter"] or ""
    objects = bucket.objects(source, matchGlob=values["match_glob"] or "")
    return [
        found
        for found in objects
        if found["name"].endswith(end) and (not values["exact_match"] or found["name"] == source)
    ]


def _name_of_one(name: str, target: str | None) -> str:
    if target and target.endswith("/"):
        return target + name.rpartition("/")[2]
    return target or name


def _base(source: str, names: list[str]) -> str:
    """What of the names is left out: the folder that ``source`` is, or lies in."""
    folder = source.rstrip("/")
    if source.endswith("/") or all(name.removeprefix(folder).startswith("/") for name in names):
        return folder + "/"
    return source[: source.rfind("/") + 1]


def _below(target: str, name: str) -> str:
    return f"{target.rstrip('/')}/{name}"


def _copy(bucket: Bucket, values: dict[str, Any], found: Found, *, to: tuple[str, str]) -> bool:
    """Whether it was copied. A move deletes it where it was."""
    origin = (bucket.name, found["name"])
    if origin == to:
        return False
    try:
        _rewrite(bucket, origin, to, is_new="" if values["replace"] else "0")
    except Failure as failure:
        if failure.code == "object:exists":
            return False
        raise
    if values["move_object"]:
        bucket.delete(found["name"])
    return True


def _rewrite(bucket: Bucket, origin: tuple[str, str], to: tuple[str, str], *, is_new: str) -> None:
    """A large object takes several calls.

    https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite
    """
    token = ""

    def rewrite() -> Any:
        more = {"rewriteToken": token, "ifGenerationMatch": is_new}
        return bucket.storage.rewrite_object(origin, to, **more)

    while True:
        # What is copied was just seen: of two buckets, only the other can be missing.
        answer = bucket.call(rewrite, name=origin[1], bucket=to[0])
        if answer.get("done"):
            return
        token = answer["rewriteToken"]


class _Time:
    """Whether an object was changed when the task wants it. Age comes before the moments."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.after = moment(values["last_modified_time"], argument="last_modified_time")
        self.before = moment(values["maximum_modified_time"], argument="maximum_modified_time")
        self.is_between = self.after is not None and self.before is not None
        if values["is_older_than"]:
            self.after, self.is_between = None, False
            self.before = datetime.now(UTC) - timedelta(seconds=values["is_older_than"])

    def __call__(self, found: Found) -> bool:
        if self.after is None and self.before is None:
            return True
        changed = datetime.fromisoformat(found["updated"])
        if self.after is not None and not (
            changed >= self.after if self.is_between else changed > self.after
        ):
            return False
        return self.before is None or changed < self.before
