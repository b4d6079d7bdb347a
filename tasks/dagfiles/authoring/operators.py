"""The operators of a DAG file, made from the declarations in ``tasks.operators``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

from tasks.dagfiles.authoring.dag import DAG
from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.files import with_files
from tasks.dagfiles.authoring.groups import TaskGroup, child_id, dag_around, open_group
from tasks.dagfiles.authoring.links import Linkable, link
from tasks.dagfiles.authoring.reading import READING
from tasks.dagfiles.authoring.settings import TASK_SETTINGS, check_settings, retry_on, trigger_rule
from tasks.dagfiles.authoring.values import Reference, plain
from tasks.dagfiles.authoring.xcom import XComArg
from tasks.operators.base import Operator
from tasks.spec import check_key

#: The rule of Airflow's REST API. A template is checked once it is filled in.
CONN_ID = re.compile(r"[\w.-]{1,200}")
CONN_ID_TEMPLATE_LENGTH = 250


class Task(Linkable):
    """One task of a DAG file: what its operator was called with, and the tasks before it.

    The slots make an assignment to an attribute that nothing reads an error.
    """

    __slots__ = (
        "arguments",
        "dag",
        "function",
        "group",
        "line",
        "references",
        "settings",
        "task_id",
        "upstream",
    )

    declaration: ClassVar[type[Operator]]
    #: All that an operator of this class can be called with, but for what every task has.
    known: ClassVar[frozenset[str]]
    templated: ClassVar[frozenset[str]]

    def __init_subclass__(cls, *, is_base: bool = False) -> None:
        if is_base:
            return
        if "declaration" not in vars(cls):
            raise ArgumentProblem(f"{cls.__name__}: an operator of your own can't run in Patchbay.")
        arguments = cls.declaration.arguments
        cls.known = frozenset(argument.name for argument in arguments) | TASK_SETTINGS.keys()
        cls.templated = frozenset(argument.name for argument in arguments if argument.templated)

    def __init__(self, *positional: object, task_id: str = "", **given: Any) -> None:
        name = self.declaration.name
        if positional:
            raise ArgumentProblem(f"{name}: give every argument by its name, task_id='…' too.")
        check_key(task_id, what=f"task_id of {name}")
        self.line = READING.line()
        self._place(task_id, given.pop("dag", None), given.pop("task_group", None))
        self.upstream: set[Task] = set()
        self.references: list[Reference] = []
        self.function: Callable[..., Any] | None = self._own_code(given)
        merged = self._with_defaults(given)
        # An operator may act on what others only take notice of, such as do_xcom_push.
        common = TASK_SETTINGS.keys() - {argument.name for argument in self.declaration.arguments}
        self.settings = {key: merged.pop(key) for key in common & merged.keys()}
        self._check_settings()
        self.arguments = {key: self._value(key, value) for key, value in merged.items()}
        self.declaration.check(self.arguments)
        self._check_conn_id()
        self.dag.add_task(self)
        if self.group:
            self.group.add(self)
        for reference in self.references:
            link(reference.operator, self)

    def _place(self, task_id: str, dag: object, group: object) -> None:
        if group is not None and not isinstance(group, TaskGroup):
            raise ArgumentProblem(f"Task {task_id!r}: task_group must be a TaskGroup.")
        self.dag: DAG = dag_around(f"Task {task_id!r}", group.dag if group and dag is None else dag)
        self.group: TaskGroup | None = group or open_group(self.dag)
        self.task_id = check_key(child_id(self.group, task_id), what="task_id")

    def _own_code(self, given: dict[str, Any]) -> Callable[..., Any] | None:
        """Take the task's function out of ``given``, where it has one."""
        del given
        return None

    def _with_defaults(self, given: dict[str, Any]) -> dict[str, Any]:
        """``default_args`` of the DAG, of the group, of the operator, then what the call gives."""
        own = given.pop("default_args", None) or {}
        for key in given:
            if key not in self.known:  # before its value is looked at: it may be anything
                raise ArgumentProblem(f"{self.declaration.name} has no argument {key!r}.")
        outer = self.dag.default_args
        if not outer and not own and not self.group:
            return given
        self.dag.used_defaults.update(self.known & outer.keys())
        defaults = {**outer, **(self.group.default_args if self.group else {}), **own}
        return {**{key: defaults[key] for key in defaults if key in self.known}, **given}

    def _check_settings(self) -> None:
        check_settings(lambda: f"Task {self.task_id!r}", self.settings, TASK_SETTINGS)
        rule = self.settings.get("trigger_rule")
        if rule is not None:
            self.settings["trigger_rule"] = trigger_rule(f"Task {self.task_id!r}", rule)
        for name in ("queue", "doc_md"):
            plain(self.settings.get(name), where=name)
        retry_on(self.task_id, self.settings.get("executor_config"))

    def _value(self, name: str, value: Any) -> Any:
        argument = next(each for each in self.declaration.arguments if each.name == name)
        if callable(value) and not argument.supported:
            refused = f"{self.declaration.name}: {name} can't be a function here. {argument.help}"
            raise ArgumentProblem(refused.rstrip())
        if name not in self.templated:
            return plain(value, where=name)
        copied = plain(value, where=name, references=self.references)
        return with_files(copied, argument.files, dag=self.dag, where=name)

    def _check_conn_id(self) -> None:
        argument = self.declaration.connection_argument
        conn_id = self.conn_id
        if not argument:
            return
        if not conn_id:
            raise ArgumentProblem(f"{self.declaration.name} needs the argument {argument!r}.")
        is_text = isinstance(conn_id, str)
        is_template = is_text and "{{" in conn_id and len(conn_id) <= CONN_ID_TEMPLATE_LENGTH
        if not is_template and not (is_text and CONN_ID.fullmatch(conn_id)):
            raise ArgumentProblem(
                f"{argument}={conn_id!r} can't be a connection: its ID has at most 200 letters, "
                "digits, dashes, dots and underscores."
            )

    @property
    def conn_id(self) -> str:
        """Empty for a task that needs no connection."""
        given: str | None = self.arguments.get(self.declaration.connection_argument)
        return self.declaration.default_conn_id if given is None else given

    @property
    def output(self) -> XComArg:
        """What the task will have left, as an argument of another."""
        return XComArg(self)

    @property
    def roots(self) -> list[Task]:
        return [self]

    @property
    def leaves(self) -> list[Task]:
        return [self]

    @property
    def upstream_task_ids(self) -> set[str]:
        return {task.task_id for task in self.upstream}

    @property
    def doc_md(self) -> str | None:
        """Settable, because Airflow's own examples set it after the task is made."""
        text: str | None = self.settings.get("doc_md")
        return text

    @doc_md.setter
    def doc_md(self, text: str | None) -> None:
        self.settings["doc_md"] = text

    @classmethod
    def partial(cls, *args: object, **kwargs: object) -> NoReturn:
        del args, kwargs
        raise ArgumentProblem(
            f"{cls.declaration.name}.partial(): dynamic task mapping isn't supported. "
            "Make the tasks in a loop where their number is known."
        )

    def as_setup(self, *args: object, **kwargs: object) -> NoReturn:
        del args, kwargs
        raise ArgumentProblem(
            f"Task {self.task_id!r}: setup and teardown tasks aren't supported; "
            "link them, and give the last the trigger_rule 'all_done'."
        )

    as_teardown = as_setup


#: Every class that a DAG file can get, by the operator's name.
CLASSES: dict[str, type[Task]] = {}


def operator_class(declaration: type[Operator], base: type[Task] = Task) -> type[Task]:
    """The class that a DAG file gets under the declaration's name."""
    body = {
        "__slots__": (),
        "__doc__": declaration.__doc__,
        "__module__": declaration.import_paths[0],
        "declaration": declaration,
    }
    made = type(declaration.name, (base,), body)
    CLASSES[declaration.name] = made
    return made
