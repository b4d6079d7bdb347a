"""What the words of a failure are made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FailureType(StrEnum):
    """Who can mend it: a person, time, or Patchbay's developers."""

    CONFIGURATION = "configuration"
    TRANSIENT = "transient"
    INTERNAL = "internal"


@dataclass(frozen=True)
class Diagnosis:
    """The words of one code. ``{names}`` are filled from the failure's facts.

    ``short`` stands in the row; ``happened``, ``cause`` and ``remedy`` where it
    opens. ``command`` is what to copy into a shell. ``fields`` are the form
    fields to blame. ``may_pass``: trying again may help although it is a matter of
    configuration, as when data that a check looks for is still to come.
    """

    type: FailureType
    short: str
    happened: str
    cause: str
    remedy: str
    command: str = ""
    fields: tuple[str, ...] = ()
    may_pass: bool = False

    @property
    def is_worth_a_retry(self) -> bool:
        return self.may_pass or self.type is not FailureType.CONFIGURATION


CONFIGURATION, TRANSIENT, INTERNAL = FailureType
