"""All that the page of the editor shows of a draft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from django.utils import timezone

from tasks.drafting.catalogue import Entry, catalogue, short_name
from tasks.drafting.choices import Choice, choice_of
from tasks.drafting.draft import MOST_TASKS, TASK, Draft, DraftTask
from tasks.drafting.fields import (
    Field,
    Texts,
    advanced_fields,
    argument_fields,
    in_use,
    main_settings,
    more_settings,
)
from tasks.drafting.preview import NextRuns, Sketch, next_runs, sketch
from tasks.drafting.reading import Place
from tasks.drafting.task_settings import CONN, chosen_conn_id
from tasks.operators import OPERATORS


@dataclass(frozen=True)
class Row:
    """A task in the list of tasks. ``wrong`` is how many of its fields are."""

    key: str
    number: int
    name: str
    operator: str
    summary: str
    conn_id: str
    after: tuple[str, ...]
    wrong: int
    is_open: bool
    is_first: bool
    is_last: bool


@dataclass(frozen=True)
class Before:
    """A task that the open one may come after."""

    key: str
    name: str
    is_ticked: bool


@dataclass(frozen=True)
class Trouble:
    """One line of what is wrong: in which task and which field, and how to get there.

    ``field_id`` is empty where the task isn't open, or the whole is meant.
    """

    words: str
    task: str = ""
    field: str = ""
    field_id: str = ""
    key: str = ""
    name: str = ""

    @property
    def where(self) -> str:
        return ", ".join(filter(None, (self.task, self.field)))


@dataclass(frozen=True)
class OpenTask:
    """The fields of the task that is open."""

    key: str
    name: str
    operator: str
    summary: str
    task_id: Field
    connection: Choice | None
    conn_error: str
    operator_error: str
    main: list[Field]
    more: list[Field]
    advanced: list[Field]
    before: list[Before]
    after_error: str

    @property
    def more_is_open(self) -> bool:
        return in_use(self.more)

    @property
    def advanced_is_open(self) -> bool:
        return in_use(self.advanced)


class EditorForm:
    """A draft with what is wrong with it, as the templates read it."""

    def __init__(
        self, draft: Draft, errors: Mapping[Place, str], *, is_new: bool, focus: str | None = ""
    ) -> None:
        """``focus`` is the id of the element to go on with; ``None`` for the first wrong one."""
        self.draft = draft
        self.errors = errors
        self.is_new = is_new
        wrong = (trouble.field_id for trouble in self.troubles() if trouble.field_id)
        self.focus = next(wrong, "") if focus is None else focus

    @cached_property
    def main(self) -> list[Field]:
        return main_settings(self._texts_of_dag(), is_new=self.is_new)

    @cached_property
    def more(self) -> list[Field]:
        return more_settings(self._texts_of_dag())

    @property
    def more_is_open(self) -> bool:
        ticked = self.draft.texts.get("catchup")
        return bool(ticked) or in_use(self.more)

    def _texts_of_dag(self) -> Texts:
        return Texts(self.draft.texts, self._errors_of(""))

    def _errors_of(self, key: str) -> dict[str, str]:
        return {place.name: words for place, words in self.errors.items() if place.key == key}

    @cached_property
    def next_runs(self) -> NextRuns:
        return next_runs(self.draft, timezone.now())

    @cached_property
    def sketch(self) -> Sketch:
        return sketch(self.draft)

    @cached_property
    def catalogue(self) -> list[tuple[str, list[Entry]]]:
        return catalogue()

    @property
    def most_tasks(self) -> int:
        return MOST_TASKS

    @property
    def is_full(self) -> bool:
        return len(self.draft.tasks) >= MOST_TASKS

    def rows(self) -> Iterator[Row]:
        last = len(self.draft.tasks)
        for number, task in enumerate(self.draft.tasks, start=1):
            operator = OPERATORS.get(task.operator)
            needs_connection = bool(operator and operator.connection_argument)
            yield Row(
                key=task.key,
                number=number,
                name=self.draft.name_of(task.key),
                operator=short_name(task.operator),
                summary=operator.summary if operator else "",
                conn_id=_conn_id(task) if needs_connection else "",
                after=tuple(self._names(task)),
                wrong=len(self._errors_of(task.key)),
                is_open=task.key == self.draft.open,
                is_first=number == 1,
                is_last=number == last,
            )

    def _names(self, task: DraftTask) -> Iterator[str]:
        return (self.draft.name_of(each.key) for each in self.draft.tasks if each.key in task.after)

    @cached_property
    def open(self) -> OpenTask | None:
        task = self.draft.open_task
        if task is None:
            return None
        operator = OPERATORS.get(task.operator)
        texts = Texts(task.texts, self._errors_of(task.key), task.key)
        main, more = argument_fields(operator, texts) if operator else ([], [])
        has_connection = bool(operator and operator.connection_argument)
        return OpenTask(
            key=task.key,
            name=self.draft.name_of(task.key),
            operator=task.operator,
            summary=operator.summary if operator else "",
            task_id=texts.field("task_id", "Task ID", is_needed=True, is_mono=True, looks=True),
            connection=choice_of(operator, task.texts) if operator and has_connection else None,
            conn_error=texts.errors.get(CONN, ""),
            operator_error=texts.errors.get("operator", ""),
            main=main,
            more=more,
            advanced=advanced_fields(texts),
            before=[
                Before(each.key, self.draft.name_of(each.key), each.key in task.after)
                for each in self.draft.tasks
                if each.key != task.key
            ],
            after_error=texts.errors.get("after", ""),
        )

    def troubles(self) -> list[Trouble]:
        """What is wrong, in the order of the page."""
        found: list[Trouble] = []
        for key in ("", *(task.key for task in self.draft.tasks)):
            wrong = self._errors_of(key)
            labels = self._labels(key) if wrong else {}
            known = [*labels]
            for name in sorted(wrong, key=lambda name: known.index(name) if name in known else -1):
                found.append(self._trouble(Place(key, name), wrong[name], labels.get(name, "")))
        return found

    def _trouble(self, place: Place, words: str, label: str) -> Trouble:
        if not place.key:
            return Trouble(words, field=label, field_id=f"id_{place.name}" if label else "")
        is_here = place.key == self.draft.open
        field_id = f"{place.key}-{place.name}" if is_here else ""
        name = self.draft.name_of(place.key)
        return Trouble(words, name, label, field_id, place.key, place.name)

    def _labels(self, key: str) -> dict[str, str]:
        """What the fields of a task, or of the DAG, are called, in the order of the page."""
        if not key:
            return {each.name: each.label for each in (*self.main, *self.more)}
        task = self.draft.by_key[key]
        operator, texts = OPERATORS.get(task.operator), Texts(task.texts, key=key)
        main, more = argument_fields(operator, texts) if operator else ([], [])
        return {
            "operator": "What it does",
            "task_id": "Task ID",
            CONN: "Connection",
            **{each.name.removeprefix(TASK): each.label for each in main},
            "after": "After",
            **{
                each.name.removeprefix(TASK): each.label
                for each in (*more, *advanced_fields(texts))
            },
        }


def _conn_id(task: DraftTask) -> str:
    operator = OPERATORS[task.operator]
    return chosen_conn_id(task.texts) or operator.default_conn_id


def first_wrong(draft: Draft, errors: Mapping[Place, str]) -> str | None:
    """The key of the task to open, so that the first thing that is wrong is seen."""
    wrong = {place.key for place in errors}
    if "" in wrong or draft.open in wrong:
        return None
    return next((task.key for task in draft.tasks if task.key in wrong), None)
