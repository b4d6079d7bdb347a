"""The editor as a browser without scripts uses it: what its form holds is what is sent back."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from django.test import Client

from tasks.drafting.draft import Draft, DraftTask
from tasks.spec import DagSpec, TaskSpec

SQL = "SQLExecuteQueryOperator"


class _Fields(HTMLParser):
    """What a browser would send of the form ``editor``: names with all their values."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.values: dict[str, list[str]] = {}
        self.buttons: set[str] = set()
        self._inside = False
        self._area = self._select = ""
        self._options: list[tuple[str, bool]] = []
        self._text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("id") == "editor"
        if not self._inside:
            return
        name = given.get("name", "")
        if tag == "textarea":
            self._area, self._text = name, ""
        elif tag == "select":
            self._select, self._options = name, []
        elif tag == "option" and self._select:
            self._options.append((given.get("value", ""), "selected" in given))
        elif tag == "button" and "disabled" not in given:
            self.buttons.add(f"{name}={given.get('value', '')}")
        elif tag == "input" and name and (given.get("type") != "checkbox" or "checked" in given):
            self.values.setdefault(name, []).append(given.get("value", ""))

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "textarea" and self._area:
            # As a browser does, which leaves out the first line end.
            self.values[self._area] = [self._text.removeprefix("\n").replace("\n", "\r\n")]
            self._area = ""
        elif tag == "select" and self._select:
            chosen = [value for value, is_on in self._options if is_on]
            first = self._options[0][0] if self._options else ""
            self.values[self._select] = chosen[-1:] or [first]
            self._select = ""


class Editor:
    """A person at the page of the editor."""

    def __init__(self, client: Client, url: str = "/dags/new/") -> None:
        self.client = client
        self.url = url
        self._take(client.get(url))

    def _take(self, answer: Any) -> None:
        self.status: int = answer.status_code
        self.location: str = answer.headers.get("Location", "")
        self.html: str = answer.content.decode()
        if self.status in (200, 422):
            fields = _Fields(self.html)
            self.values, self.buttons = fields.values, fields.buttons

    def type(self, **values: str) -> Editor:
        """Fields of the DAG by their names; of the open task as ``task__sql`` or ``task__conn_id``.

        An argument has ``arg`` before its name: ``task__arg__sql``.
        """
        for name, value in values.items():
            shown = name.replace("task__arg__", "task-arg-").replace("task__", "task-")
            assert shown in self.values or shown == "task-after", (shown, sorted(self.values))
            self.values[shown] = [*self.values.get(shown, [])[:-1], value]
        return self

    def tick(self, name: str, *values: str) -> Editor:
        self.values[name] = list(values)
        return self

    def press(self, value: str, *, name: str = "act") -> Editor:
        """Press a button that is there."""
        assert f"{name}={value}" in self.buttons, (value, sorted(self.buttons))
        return self.send(**{name: value})

    def send(self, **more: str) -> Editor:
        self._take(self.client.post(self.url, {**self.values, **more}))
        return self

    def choose(self, operator: str) -> Editor:
        [key] = self.values["open"]
        return self.press(f"operator:{key}:{operator}")


def sql_task(task_id: str, *upstream: str, **more: Any) -> TaskSpec:
    return TaskSpec(task_id, SQL, "db", {"sql": f"SELECT '{task_id}'"}, upstream, **more)


def draft_with(*tasks: DraftTask, **texts: str) -> Draft:
    """A draft with right settings, and these over them."""
    return Draft({"dag_id": "one", "timezone": "UTC", **texts}, tasks)


def sql_draft(key: str, **texts: str) -> DraftTask:
    names = {name.replace("arg__", "arg-"): text for name, text in texts.items()}
    first = {"operator": SQL, "task_id": key, "conn_id": "db", "arg-sql": "SELECT 1"}
    return DraftTask(key, {**first, **names})


def chain() -> DagSpec:
    return DagSpec("chain", (sql_task("a"), sql_task("b", "a"), sql_task("c", "b")))
