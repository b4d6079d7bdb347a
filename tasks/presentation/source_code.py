"""Code as it is shown: line by line, with the parts of its language marked by the server."""

from __future__ import annotations

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

#: Longer texts are shown plain.
LONGEST = 200_000


def lines_of(text: str, *, language: str = "python") -> list[SafeString]:
    """The lines of ``text`` as HTML; each stands for itself, also inside a long string.

    ``language`` is a name of Pygments; its short class names are in dag.css.
    """
    if len(text) > LONGEST:
        return [escape(line) for line in text.splitlines()]
    # Imported when first needed: most pages show no code.
    from pygments import highlight
    from pygments.formatters.html import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    html = highlight(text, lexer, HtmlFormatter(nowrap=True))
    # Pygments escapes what it marks.
    return [mark_safe(line) for line in html.removesuffix("\n").split("\n")]  # noqa: S308
