"""Links from pages into the help, and what authors of DAGs wrote about them."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from patchbay.help.authors import author_html, is_short
from patchbay.help.pages import address_of

register = template.Library()
register.filter("author_html", author_html)
register.filter("is_short", is_short)


@register.simple_tag
def help_address(name: str, anchor: str = "") -> str:
    """The address of a help page, at one of its headings."""
    return address_of(name, anchor)


@register.simple_tag
def failure_code(code: str) -> SafeString:
    """The code of a failure, which leads to its row in the help."""
    return format_html(
        '<a class="link failure-code" href="{}" title="What this code means"><code>{}</code></a>',
        address_of("failures", code),
        code,
    )
