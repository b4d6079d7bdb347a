"""The endpoints through which another process programmes and questions the fake.

``POST /control/faults``  {"call", "kind", "code", "reason", "message", "delay", "times",
                           "matching"}: fields as in Fault and FakeGoogle.on
``POST /control/plan``    the fields of JobPlan, "times", "matching"
``POST /control/keys``    {"email", "key_id", "public_key"}
``POST /control/reset``   forget everything but the keys
``GET /control/requests`` the recorded requests
``GET /control/jobs``     the jobs
``GET /control/tokens``   the tokens issued
"""

from dataclasses import asdict
from typing import TYPE_CHECKING

from tests.fakes.google.answers import Answer, Json, json_answer
from tests.fakes.google.faults import Fault
from tests.fakes.google.plans import JobPlan
from tests.fakes.google.records import RecordedRequest

if TYPE_CHECKING:
    from tests.fakes.google.server import FakeGoogle


def respond(fake: "FakeGoogle", request: RecordedRequest) -> Answer:
    """Carry out a control request; 400 says what is wrong with it, 404 that there is none."""
    body: Json = dict(request.body or {})
    try:
        match request.method, request.path.removeprefix("/control/"):
            case "GET", "requests":
                return json_answer([record.to_json() for record in fake.requests])
            case "GET", "jobs":
                return json_answer([job.summary() for job in fake.jobs.values()])
            case "GET", "tokens":
                return json_answer([asdict(token) for token in fake.tokens_issued])
            case "POST", "faults" | "plan" | "keys" | "reset" as what:
                _programme(fake, what, body)
                return json_answer({})
    except (KeyError, TypeError, ValueError) as error:
        return json_answer({"error": repr(error)}, code=400)
    return json_answer({"error": f"no such control: {request.path}"}, code=404)


def _programme(fake: "FakeGoogle", what: str, body: Json) -> None:
    match what:
        case "faults":
            call, times, matching = body.pop("call"), *_limits(body)
            fake.on(call, Fault.from_json(body), times=times, matching=matching)
        case "plan":
            times, matching = _limits(body)
            fake.plan(JobPlan.from_json(body), times=times, matching=matching)
        case "keys":
            fake.register_key(**body)
        case _:
            fake.reset()


def _limits(body: Json) -> tuple[int | None, str]:
    return body.pop("times", None), body.pop("matching", "")
