"""The help: every page of docs/ can be read in the product, and its links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from django.test import Client

from connections.diagnosis import CATALOGUE
from connections.services import create_connection
from connections.types import TYPES
from connections.validation import Draft
from patchbay.environment import NAMES
from patchbay.help import pages
from patchbay.help.pages import address_of, contents, names, page_of, search
from patchbay.help.places import _OF_A_TYPE, PLACES, address_of_docs
from tests.access.doors import PAGES
from tests.conftest import ACTOR
from tests.roles import user_of
from tests.tasks.conftest import query_task, trigger
from tests.tasks.dag_world import elt, save

pytestmark = pytest.mark.django_db
REPOSITORY = Path(__file__).parent.parent.parent
EVERY = sorted(names())


def ids_of(html: str) -> set[str]:
    return {unescape(found) for found in re.findall(r'\bid="([^"]+)"', html)}


def read(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


@pytest.fixture(scope="module")
def kept() -> dict[str, str]:
    """Pages that a link was followed to, by their address."""
    return {}


def links(html: str, at: str) -> Iterator[tuple[str, str]]:
    """(address, anchor) of all links of a page's text that stay in the product."""
    article = html[html.index("<article") : html.index("</article>")]
    assert not re.search(r"<img|<script|style=", article)
    for link in re.findall(r'href="([^"]+)"', article):
        whole = urljoin(at, unescape(link))
        if whole.startswith("/"):
            path, anchor = urldefrag(whole)
            yield path, unquote(anchor)


@pytest.mark.parametrize("name", EVERY)
def test_every_page_is_shown_and_all_that_it_links_to_is_there(
    admin_client: Client, name: str, kept: dict[str, str]
) -> None:
    html = read(admin_client, address_of(name))
    title = re.search(r"^# (.+)$", (pages.folder() / f"{name}.md").read_text(), re.MULTILINE)
    assert title
    assert f"<title>{title[1]} · Help · Patchbay</title>" in unescape(html)
    assert "&lt;!--" not in html
    for path, anchor in links(html, address_of(name)):
        found = kept.setdefault(path, "") or read(admin_client, path)
        kept[path] = found
        assert not anchor or anchor in ids_of(found), f"{path}#{anchor}"


def test_every_page_stands_once_at_the_side(admin_client: Client) -> None:
    listed = [page.name for _, group in contents() for page in group]
    assert sorted(listed) == [name for name in EVERY if "/" not in name]
    html = read(admin_client, "/help/")
    assert all(f'href="{address_of(name)}"' in html for name in listed)


