"""The bodies of refusals, as Airflow's REST API has them: what every operation may answer."""

from __future__ import annotations

from typing import Any

from ninja import Field
from ninja.errors import HttpError
from pydantic import BaseModel


class Problem(BaseModel):
    """Why a call is refused, in words."""

    detail: str = Field(examples=["Not authenticated"])


class Fault(BaseModel):
    """One thing that is wrong with a request. ``input`` never repeats a secret."""

    type: str = Field(description="What kind of fault it is.", examples=["missing"])
    loc: list[str | int] = Field(description="Where it is.", examples=[["body", "conn_type"]])
    msg: str = Field(description="What is wrong, in words.", examples=["Field required"])
    input: Any = Field(None, description="What was sent there; `***` for what may be secret.")
    ctx: dict[str, Any] | None = Field(None, description="Facts that belong to the fault.")


class Faults(BaseModel):
    """Everything that is wrong with a request."""

    detail: list[Fault]


class Refused(HttpError):
    """A call that is refused with one sentence."""

    def __init__(self, status_code: int, words: str) -> None:
        super().__init__(status_code, words)


def refusals(*codes: int) -> dict[int, Any]:
    """For the description of an operation: what it may refuse, beside what all may."""
    return {401: Problem, 403: Problem, 422: Faults} | dict.fromkeys(codes, Problem)
