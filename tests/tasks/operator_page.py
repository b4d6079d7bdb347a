"""The tables of ``docs/operators.md``, made from the declarations.

``.venv/bin/python -m tests.tasks.operator_page`` writes them into the page anew.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from tasks.operators import OPERATORS
from tasks.operators.base import Argument, Operator

PAGE = Path(__file__).parents[2] / "docs" / "operators.md"
KINDS = {
    "json": "object",
    "text": "text",
    "lines": "long text",
    "sql": "SQL",
    "integer": "whole number",
    "number": "number",
    "boolean": "boolean",
    "texts": "list of texts",
    "list": "list",
    "any": "any",
}
PLACE = re.compile(r"(<!-- operators of ([^\n]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


def categories() -> list[str]:
    return list(dict.fromkeys(operator.category for operator in OPERATORS.own.values()))


def made(category: str) -> str:
    """The part of the page about the operators of a category."""
    operators = [each for each in OPERATORS.own.values() if each.category == category]
    return "\n".join(map(_section, operators)) + "\n"


def whole(page: str) -> str:
    """``page`` with its tables as the declarations have them."""
    return PLACE.sub(lambda place: f"{place[1]}\n{made(place[2])}{place[3]}", page)


def _section(operator: type[Operator]) -> str:
    takeover = "goes on where the lost one was" if operator.resumes else "counts the try as lost"
    facts = [
        f"- from {_several(operator.import_paths)}",
        f"- connection: {_connection(operator)}",
        f"- leaves as XCom: {operator.result_name or 'nothing'}",
        f"- cancel: {operator.cancels}",
        f"- a worker that takes over {takeover}",
    ]
    parts = [f"### {operator.name}", f"{operator.summary}.", "\n".join(facts)]
    if operator.arguments:
        head = "| argument | kind | default | template | what it does |\n|---|---|---|---|---|"
        parts.append("\n".join([head, *map(_row, operator.arguments)]))
    return "\n\n".join(parts) + "\n"


def _connection(operator: type[Operator]) -> str:
    if not operator.connection_argument:
        return "its code asks for them" if operator.asks_for_connections else "none"
    types = _several(operator.connection_types, last="or")
    default = operator.default_conn_id
    otherwise = f"; `{default}` if left out" if default else ""
    return f"`{operator.connection_argument}`, of type {types}{otherwise}"


def _row(argument: Argument) -> str:
    default = "**required**" if argument.required else _code(argument.default)
    words = argument.help
    if not argument.supported:
        words = f"**Refused** with any other value. {words}"
    if argument.choices:
        words = f"{_several(argument.choices, last='or')}. {words}"
    if argument.files:
        words = f"A text that ends in {_several(argument.files, last='or')} names a file. {words}"
    template = "yes" if argument.templated else ""
    cells = (f"`{argument.name}`", KINDS[argument.kind], default, template, _escaped(words.strip()))
    return f"| {' | '.join(cells)} |"


def _code(default: object) -> str:
    if default is None:
        return ""
    return f"`{_escaped(json.dumps(default))}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _several(texts: tuple[str, ...], *, last: str = "and") -> str:
    *first, final = (f"`{text}`" for text in texts)
    return f"{', '.join(first)} {last} {final}" if first else final


if __name__ == "__main__":
    PAGE.write_text(whole(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
