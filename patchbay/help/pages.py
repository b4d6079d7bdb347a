"""The pages of ``docs/`` as HTML, in their order, with a search."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from patchbay.help.markdown import make_fit, parser, walk, words_of

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

#: In this order; a page that isn't named stands at the end of the last.
GROUPS: dict[str, tuple[str, ...]] = {
    "Connections": (
        "connections",
        "connection-types",
        "connection-types-cloud",
        "connection-types-services",
        "import-export",
    ),
    "DAGs and runs": (
        "dag-files",
        "dag-editor",
        "python-tasks",
        "operators",
        "schedules",
        "dag-pages",
        "runs",
        "engine",
        "failures",
        "airflow-examples",
    ),
    "Operating": ("running", "settings", "access"),
    "Reference": ("command-line", "rest-api", "architecture"),
}
#: Pages of decisions are read where another page leads to them.
DECISIONS = "adr/"
#: A row that is of one of these can be linked to: a failure, a variable.
_ROW_OF = re.compile(r"[a-z0-9-]+:[a-z0-9-]+|PATCHBAY_[A-Z_]+")
_NAME = re.compile(rf"({DECISIONS})?[a-z0-9-]+")
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
#: How what is no paragraph begins.
_OTHERS = ("#", "|", "- ", "* ", ">", "<", "    ")
#: A link stays as its words.
_MARKS = re.compile(r"\[([^\]]*)\]\([^)]*\)|[`*]+")
#: Marks for the program that writes a part of a page.
_REMARK = re.compile(r"^<!--.*?-->\n", re.MULTILINE | re.DOTALL)
MOST_FOUND = 40


class NoPage(LookupError):
    """There is no help page of this name."""


@dataclass(frozen=True)
class Section:
    """A heading, or a row that can be linked to, with its text. ``level`` of a row is 0."""

    title: str
    anchor: str
    level: int
    text: str


@dataclass(frozen=True)
class Page:
    name: str
    title: str
    html: SafeString
    sections: tuple[Section, ...]

    @property
    def url(self) -> str:
        return address_of(self.name)

    @property
    def contents(self) -> list[Section]:
        """The headings below its title."""
        return [section for section in self.sections if section.level in (2, 3)]


@dataclass(frozen=True)
class Listed:
    """A page as lists name it; ``summary`` is its first paragraph."""

    name: str
    title: str
    summary: str

    @property
    def url(self) -> str:
        return address_of(self.name)


@dataclass(frozen=True)
class Found:
    """A place that a search found; ``words`` are those around what was looked for."""

    page: Page
    section: Section
    words: str

    @property
    def url(self) -> str:
        anchor = self.section.anchor if self.section.level != 1 else ""
        return address_of(self.page.name, anchor)


def folder() -> Path:
    return Path(settings.BASE_DIR) / "docs"


def names() -> set[str]:
    """Of every page that can be shown."""
    found = [*folder().glob("*.md"), *(folder() / DECISIONS).glob("*.md")]
    return {path.relative_to(folder()).with_suffix("").as_posix() for path in found}


def address_of(name: str, anchor: str = "") -> str:
    return reverse("help-page", args=[name]) + (f"#{anchor}" if anchor else "")


def contents() -> list[tuple[str, list[Listed]]]:
    """The pages in their groups, as the side of each page lists them. None is made for it."""
    there = {name for name in names() if not name.startswith(DECISIONS)}
    listed = {name for group in GROUPS.values() for name in group}
    last = [*GROUPS][-1]
    return [
        (label, [_listed(name) for name in (*group, *(sorted(there - listed) * (label == last)))])
        for label, group in GROUPS.items()
        if there.issuperset(group)
    ]


def page_of(name: str) -> Page:
    """Raise ``NoPage``. A page is made once, and again when its file has changed."""
    return _made(name, _changed_at(name))


def _changed_at(name: str) -> int:
    try:
        if _NAME.fullmatch(name):
            return (folder() / f"{name}.md").stat().st_mtime_ns
    except OSError:  # there is none, or no file may have such a name
        pass
    raise NoPage(name)


def _listed(name: str) -> Listed:
    return _listed_at(name, _changed_at(name))


@lru_cache(maxsize=128)
def _listed_at(name: str, changed_at: int) -> Listed:
    del changed_at
    text = (folder() / f"{name}.md").read_text(encoding="utf-8")
    title = _TITLE.search(text)
    parts = _CODE.sub("", text).split("\n\n")
    paragraph = next((part for part in parts if part.strip() and not part.startswith(_OTHERS)), "")
    # Twice: a link may have marks within its words.
    summary = " ".join(_MARKS.sub(r"\1", _MARKS.sub(r"\1", paragraph)).split())
    summary = f"{summary[:-1]}." if summary.endswith(":") else summary
    return Listed(name, title[1] if title else name, summary)


@lru_cache(maxsize=128)
def _made(name: str, changed_at: int) -> Page:
    del changed_at
    made = _parser()
    text = _REMARK.sub("", (folder() / f"{name}.md").read_text(encoding="utf-8"))
    tokens = made.parse(text)
    make_fit(tokens)
    sections = tuple(_sections(tokens))
    for token in walk(tokens):
        if token.type == "link_open":
            _lead(token, name)
    html: str = made.renderer.render(tokens, made.options, {})
    # Written by us, and HTML is off in it all the same.
    return Page(name, sections[0].title, mark_safe(html), sections)  # noqa: S308


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return parser()


def _lead(token: Token, name: str) -> None:
    """Links between pages lead to the pages here; those out of them open beside."""
    address = str(token.attrGet("href") or "")
    path, _, anchor = address.partition("#")
    if "://" in address:
        token.attrSet("target", "_blank")
        token.attrSet("rel", "noopener noreferrer")
    elif path.endswith(".md"):
        token.attrSet("href", address_of(_beside(name, path.removesuffix(".md")), anchor))


def _beside(name: str, path: str) -> str:
    """The name of the page that ``path`` means on the page ``name``."""
    at = (folder() / name).parent / path
    return Path(at).resolve().relative_to(folder().resolve()).as_posix()


def anchor_of(heading: str) -> str:
    """As GitHub makes it: small letters, no signs, a dash for each space."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@dataclass
