"""Markdown as HTML, for our own pages and for what authors of DAGs write.

markdown-it is imported when the first text is shown: most requests show none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.utils.html import escape

from patchbay.templatetags.patchbay import breakable

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererProtocol
    from markdown_it.token import Token

#: Names that a block of code may have, and what Pygments calls them.
LANGUAGES = {
    **{name: name for name in ("python", "sql", "json", "yaml", "toml", "bash", "jinja")},
    **{"py": "python", "python3": "python", "yml": "yaml", "sh": "bash", "shell": "bash"},
}
#: Characters; a longer block of code has no colours.
LONGEST_CODE = 20_000
#: Characters of a column's head that its cells repeat.
LONGEST_LABEL = 60
#: The policy of our pages has no place for style="text-align: right".
_SIDES = {"text-align:left": "", "text-align:right": "num", "text-align:center": "middle"}


def parser() -> MarkdownIt:
    """One that takes no HTML. https://spec.commonmark.org/0.31.2/, with GitHub's tables."""
    from markdown_it import MarkdownIt

    options = {"html": False, "highlight": _code_block}
    made = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    made.add_render_rule("code_block", _indented_code)
    made.add_render_rule("code_inline", _code)
    return made


def walk(tokens: Sequence[Token]) -> Iterable[Token]:
    """All of them, and those within lines of text."""
    for token in tokens:
        yield token
        yield from token.children or ()


def make_fit(tokens: Sequence[Token]) -> None:
    """Tables whose rows become cards on a narrow screen: each cell knows its column."""
    labels: list[str] = []
    column = 0
    for at, token in enumerate(tokens):
        if token.type == "table_open":
            labels = []
        elif token.type == "tr_open":
            column = 0
        elif token.type in ("th_open", "td_open"):
            side = _SIDES.get(str(token.attrs.pop("style", "")), "")
            if side:
                token.attrSet("class", side)
            if token.type == "th_open":
                token.attrSet("scope", "col")
                labels.append(words_of(tokens[at + 1])[:LONGEST_LABEL])
            elif column and column < len(labels):
                token.attrSet("data-label", labels[column])
            column += 1


def words_of(inline: Token) -> str:
    """A line of text without its marks."""
    return "".join(_WORDS.get(each.type, each.content) for each in inline.children or ())


_WORDS = {"softbreak": " ", "hardbreak": " "}


def _code_block(text: str, name: str, attributes: str) -> str:
    """As markdown-it asks for it: HTML that begins with ``<pre`` is taken as it is."""
    del attributes
    language = LANGUAGES.get(name.lower(), "")
    inner = _coloured(text, language) if language and len(text) <= LONGEST_CODE else escape(text)
    return f'<pre class="code-block" tabindex="0"><code>{inner}</code></pre>\n'


def _indented_code(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    at: int,
    options: Mapping[str, Any],
    env: Mapping[str, Any],
) -> str:
    del renderer, options, env
    return _code_block(tokens[at].content, "", "")


def _code(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    at: int,
    options: Mapping[str, Any],
    env: Mapping[str, Any],
) -> str:
    """A name in a narrow column may break at its signs."""
    del renderer, options, env
    return f"<code>{breakable(tokens[at].content)}</code>"


def _coloured(text: str, language: str) -> str:
    """With Pygments' short class names, which dag.css and doc.css know."""
    from pygments import highlight
    from pygments.formatters.html import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    return str(highlight(text, lexer, HtmlFormatter(nowrap=True)))