def test_a_page_that_is_written_later_stands_at_the_end(settings: Any, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in [*(name for group in pages.GROUPS.values() for name in group), "brand-new"]:
        (docs / f"{name}.md").write_text(f"# The {name}\n")
    settings.BASE_DIR = tmp_path
    assert contents()[-1][1][-1].title == "The brand-new"


def test_a_page_that_was_changed_is_made_anew(settings: Any, tmp_path: Path) -> None:
    page = tmp_path / "docs" / "one.md"
    page.parent.mkdir()
    settings.BASE_DIR = tmp_path
    for at, title in enumerate(("First", "Second")):
        page.write_text(f"# {title}\n")
        os.utime(page, (at, at))
        assert page_of("one").title == title


def test_an_installation_without_docs_says_so(
    admin_client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.BASE_DIR = tmp_path
    assert "the folder docs is missing" in read(admin_client, "/help/")
    assert admin_client.get("/help/runs/").status_code == 404
    assert "Nothing for" in read(admin_client, "/help/?q=runs")


@pytest.mark.parametrize(
    "name", ["nothing", "../README", "..%2FREADME", "adr", "runs.md", "adr/x", "a" * 300]
)
def test_nothing_but_the_pages_is_shown(admin_client: Client, name: str) -> None:
    assert admin_client.get(f"/help/{name}/").status_code == 404


def test_whoever_is_signed_in_reads_it_and_nobody_else() -> None:
    nobody, without_role = Client(), Client()
    without_role.force_login(user_of("", "guest"))
    assert nobody.get("/help/runs/").headers["Location"] == "/login/?next=/help/runs/"
    assert nobody.get("/help/").status_code == 302
    html = read(without_role, "/help/runs/")
    assert "Dashboard" not in html[: html.index("<main")]


def test_the_link_tells_nothing_of_connections_to_who_may_not_see_them(connect: Any) -> None:
    connect(conn_id="there")
    client = Client()
    client.force_login(user_of("", "guest"))
    answers = [client.get(f"/connections/{name}/edit/") for name in ("there", "not_there")]
    assert [answer.status_code for answer in answers] == [403, 403]
    links = [re.findall(r'href="/help/[^"]*"', answer.text) for answer in answers]
    assert links[0] == links[1]


# Anchors


def test_every_failure_has_its_place(admin_client: Client) -> None:
    assert set(CATALOGUE) <= ids_of(read(admin_client, "/help/failures/"))


def test_every_setting_has_its_place(admin_client: Client) -> None:
    here = ids_of(read(admin_client, "/help/settings/"))
    assert {name for name in NAMES if not name.endswith("_FILE")} <= here


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_type_of_connection_has_its_heading(name: str) -> None:
    address, anchor = urldefrag(address_of_docs(TYPES[name].docs))
    page = page_of(address.removeprefix("/help/").removesuffix("/"))
    assert anchor in {section.anchor for section in page.sections}


def test_a_name_that_comes_twice_has_two_anchors() -> None:
    """As on GitHub, where the same pages are read."""
    for name in EVERY:
        found = [section.anchor for section in page_of(name).sections]
        assert len(found) == len(set(found)), name


# Help for a page


def test_every_page_of_the_product_leads_to_a_heading_that_is_there() -> None:
    for place in PLACES.values():
        name, _, anchor = place.partition("#")
        assert name in names(), place
        assert not anchor or anchor in {each.anchor for each in page_of(name).sections}, place
    unknown = set(PLACES) - set(PAGES) - {"connection-paste"}
    assert unknown == set()
    assert not set(PLACES) & set(_OF_A_TYPE)


def help_of(client: Client, url: str) -> str:
    found = re.search(r'<a href="([^"]+)"[^>]*>Help</a>', read(client, url))
    assert found
    return found[1]


def test_the_link_leads_from_each_page_to_what_fits(admin_client: Client) -> None:
    create_connection(Draft("db", "postgres", host="db"), actor=ACTOR)
    save(elt())
    run = trigger(query_task())
    for url, place in {
        "/": "dag-pages/#the-dashboard",
        "/dags/": "dag-pages/#the-list-of-dags",
        "/dags/elt/": "dag-pages/#the-page-of-a-dag",
        "/dags/new/": "dag-editor/",
        "/runs/": "dag-pages/#the-list-of-runs",
        f"/runs/{run.pk}/": "runs/",
        "/connections/": "connections/#the-list",
        "/connections/new/": "connection-types/",
        "/connections/new/?type=mysql": "connection-types-cloud/#mysql",
        "/connections/new/?type=ftp": "connection-types/#the-catalogue",
        "/connections/db/edit/": "connection-types-cloud/#postgresql",
        "/connections/db/overview/": "connection-types-cloud/#postgresql",
        "/connections/import/": "import-export/#importing",
        "/settings/tokens/": "access/#tokens",
        "/api/docs": "rest-api/",
        "/help/runs/": "",
    }.items():
        assert help_of(admin_client, url) == f"/help/{place}", url


def test_the_code_of_a_failure_leads_to_its_row(admin_client: Client) -> None:
    run = trigger(query_task())
    run.steps.filter(number=4).update(state="failed", error_code="job:invalid-query")
    html = read(admin_client, f"/runs/{run.pk}/tasks/bq_task/")
    assert 'href="/help/failures/#job:invalid-query"' in html


# Search


def test_the_search_finds_headings_first_and_codes_by_their_name(admin_client: Client) -> None:
    assert search("job:invalid-query")[0].url == "/help/failures/#job:invalid-query"
    assert search("Schedules")[0].url == "/help/schedules/"
    assert search("patchbay_home")[0].url == "/help/settings/#PATCHBAY_HOME"
    assert search("lost key")[0].section.title == "A lost key"
    html = read(admin_client, "/help/?q=lost+key")
    assert 'href="/help/connections/#a-lost-key"' in html


def test_a_search_that_finds_nothing_says_so_and_shows_what_was_typed_as_text(
    admin_client: Client,
) -> None:
    html = read(admin_client, "/help/?q=%3Cb%3Exyzzy")
    assert "Nothing for “&lt;b&gt;xyzzy”" in html
    assert search("  ") == []


# What it costs


def test_no_process_loads_the_renderer_before_it_is_needed() -> None:
    program = (
        "import sys, patchbay.asgi, patchbay.urls, patchbay.templatetags.help; "
        "print([n for n in sys.modules if n.split('.')[0] in ('markdown_it', 'pygments')])"
    )
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_image_has_the_pages() -> None:
    wanted = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert "!docs" in wanted
