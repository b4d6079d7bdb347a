"""The states as Django wants choices and constraints to be told."""

from __future__ import annotations

from tasks.states import RunState, StepState, TaskState


def choices(states: type[RunState] | type[TaskState] | type[StepState]) -> list[tuple[str, str]]:
    return [(state.value, state.value.replace("_", " ")) for state in states]


def values(states: frozenset[RunState] | frozenset[TaskState]) -> list[str]:
    """As migrations shall have them."""
    return sorted(state.value for state in states)
