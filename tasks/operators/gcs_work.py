"""What the operators of Google Cloud Storage do, but for copies.

Imported on first use, because it needs Google's libraries.
https://cloud.google.com/storage/docs/json_api/v1
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from connections.exceptions import Failure
from tasks.operators.base import Context, TaskResult
from tasks.operators.gcs_calls import Bucket
from tasks.operators.object_names import counted, in_order, texts


def create_bucket(values: dict[str, Any], session: Any, context: Context) -> TaskResult:
    name = values["bucket_name"]
    bucket = Bucket(name, values, session, context)
    project = values["project_id"] or session.project
    resource = {
        "storageClass": values["storage_class"],
        "location": values["location"],
        **({"labels": values["labels"]} if values["labels"] else {}),
        **(values["resource"] or {}),
        "name": name,
    }
    facts = {"bucket": name, "project": project}
    try:
        bucket.call(lambda: bucket.storage.insert_bucket(project, resource))
    except Failure as failure:
        if failure.code != "object:bucket-taken" or not _is_ours(bucket):
            raise
        return TaskResult(f"The bucket {name} was there already", facts)
    return TaskResult(f"Created the bucket {name}", facts)


def delete_bucket(values: dict[str, Any], session: Any, context: Context) -> TaskResult:
    name, project = values["bucket_name"], values["user_project"] or ""
    bucket = Bucket(name, values, session, context)
    count = 0
    try:
        if values["force"]:
            versions = bucket.objects(versions="true", userProject=project)
            for each in versions:
                count += bucket.delete(each["name"], generation=each.get("generation", ""))
                _tell(context, count)
        bucket.call(
            lambda: bucket.storage.delete_bucket(name, user_project=project), conflict="not-empty"
        )
    except Failure as failure:
        if failure.code != "object:bucket-not-found":
            raise
        if not count and not bucket.caller.lost_an_answer:
            return TaskResult(f"There was no bucket {name}", {"bucket": name})
    objects = f" and {counted(count)}" if count else ""
    return TaskResult(f"Deleted the bucket {name}{objects}", {"bucket": name, "objects": count})


def list_objects(values: dict[str, Any], session: Any, context: Context) -> TaskResult:
    bucket = Bucket(values["bucket"], values, session, context)
    names: list[str] = []
    for prefix in texts(values["prefix"]) or [""]:
        names += names_in(bucket, prefix, values["delimiter"] or "", values["match_glob"] or "")
    names = in_order(names)
    return TaskResult(
        f"{counted(len(names))} in {bucket.name}", {"objects": len(names)}, value=names
    )


def names_in(bucket: Bucket, prefix: str, delimiter: str, glob: str) -> list[str]:
    """As Airflow lists: with ``/`` the folders, where there are any; any other is an end of names.

    Airflow gives the latter to the API as its delimiter, which cuts names short.
    """
    if delimiter != "/":
        found = bucket.objects(prefix, matchGlob=glob)
        return [each["name"] for each in found if each["name"].endswith(delimiter)]
    folders: list[str] = []
    names: list[str] = []
    for page in bucket.pages(prefix, delimiter="/", matchGlob=glob):
        folders += page.get("prefixes", ())
        names += [each["name"] for each in page.get("items", ())]
    return folders or names


def delete_objects(values: dict[str, Any], session: Any, context: Context) -> TaskResult:
    bucket = Bucket(values["bucket_name"], values, session, context)
    is_listed = values["objects"] is not None
    count = 0
    missing: list[str] = []
    for name in list(values["objects"]) if is_listed else _with_prefixes(bucket, values):
        if bucket.delete(name):
            count += 1
            _tell(context, count)
        elif is_listed and not values["ignore_error"]:
            missing.append(name)
    if missing:
        raise Failure("object:not-found", bucket=bucket.name, object=", ".join(missing[:3]))
    return TaskResult(f"Deleted {counted(count)}", {"bucket": bucket.name, "objects": count})


def create_object(values: dict[str, Any], session: Any, context: Context) -> TaskResult:
    bucket = Bucket(values["bucket"], values, session, context)
    name, data = values["object_name"], values["data"].encode()
    url = f"gs://{bucket.name}/{name}"
    facts = {"bucket": bucket.name, "object": name, "bytes": len(data)}
    # https://cloud.google.com/storage/docs/request-preconditions: 0 means that there is none.
    only_new = {} if values["replace"] else {"ifGenerationMatch": "0"}
    try:
        bucket.call(
            lambda: bucket.storage.insert_object(
                bucket.name, name, data, content_type=values["content_type"], **only_new
            ),
            name=name,
        )
    except Failure as failure:
        # A worker that was lost, or an answer that was, may have written it for this very task.
        if failure.code != "object:exists" or not _holds(bucket, name, data):
            raise
        return TaskResult(f"{url} was there already, with this content", facts, value=url)
    return TaskResult(f"Created {url}, {len(data):,} bytes", facts, value=url)


def is_there(values: dict[str, Any], session: Any, context: Context) -> TaskResult | None:
    bucket, name = Bucket(values["bucket"], values, session, context), values["object"]
    if values["use_glob"]:
        first = next(bucket.objects(matchGlob=name), None)
    else:
        first = bucket.find(name)
    if first is None:
        return None
    return TaskResult(f"Found gs://{bucket.name}/{first['name']}", {"objects": 1})


def are_there(values: dict[str, Any], session: Any, context: Context) -> TaskResult | None:
    bucket = Bucket(values["bucket"], values, session, context)
    names = [each["name"] for each in bucket.objects(values["prefix"])]
    if not names:
        return None
    return TaskResult(f"Found {counted(len(names))}", {"objects": len(names)}, value=names)


def _is_ours(bucket: Bucket) -> bool:
    try:
        bucket.call(lambda: bucket.storage.get_bucket(bucket.name))
    except Failure as failure:
        if failure.code == "object:permission-denied":
            return False
        raise
    return True


def _holds(bucket: Bucket, name: str, data: bytes) -> bool:
    found = bucket.find(name) or {}
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    return bool(found.get("md5Hash") == b64encode(digest).decode())


def _with_prefixes(bucket: Bucket, values: dict[str, Any]) -> Iterator[str]:
    for prefix in texts(values["prefix"]):
        for each in bucket.objects(prefix):
            yield each["name"]


def _tell(context: Context, count: int) -> None:
    if count % 100 == 0:
        context.progress(f"{counted(count)} deleted", objects=count)
