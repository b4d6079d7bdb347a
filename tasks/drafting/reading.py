"""From a draft to the spec of a DAG, by the rules that hold for DAG files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

from tasks.dagfiles.checks import check_values
from tasks.drafting.catalogue import is_offered
from tasks.drafting.dag_settings import read_settings, settings_texts
from tasks.drafting.draft import MOST_TASKS, Draft, DraftTask
from tasks.drafting.query_jobs import (
    FIRST_REST,
    NEEDED,
    SQL,
    is_query_job,
    is_without_job,
    joined,
    parted,
)
from tasks.drafting.task_settings import (
    CONN,
    conn_id_of,
    read_task_settings,
    task_settings_texts,
)
from tasks.drafting.values import ARGUMENT, WrongText, first_text, offered, text_of, value_of
from tasks.operators import OPERATORS
from tasks.operators.base import ArgumentError, Operator
from tasks.spec import DagSpec, SpecError, TaskSpec, check_dag, check_key

#: Characters of the whole, as it is stored.
LONGEST = 1_000_000


class Place(NamedTuple):
    """A field: of the task with this key, or of the DAG where the key is empty."""

    key: str
    name: str


@dataclass(frozen=True)
class Reading:
    """The spec; or what is wrong, by the place of each field. No name stands for the whole."""

    spec: DagSpec | None
    errors: dict[Place, str]


def read(draft: Draft) -> Reading:
    """All that is wrong is told at once, not in rounds."""
    settings, wrong = read_settings(draft.texts)
    errors = {Place("", name): words for name, words in wrong.items()}
    errors |= _wrong_count(draft)
    ids = _ids(draft, errors)
    tasks = [_task(task, draft, ids, errors) for task in draft.tasks]
    errors |= _loop(draft)
    if errors:
        return Reading(None, errors)
    spec = DagSpec(tasks=tuple(tasks), **settings)
    words = _wrong_as_a_whole(spec)
    return Reading(None, {Place("", ""): words}) if words else Reading(spec, {})


def draft_of(spec: DagSpec) -> Draft:
    """The draft that ``read`` makes the spec of."""
    keys = {task.task_id: f"t{number}" for number, task in enumerate(spec.tasks, start=1)}
    tasks = [
        DraftTask(keys[task.task_id], _texts(task), tuple(keys[name] for name in task.upstream))
        for task in spec.tasks
    ]
    opened = tasks[0].key if len(tasks) == 1 else ""
    return Draft(settings_texts(spec), tuple(tasks), open=opened)


def _texts(task: TaskSpec) -> dict[str, str]:
    operator = OPERATORS[task.operator]
    arguments: dict[str, str] = {}
    for each in offered(operator):
        name, value = ARGUMENT + each.name, task.arguments.get(each.name)
        if is_query_job(operator, each):
            arguments[SQL], rest = parted(value)
            arguments[name] = text_of(each, rest) if rest else ""
        else:
            is_given = each.name in task.arguments
            arguments[name] = text_of(each, value) if is_given else first_text(each)
    first = {"task_id": task.task_id, "operator": task.operator, CONN: task.conn_id or ""}
    return {**first, **arguments, **task_settings_texts(task)}


def first_texts(operator: type[Operator]) -> dict[str, str]:
    """What stands in the fields of the arguments of a new task."""
    return {
        ARGUMENT + each.name: FIRST_REST if is_query_job(operator, each) else first_text(each)
        for each in offered(operator)
    }


def _wrong_count(draft: Draft) -> dict[Place, str]:
    if not draft.tasks:
        return {Place("", ""): "A DAG needs a task."}
    if len(draft.tasks) > MOST_TASKS:
        words = f"{len(draft.tasks)} tasks; a DAG made here has at most {MOST_TASKS}."
        return {Place("", ""): words}
    return {}


def _ids(draft: Draft, errors: dict[Place, str]) -> dict[str, str]:
    """The task_id of each key; what is wrong with them goes to ``errors``."""
    found: dict[str, str] = {}
    for task in draft.tasks:
        place = Place(task.key, "task_id")
        try:
            task_id = check_key(task.task_id, what="The ID") if task.task_id else ""
        except SpecError as error:
            errors[place] = str(error)
        else:
            if not task_id:
                errors[place] = "A task needs an ID."
            elif task_id in found.values():
                errors[place] = f"There is another task {task_id}: each needs an ID of its own."
            else:
                found[task.key] = task_id
    return found


def _task(task: DraftTask, draft: Draft, ids: dict[str, str], errors: dict[Place, str]) -> TaskSpec:
    operator = OPERATORS.get(task.operator)
    wrong: dict[str, str] = {}
    conn_id, arguments, settings = None, dict[str, Any](), dict[str, Any]()
    if operator is None or not is_offered(operator):
        wrong["operator"] = "Choose what the task does."
    else:
        settings, wrong = read_task_settings(task.texts)
        arguments = _arguments(operator, task, wrong)
        try:
            conn_id = conn_id_of(operator, task.texts)
        except WrongText as error:
            wrong[CONN] = str(error)
        if not wrong:
            wrong = _refused(operator, arguments, conn_id)
    errors |= {Place(task.key, name): words for name, words in wrong.items()}
    # In the DAG's order, so that the order of ticks makes no new version.
    upstream = tuple(
        ids[each.key] for each in draft.tasks if each.key in task.after and each.key in ids
    )
    task_id = ids.get(task.key, "")
    return TaskSpec(task_id, task.operator, conn_id, arguments, upstream, **settings)


def _arguments(operator: type[Operator], task: DraftTask, wrong: dict[str, str]) -> dict[str, Any]:
    found = {}
    for argument in offered(operator):
        name = ARGUMENT + argument.name
        is_job = is_query_job(operator, argument)
        try:
            value = value_of(argument, task.texts.get(name, first_text(argument)))
            value = joined(task.texts, value) if is_job else value
        except WrongText as error:
            wrong[name] = str(error)
            continue
        if is_job and is_without_job(value):
            wrong[SQL] = NEEDED
        elif value is not None:
            found[argument.name] = value
        elif argument.required:
            wrong[name] = "This is needed."
    return found


def _refused(
    operator: type[Operator], arguments: dict[str, Any], conn_id: str | None
) -> dict[str, str]:
    """What the operator itself says, at the field that it speaks of."""
    named = {operator.connection_argument: conn_id} if conn_id else {}
    try:
        operator.check({**arguments, **named})
    except ArgumentError as error:
        words = str(error).removeprefix(f"{operator.name}: ")
        return {_named_in(words, operator, arguments): words[:1].upper() + words[1:]}
    return {}


def _named_in(words: str, operator: type[Operator], given: Iterable[str]) -> str:
    """The field of the argument that ``words`` name first; of several, one that is given."""
    known = [argument.name for argument in offered(operator)]
    named = [word for word in re.findall(r"\w+", words) if word in known]
    first = next((name for name in named if name in set(given)), next(iter(named), None))
    return ARGUMENT + first if first else "operator"


def _loop(draft: Draft) -> dict[Place, str]:
    """Told at the first task of the circle."""
    keys = [task.key for task in draft.tasks]
    try:
        TopologicalSorter({task.key: task.after for task in draft.tasks}).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        first = min(circle, key=keys.index)
        return {Place(first, "after"): f"The arrows go in a circle: {circle_words(draft, circle)}."}
    return {}


def circle_words(draft: Draft, circle: Iterable[str]) -> str:
    """Its tasks in the direction of the arrows."""
    return " → ".join(draft.name_of(key) for key in circle)


def _wrong_as_a_whole(spec: DagSpec) -> str:
    """The same checks as for what the process that reads a DAG file hands back."""
    try:
        check_dag(spec)
        check_values(spec)
    except SpecError as error:
        return str(error)
    size = len(str(spec.to_json()))
    return f"It has {size:,} characters; at most {LONGEST:,} can be." if size > LONGEST else ""
