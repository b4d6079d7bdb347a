"""Tasks of HTTP, Cloud Storage and S3, run by the engine with stored connections."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connections.services import create_connection
from connections.validation import Draft
from tasks.models import DagRun, XCom
from tasks.spec import TaskSpec
from tests.conftest import ACTOR
from tests.fakes.http_server import HttpServer, Reply
from tests.fakes.storage.amazon import KEY, KEY_ID, amazon
from tests.fakes.storage.google import GoogleStorage

pytestmark = pytest.mark.django_db


def test_an_answer_goes_by_way_of_a_bucket_into_another(run_dag: Callable[..., DagRun]) -> None:
    with HttpServer() as server, GoogleStorage() as storage, amazon() as s3:
        server.on("/rows", Reply(200, "a,b\n1,2\n"))
        storage.buckets["landing"] = {}
        s3.s3.create_bucket(
            Bucket="archive", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        google = {"is_anonymous": True, "project": "acme-reports", "storage_endpoint": storage.url}
        for draft in (
            Draft("api", "http", host=server.url, login="ann", password="tulip"),
            Draft("gcs", "google_cloud_platform", extra=google),
            Draft("s3", "aws", login=KEY_ID, password=KEY, extra=s3.extra),
        ):
            create_connection(draft, actor=ACTOR)
        call = {"endpoint": "rows", "method": "GET"}
        made = {"bucket": "landing", "object_name": "{{ ds }}.csv", "data": {"__xcom__": "call"}}
        kept = {"s3_bucket": "archive", "s3_key": "rows.csv", "data": {"__xcom__": "call"}}
        look = {"bucket": "landing", "prefix": ""}
        run = run_dag(
            TaskSpec("call", "HttpOperator", "api", call),
            TaskSpec("land", "GCSCreateObjectOperator", "gcs", made, ("call",)),
            TaskSpec("keep", "S3CreateObjectOperator", "s3", kept, ("call",)),
            TaskSpec(
                "look", "GCSObjectsWithPrefixExistenceSensor", "gcs", look, ("land",), retries=0
            ),
        )
        stored = s3.s3.get_object(Bucket="archive", Key="rows.csv")["Body"].read()
        names = list(storage.buckets["landing"])
    states = dict(run.task_instances.values_list("task_id", "state"))
    assert states == dict.fromkeys(("call", "land", "keep", "look"), "success"), [
        (step.result, step.error_code) for step in run.steps.all()
    ]
    assert stored == b"a,b\n1,2\n"
    values = dict(XCom.objects.values_list("task_instance__task_id", "value"))
    assert values["look"] == names
    shown = str(list(run.steps.values())) + str(values)
    assert not [secret for secret in ("tulip", KEY) if secret in shown]
