"""The three file formats as names and raw values; what a value means isn't known here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import yaml

from connections.exceptions import PatchbayError
from connections.from_environment import PREFIXES
from connections.portability import yaml_text
from connections.types import json_text

FILE_FORMATS = ("json", "yaml", "env")
#: In bytes of UTF-8, and in connections.
LARGEST, MOST = 10_000_000, 20_000
#: What Airflow calls the formats' files.
_SUFFIXES = {"json": "json", "yaml": "yaml", "yml": "yaml", "env": "env"}
_LINE = re.compile(
    r"(?:export\s+)?(?:\"(?P<quoted>[^\"]+)\"|(?P<name>[^\s=\"']+))\s*=\s*(?P<value>.*)", re.DOTALL
)
_SHOWABLE = re.compile(r"[\w.-]{1,64}")


class Unreadable(PatchbayError):
    """A file of which nothing can be taken: the words of what is wrong, never its content."""


def format_of(name: str, text: str = "") -> str:
    """The format by the file's name, else by what its content looks like."""
    suffix = name.rpartition(".")[2].lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return "json"
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    is_env = bool(lines) and all(map(_LINE.match, lines)) and not re.match(r"[^=]*:\s", lines[0])
    return "env" if is_env else "yaml"


def read_values(text: str, *, file_format: str) -> dict[str, Any]:
    """The raw values by conn_id, in the file's order. Raise ``Unreadable``."""
    text = text.removeprefix("\ufeff")
    if len(text) > LARGEST or len(text.encode(errors="replace")) > LARGEST:
        raise Unreadable("This file is too large: at most 10 MB.")
    if not text.strip():
        raise Unreadable("There is nothing in this file.")
    found = {"json": _read_json, "yaml": _read_yaml, "env": _read_env}[file_format](text)
    if len(found) > MOST:
        raise Unreadable(f"This file has more than {MOST:,} connections. Split it.")
    return found


def _read_json(text: str) -> dict[str, Any]:
    try:
        return _object(json_text.parse(text))
    except json_text.NotJson as error:
        raise Unreadable(f"This file is not JSON: {_without_quotation(str(error))}.") from None


def _read_yaml(text: str) -> dict[str, Any]:
    try:
        return _object(yaml_text.parse(text))
    except yaml_text.NotYaml as error:
        raise Unreadable(f"This file can't be read: {error}.") from None


def _object(found: Any) -> dict[str, Any]:
    if isinstance(found, list):
        raise Unreadable(
            "This file holds a list. Wanted is an object with the connections by their IDs, as "
            "`airflow connections export` writes it (not `list` or `get`)."
        )
    if not isinstance(found, dict):
        raise Unreadable("This file holds no connections by their IDs.")
    if isinstance(found.get("conn_type"), str) and "://" not in found["conn_type"]:
        raise Unreadable("This file holds one connection without its ID. Put it under its ID.")
    return found


def _read_env(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    lines = [line.strip() for line in re.split(r"\r\n|\n|\r", text)]
    for number, line in enumerate(lines, start=1):
        if not line or line.startswith("#"):
            continue
        read = read_line(line)
        if read is None:
            raise Unreadable(f"Line {number} is not conn_id=value.")
        conn_id, value = read
        if conn_id in found:
            raise Unreadable(f"Line {number}: {_shown(conn_id)} stands in this file twice.")
        found[conn_id] = value
    return found


def read_line(line: str) -> tuple[str, EnvValue] | None:
    """The conn_id and the value of a line of a .env file, if it is one."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    name = match["quoted"] or match["name"]
    conn_id = name if match["quoted"] else without_prefix(name)
    return conn_id, EnvValue(_unquoted(match["value"].strip()), is_variable=conn_id != name)


class EnvValue(str):
    """The value of a line; ``is_variable`` if its name is that of an Airflow variable."""

    is_variable: bool

    def __new__(cls, text: str, *, is_variable: bool) -> EnvValue:
        value = super().__new__(cls, text)
        value.is_variable = is_variable
        return value


def without_prefix(name: str) -> str:
    """The conn_id: of a variable's name, what stands after the prefix, in small letters."""
    for prefix in PREFIXES:
        if name.startswith(prefix) and name != prefix:
            return name.removeprefix(prefix).lower()
    return name


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1]
    if len(value) > 1 and value[0] == value[-1] == '"':
        return re.sub(r'\\(["\\$`])', r"\1", value[1:-1])
    return value


def _without_quotation(words: str) -> str:
    """``words``, but for a name in them that isn't plainly one: it may be a secret."""
    found = re.match("“(.*)” stands in it twice", words, re.DOTALL)
    return f"{_shown(found[1])} stands in it twice" if found else words


def _shown(name: str) -> str:
    return name if _SHOWABLE.fullmatch(name) else "a name"


def write_values(
    values: Iterable[tuple[str, Any]], *, file_format: str, for_airflow: bool = False
) -> str:
    """The file's text. A value is a URI, or an object. Airflow takes a name with its quotes."""
    if file_format == "env":
        return "".join(
            f"{name if for_airflow else _env_name(name)}={_env_value(value)}\n"
            for name, value in values
        )
    found = dict(values)
    if file_format == "json":
        return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(
        found, Dumper=dumper, sort_keys=False, allow_unicode=True, width=1_000_000
    )
    return text


def _env_name(conn_id: str) -> str:
    """In quotes where an import would take the name for that of a variable."""
    return conn_id if without_prefix(conn_id) == conn_id else f'"{conn_id}"'


def _env_value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
