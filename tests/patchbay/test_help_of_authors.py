"""Documentation in a DAG: shown as Markdown, and never more than that."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.test import Client

from patchbay.help.authors import LONGEST, author_html, is_short
from tasks.services import trigger_dag_run
from tasks.spec import DagSpec
from tests.conftest import ACTOR
from tests.tasks.conftest import query_task
from tests.tasks.dag_world import save

BAD_LINKS = (
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](<java&NewLine;script:alert(1)>)",
    "[x](vbscript:msgbox)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](file:///etc/passwd)",
    "[x](ftp://example.com)",
    "[x](//evil.example.com)",
    "[x](/logout/)",
    "[x](../../admin/)",
    "[x](#content)",
    "[x](?act=delete)",
    "<javascript:alert(1)>",
    "[x][r]\n\n[r]: javascript:alert(1)",
    "![x](javascript:alert(1))",
    "![x](/logout/)",
)
BAD_HTML = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a <b onclick=alert(1)>b</b>",
    "<!-- x --><svg/onload=alert(1)>",
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    "```python\n'</code><script>alert(1)</script>'\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "    <script>alert(1)</script>",
    "| a |\n|---|\n| <script>alert(1)</script> |",
    '[x](https://example.com "\\"><script>alert(1)</script>")',
    '![\\"><script>alert(1)</script>](https://example.com/a.png)',
    '[x](https://example.com/"onmouseover="alert(1))',
)


def tags(html: str) -> list[str]:
    return re.findall(r"<[a-z][^>]*>", html)


@pytest.mark.parametrize("text", BAD_LINKS)
def test_no_link_leads_anywhere_but_to_the_web_and_to_mailboxes(text: str) -> None:
    html = author_html(text)
    assert "<a" not in html
    assert "href" not in html
    assert "src=" not in html


@pytest.mark.parametrize("text", BAD_HTML)
def test_no_html_of_an_author_is_the_pages(text: str) -> None:
    for tag in tags(author_html(text)):
        assert re.match(r"<(p|pre|code|span|a|table|thead|tbody|tr|th|td|b|em|strong|wbr)\b", tag)
        assert not re.search(r"\son\w+=|style=|\sid=", tag)
    assert "<script" not in author_html(text)


def test_links_open_beside_and_tell_nothing() -> None:
    html = author_html("[a](https://example.com/x?a=1&b=2) <mailto:team@example.com>")
    rel = 'target="_blank" rel="noopener noreferrer nofollow"'
    assert f'<a href="https://example.com/x?a=1&amp;b=2" {rel}>a</a>' in html
    assert f'<a href="mailto:team@example.com" {rel}>' in html


def test_a_picture_is_a_link_to_it_and_within_a_link_its_words() -> None:
    assert ">plan</a>" in author_html("![plan](https://example.com/plan.png)")
    inside = author_html("[![plan](https://example.com/plan.png)](https://example.com)")
    assert inside.count("<a") == inside.count("</a>") == 1
    assert "<img" not in inside
    assert "plan.png" not in inside
    after = author_html("[a](https://example.com) ![b](https://example.com/b.png)")
    assert after.count("<a") == 2


def test_headings_stand_below_those_of_the_page_and_sides_are_classes() -> None:
    html = author_html("# One\n\n##### Five\n\n| a | b |\n|--:|---|\n| 1 | 2 |")
    assert re.findall(r"<(h\d)", html) == ["h3", "h6"]
    assert '<td class="num">1</td>' in html


def test_a_text_that_is_indented_as_in_a_file_is_no_code() -> None:
    assert "<pre" not in author_html("First.\n\n    Second.\n\n    - a\n    - b\n")


def test_a_text_that_is_very_long_stands_as_it_was_written() -> None:
    html = author_html("[" * (LONGEST + 1) + "<b>")
    assert html.startswith('<pre class="plain">[[[')
    assert html.endswith("[&lt;b&gt;</pre>")


@pytest.mark.parametrize(
    "text",
    [
        f"|x|{'L' * 9_900}|\n|-|-|\n" + "x\n" * 4_900,
        f"{'|x' * 3_000}|\n{'|-' * 3_000}|\n" + "x\n" * 3_000,
    ],
)
def test_a_table_does_not_make_much_of_little(text: str) -> None:
    assert len(text) <= LONGEST
    assert len(author_html(text)) < 600_000


def test_a_short_text_is_open_and_a_long_one_folded() -> None:
    assert is_short("One line.")
    assert not is_short("line\n" * 40)
    assert not is_short("word " * 400)


@pytest.mark.django_db
def test_the_pages_of_dag_task_and_version_show_it(admin_client: Client) -> None:
    task = replace(query_task(), doc_md="Reads *all* of [it](https://example.com).")
    dag = save(DagSpec("rain", (task,), doc_md="# Why\n\n**Rain** <script>alert(1)</script>"))
    run = trigger_dag_run("rain", actor=ACTOR)
    html = admin_client.get("/dags/rain/").content.decode()
    assert "<h3>Why</h3>" in html
    assert "<strong>Rain</strong> &lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert '<details class="panel doc-md" open>' in html
    assert "Reads <em>all</em>" in html
    html = admin_client.get(f"/runs/{run.pk}/tasks/{task.task_id}/").content.decode()
    assert "Reads <em>all</em> of <a href=" in html
    html = admin_client.get(f"/dags/{dag.dag_id}/versions/1/").content.decode()
    assert "<strong>Rain</strong>" in html
