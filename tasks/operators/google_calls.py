"""Makes calls to a service of Google with an open session: retried, counted, and as whom.

Imported on first use, because it needs Google's client.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from connections.hooks.google_failures import EXPECTED
from tasks.operators.base import Context

RETRIED = frozenset({"cloud:unavailable", "cloud:rate-limited", "cloud:dropped"})
#: What a call that only asks may also be repeated after.
RETRIED_WHILE_WAITING = RETRIED | {"cloud:timeout", "cloud:unreachable"}
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0

T = TypeVar("T")


class Caller:
    """Makes calls with the session, retrying what may pass, and counting it on the step."""

    def __init__(self, session: Any, context: Context) -> None:
        self.session = session
        self.context = context
        #: Whether the last call may have been carried out although its answer was lost.
        self.lost_an_answer = False

    def call(self, function: Callable[[], T], *, retried: frozenset[str] = RETRIED) -> T:
        """Raise what ``function`` raises, or ``SessionFailure`` once it is no use to go on."""
        pause = FIRST_PAUSE
        attempt = 0
        self.lost_an_answer = False
        while True:
            attempt += 1
            try:
                return function()
            except EXPECTED as error:
                failure = self.session.failure_of(error)
                if failure is None:
                    raise
                if failure.code not in retried or attempt > self.session.num_retries:
                    failure.facts["attempts"] = attempt
                    raise failure from None
            self.lost_an_answer |= failure.code in ("cloud:dropped", "cloud:unavailable")
            self.context.retried(failure.code)
            asked = min(failure.retry_after or 0, LONGEST_PAUSE)
            self.context.wait(asked or pause * random.uniform(0.8, 1.2))  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE)


def caller_of(values: Mapping[str, Any], session: Any, context: Context) -> Caller:
    """A caller as the account that the task's ``impersonation_chain`` names, if it names one."""
    if chain := accounts_in(values.get("impersonation_chain")):
        session = session.impersonating(chain)
        context.log(f"calls are made as {session.identity}")
    return Caller(session, context)


def accounts_in(chain: Any) -> list[str]:
    """A text, with commas between several, or a list of texts."""
    parts = chain.split(",") if isinstance(chain, str) else chain or ()
    return [account.strip() for account in parts if account.strip()]
