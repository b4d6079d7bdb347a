"""Google's side, faked: the OAuth token endpoint and BigQuery's jobs, over real HTTP.

In the test's own process::

    with FakeGoogle() as fake:
        key = service_account_key(fake, project="acme")
        fake.plan(JobPlan(running=0.5, rows=[(1,), (2,)]))
        fake.on("jobs.insert", Fault.status(503, reason="backendError"), times=2)

In a process of its own: ``with FakeProcess() as fake:``, or
``python -m tests.fakes.google --port 0`` and ``RemoteFake(url)``.
"""

from tests.fakes.google.faults import Fault
from tests.fakes.google.jobs import Job, JobState
from tests.fakes.google.keys import service_account_key
from tests.fakes.google.plans import JobError, JobPlan
from tests.fakes.google.records import RecordedRequest
from tests.fakes.google.remote import FakeProcess, RemoteFake
from tests.fakes.google.server import FakeGoogle
from tests.fakes.google.sockets import SelfSignedServer, SilentServer, unused_port
from tests.fakes.google.tokens import IssuedToken

__all__ = [
    "FakeGoogle",
    "FakeProcess",
    "Fault",
    "IssuedToken",
    "Job",
    "JobError",
    "JobPlan",
    "JobState",
    "RecordedRequest",
    "RemoteFake",
    "SelfSignedServer",
    "SilentServer",
    "service_account_key",
    "unused_port",
]
