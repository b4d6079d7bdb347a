"""Reads YAML as data and nothing else: what JSON has, with every text as it is written.

YAML takes ``0123``, ``yes`` and ``2020-01-01`` for numbers, booleans and dates, so
that a password of this shape is lost. Here such a scalar becomes ``UNQUOTED``,
and whoever meets one where a value belongs says that it needs quotes. Aliases
and tags are refused: a few lines of aliases can make gigabytes.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

DEEPEST = 50
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,4000})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][+-]?[0-9]+)?")
_CONSTANTS = {"true": True, "false": False, "null": None, "~": None, "": None}
_TAG = "tag:yaml.org,2002:"


class NotYaml(ValueError):
    """The words of what is wrong, with the line. They never quote the text."""


class Unquoted:
    """Stands for a scalar of which YAML makes something else than what is written."""

    def __repr__(self) -> str:
        return "<unquoted>"


UNQUOTED = Unquoted()


def parse(text: str) -> Any:
    """The one document in ``text``; ``None`` if there is nothing. Raise ``NotYaml``."""
    try:
        # With libyaml where it is there: ten times as fast, and PyYAML's wheels have it.
        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        return _Builder(loader).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise NotYaml(f"this isn't YAML{f', line {mark.line + 1}' if mark else ''}") from None
    except yaml.YAMLError:
        raise NotYaml("it holds a character that YAML doesn't take") from None


class _Builder:
    """Makes data of the parser's events, so that no depth and no alias costs anything."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def document(self) -> Any:
        self._next()
        if self.loader.check_event(yaml.StreamEndEvent):
            return None
        self._next()
        found = self._value(self._next(), depth=0)
        self._next()
        if not self.loader.check_event(yaml.StreamEndEvent):
            raise _wrong(self._next(), "a second document begins")
        return found

    def _next(self) -> Any:
        return self.loader.get_event()

    def _value(self, event: Any, *, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            raise _wrong(event, "an alias (*name) isn't read: write it out")
        if depth > DEEPEST:
            raise _wrong(event, "nested too deeply")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if event.tag not in (None, "!", f"{_TAG}map", f"{_TAG}seq"):
            raise _wrong(event, "a tag (!name) isn't read")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(depth)
        return self._mapping(depth)

    def _list(self, depth: int) -> list[Any]:
        found = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            found.append(self._value(event, depth=depth + 1))
        return found

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            name = self._value(event, depth=depth + 1)
            if name is UNQUOTED and event.value == "<<":
                raise _wrong(event, "a merge (<<) isn't read: write it out")
            if not isinstance(name, str):
                raise _wrong(event, "a name isn't a text: put it in quotes")
            if name in found:
                raise _wrong(event, "the same name stands there twice")
            found[name] = self._value(self._next(), depth=depth + 1)
        return found

    def _scalar(self, event: Any) -> Any:
        if event.tag not in (None, "!", f"{_TAG}str"):
            raise _wrong(event, "a tag (!name) isn't read")
        text: str = event.value
        tag = event.tag or self.loader.resolve(yaml.ScalarNode, text, event.implicit)
        if tag in (f"{_TAG}str", "!"):
            return text
        if text.lower() in _CONSTANTS:
            return _CONSTANTS[text.lower()]
        if _INTEGER.fullmatch(text):
            return int(text)
        if _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
            return number
        return UNQUOTED


def _wrong(event: Any, words: str) -> NotYaml:
    return NotYaml(f"{words}, line {event.start_mark.line + 1}")
