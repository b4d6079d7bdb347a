"""Why a task's code didn't return: the failure for how its process ended."""

from __future__ import annotations

import re
import signal
from typing import Any

from connections.exceptions import Failure
from tasks.python.lines import shortened

#: By what the child says of an exception (``raised``).
CODES = {
    "failed": "task:python-failed",
    "given-up": "task:python-gave-up",
    "exited": "task:python-exited",
    "memory": "task:python-memory",
    "not-json": "task:result-not-json",
    "not-loaded": "task:python-not-loaded",
    "wrong-result": "task:python-wrong-result",
}
LONGEST_MESSAGE = 10_000
_CODE = re.compile(r"[a-z]+:[a-z-]+")


def failure_of(last: dict[str, Any], *, megabytes: int) -> Failure:
    """For the child's last word where it is no result."""
    if last["kind"] == "failure" and _CODE.fullmatch(str(last.get("code"))):
        facts = last.get("facts")
        known = facts if isinstance(facts, dict) else {}
        return Failure(
            str(last["code"]),
            vendor_message=_text(last, "message"),
            **{str(name): value for name, value in known.items() if name != "code"},
        )
    code = CODES.get(str(last.get("how")), "task:python-failed")
    return Failure(
        code,
        vendor_message=_text(last, "trace"),
        error=_text(last, "error") or "an exception",
        reason=_text(last, "message"),
        place=_text(last, "place") or "the code",
        megabytes=megabytes,
    )


def failure_of_end(returncode: int, *, is_garbled: bool) -> Failure:
    """For a child that ended without a last word."""
    if is_garbled:
        return Failure("task:python-line-lost")
    if returncode == -signal.SIGKILL:
        return Failure("task:python-killed")
    if returncode < 0:
        return Failure("task:python-crashed", signal=_signal(-returncode))
    return Failure("task:python-exited", reason=f"exit code {returncode}")


def _text(last: dict[str, Any], name: str) -> str:
    value = last.get(name)
    return shortened(value, longest=LONGEST_MESSAGE) if isinstance(value, str) else ""


def _signal(number: int) -> str:
    return next((known.name for known in signal.Signals if known == number), f"signal {number}")
