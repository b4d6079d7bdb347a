"""Documentation that the author of a DAG wrote: of people whom the page can't trust.

No HTML, no pictures from elsewhere, and links to the web and to mailboxes alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from patchbay.help.markdown import make_fit, parser

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererProtocol
    from markdown_it.token import Token

#: Characters; a longer text is shown as it was written.
LONGEST = 20_000
#: Characters of what it becomes: a table can make much of little.
LONGEST_HTML = 400_000
#: A text of so many lines, or characters, at most isn't folded.
SHORT_LINES, SHORT = 14, 1_200
SCHEMES = ("http://", "https://", "mailto:")
#: The page has its title, and the part its own.
DEEPER = 2


def is_short(text: str) -> bool:
    return len(text) <= SHORT and text.count("\n") <= SHORT_LINES


@lru_cache(maxsize=128)
def author_html(text: str) -> SafeString:
    """``text`` as HTML that is safe on our pages."""
    if len(text) > LONGEST:
        return format_html('<pre class="plain">{}</pre>', text)
    made = _parser()
    tokens = made.parse(cleandoc(text))
    make_fit(tokens)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + DEEPER, 6)}"
    html: str = made.renderer.render(tokens, made.options, {})
    if len(html) > LONGEST_HTML:
        return format_html('<pre class="plain">{}</pre>', text)
    # HTML is off, and each link and picture goes through the rules below.
    return mark_safe(html)  # noqa: S308


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    made = parser()
    made.add_render_rule("link_open", _link)
    made.add_render_rule("link_close", _link_end)
    made.add_render_rule("image", _picture)
    return made


def is_allowed(address: str) -> bool:
    """Whether a link may lead there. What is relative would lead into our own pages."""
    return address.lower().startswith(SCHEMES)


def _link(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    at: int,
    options: Mapping[str, Any],
    env: dict[str, Any],
) -> str:
    del renderer, options
    address = str(tokens[at].attrGet("href") or "")
    env["tag"] = "a" if is_allowed(address) else "span"
    return _opened(address) if is_allowed(address) else "<span>"


def _link_end(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    at: int,
    options: Mapping[str, Any],
    env: dict[str, Any],
) -> str:
    del renderer, tokens, at, options
    return f"</{env.pop('tag', 'span')}>"


def _picture(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    at: int,
    options: Mapping[str, Any],
    env: dict[str, Any],
) -> str:
    """A link to it: shown here, it would tell another server who looks at the page."""
    del renderer, options
    token = tokens[at]
    address = str(token.attrGet("src") or "")
    words = escape(token.content or address)
    if "tag" in env or not is_allowed(address):
        return words
    return f"{_opened(address)}{words}</a>"


def _opened(address: str) -> str:
    rel = "noopener noreferrer nofollow"
    return format_html('<a href="{}" target="_blank" rel="{}">', address, rel)