class _Part:
    title: str
    anchor: str
    level: int
    texts: list[str] = field(default_factory=list)

    def section(self) -> Section:
        return Section(self.title, self.anchor, self.level, " ".join(self.texts))


def _sections(tokens: Sequence[Token]) -> Iterator[Section]:
    """The headings and rows, each of which gets its id on the way."""
    heading = _Part("", "", 1)
    rows: list[_Part] = []
    taken: set[str] = set()
    row: _Part | None = None
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            yield from (part.section() for part in (heading, *rows) if part.title)
            title = words_of(tokens[at + 1])
            heading, rows = _Part(title, _free(anchor_of(title), taken), int(token.tag[1])), []
            token.attrSet("id", heading.anchor)
        elif token.type == "tr_open":
            row = _row(tokens, at, taken)
            rows += [row] if row else []
        elif token.type == "tr_close":
            row = None
        elif token.type == "inline" and tokens[at - 1].type != "heading_open":
            (row or heading).texts.append(words_of(token))
    yield from (part.section() for part in (heading, *rows) if part.title)


def _free(anchor: str, taken: set[str]) -> str:
    """The second of a name is ``name-1``, as GitHub has it."""
    found, number = anchor, 0
    while found in taken:
        number += 1
        found = f"{anchor}-{number}"
    taken.add(found)
    return found


def _row(tokens: Sequence[Token], at: int, taken: set[str]) -> _Part | None:
    """A row by what stands as code in its first cell, if that can be linked to."""
    children = tokens[at + 2].children or []
    code = children[0].content if [each.type for each in children] == ["code_inline"] else ""
    if not _ROW_OF.fullmatch(code) or code in taken:
        return None
    taken.add(code)
    tokens[at].attrSet("id", code)
    return _Part(code, code, 0)


def search(typed: str) -> list[Found]:
    """Where all the words stand: first in headings, then in the text."""
    words = typed.lower().split()
    if not words:
        return []
    found: list[tuple[int, Found]] = []
    for _, pages in contents():
        for page in (page_of(each.name) for each in pages):
            for section in page.sections:
                if (rank := _rank(words, page, section)) is not None:
                    found.append((rank, Found(page, section, _around(section.text, words))))
    found.sort(key=lambda each: each[0])
    return [each for _, each in found[:MOST_FOUND]]


def _rank(words: list[str], page: Page, section: Section) -> int | None:
    """0 is the best: what was typed is the heading itself; ``None`` where a word is missing."""
    title, text = section.title.lower(), section.text.lower()
    if title == " ".join(words):
        return 0
    for rank, whole in enumerate((title, f"{title} {page.title.lower()}", f"{title} {text}"), 1):
        if all(word in whole for word in words):
            are_wholes = all(re.search(rf"\b{re.escape(word)}\b", whole) for word in words)
            return 2 * rank - are_wholes
    return None


def _around(text: str, words: list[str]) -> str:
    """Some 200 characters of ``text``, from a bit before the first of ``words``."""
    places = [place for word in words if (place := text.lower().find(word)) >= 0]
    start = text.rfind(" ", 0, max(min(places, default=0) - 60, 0)) + 1
    cut = text[start : start + 200]
    return f"{'… ' if start else ''}{cut}{' …' if start + 200 < len(text) else ''}"
