"""A test of a connection, as pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connections.models import ConnectionTest, ConnectionTestState
from connections.trial import STAGES, stage_label


@dataclass(frozen=True)
class Stage:
    """One line of the checklist. ``seconds`` is ``None`` while it hasn't ended."""

    label: str
    state: str
    words: str
    seconds: float | None
    why: dict[str, Any] | None


@dataclass(frozen=True)
class Panel:
    """The whole checklist with its verdict."""

    test: ConnectionTest
    stages: tuple[Stage, ...]
    verdict: str
    tone: str

    @property
    def why(self) -> dict[str, Any] | None:
        return next((stage.why for stage in self.stages if stage.why), None)


def panel_of(test: ConnectionTest) -> Panel:
    stages = test.stages or [{"name": name, "state": "pending"} for name in STAGES]
    shown = tuple(
        Stage(
            stage_label(stage["name"]),
            stage["state"],
            stage.get("words", ""),
            stage.get("seconds"),
            stage.get("why"),
        )
        for stage in stages
    )
    return Panel(test, shown, outcome_of(test), tone_of(test))


def outcome_of(test: ConnectionTest) -> str:
    """The outcome in few words, for the panel and for lists."""
    if test.state == ConnectionTestState.SUCCESS:
        return "Works"
    if test.state == ConnectionTestState.PENDING:
        return "Waits for a worker"
    if test.state == ConnectionTestState.RUNNING:
        return "Testing"
    failed = test.failed_stage
    return f"Failed at {stage_label(failed['name']).lower()}" if failed else "Not tested"


def tone_of(test: ConnectionTest) -> str:
    tones = {ConnectionTestState.SUCCESS: "ok", ConnectionTestState.FAILED: "bad"}
    return tones.get(ConnectionTestState(test.state), "run")
