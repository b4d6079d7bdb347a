"""A version that another release stored, and this one can't read: pages and calls say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from connections.services import create_connection
from connections.validation import Draft
from tasks.engine.versions import spec_of
from tasks.models import Dag, DagRun, DagVersion
from tests.api.calls import Caller
from tests.conftest import ACTOR
from tests.tasks.dag_world import elt, make_run, save

pytestmark = pytest.mark.django_db
SPOILT: list[Callable[[dict[str, Any]], Any]] = [
    lambda spec: spec.update(from_the_future="<b>1</b>"),
    lambda spec: spec["tasks"][1].update(upstream=7),
    lambda spec: spec.update(tasks="none"),
    lambda spec: spec.clear(),
]
WORDS = "was stored by another release of Patchbay, and this one can’t read it: "


def spoil(dag: Dag, change: Callable[[dict[str, Any]], Any] = SPOILT[0]) -> DagVersion:
    version = dag.versions.order_by("number").last()
    assert version is not None
    change(version.spec)
    version.save()
    spec_of.cache_clear()
    return version


@pytest.fixture
def dag() -> Dag:
    """Made in the browser, with a run."""
    dag = save(elt(), source="", origin="browser", filename="")
    make_run(dag, "success")
    return dag


@pytest.mark.parametrize("change", SPOILT)
@pytest.mark.parametrize("path", ["", "versions/1/"])
def test_its_pages_say_so_and_offer_no_act_that_needs_it(
    admin_client: Client, dag: Dag, path: str, change: Any
) -> None:
    assert "Download" in admin_client.get(f"/dags/elt/{path}").content.decode()
    spoil(dag, change)
    html = admin_client.get(f"/dags/elt/{path}").content.decode()
    assert f"Version 1 {WORDS}" in html
    for offered in ("/dags/elt/trigger/", "/dags/elt/edit/", "/dags/elt/download/"):
        assert offered not in html


@pytest.mark.parametrize("change", SPOILT)
def test_pages_that_show_it_among_others_are_there(
    admin_client: Client, dag: Dag, change: Any
) -> None:
    spoil(dag, change)
    for path in ("/", "/dags/", "/dags/elt/versions/", "/runs/"):
        assert admin_client.get(path).status_code == 200, path


@pytest.mark.parametrize("path", ["download/", "download/?version=1", "edit/", "trigger/"])
def test_it_is_neither_changed_nor_taken_along_nor_triggered(
    admin_client: Client, dag: Dag, path: str
) -> None:
    spoil(dag)
    answer = admin_client.get(f"/dags/elt/{path}", follow=True)
    assert answer.redirect_chain == [("/dags/elt/", 302)]
    assert f"Version 1 {WORDS}" in str(next(iter(answer.context["messages"])))


def test_a_trigger_by_a_button_makes_no_run(admin_client: Client, dag: Dag) -> None:
    spoil(dag)
    assert admin_client.post("/dags/elt/trigger/").headers["Location"] == "/dags/elt/"
    assert DagRun.objects.count() == 1


def test_the_file_of_a_dag_is_taken_along_all_the_same(admin_client: Client) -> None:
    spoil(save(elt(), source="text"))
    assert admin_client.get("/dags/elt/download/").content == b"text"
    assert "/dags/elt/download/" in admin_client.get("/dags/elt/").content.decode()


def test_nothing_is_compared_with_it(admin_client: Client, dag: Dag) -> None:
    save(elt(tags=("other",)), source="")
    assert "From v1 to v2" in admin_client.get("/dags/elt/versions/").content.decode()
    spoil(dag)
    html = admin_client.get("/dags/elt/versions/").content.decode()
    assert f"What changed can’t be told. Version 2 {WORDS}" in html
    assert "Choose two versions that there are" not in html


def test_a_connection_that_it_names_has_its_page(admin_client: Client, dag: Dag) -> None:
    spoil(dag)
    create_connection(Draft("wh", "google_cloud_platform"), actor=ACTOR)
    assert "elt" in admin_client.get("/connections/wh/used-by/").content.decode()


@pytest.mark.parametrize(("path", "status"), [("dags/elt/details", 409), ("dagSources/elt", 404)])
def test_calls_are_refused_in_words(dag: Dag, path: str, status: int) -> None:
    spoil(dag)
    answer = Caller("Admin").get(f"/api/v2/{path}")
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(f"Version 1 {WORDS}")


def test_the_command_line_says_so(dag: Dag) -> None:
    spoil(dag)
    with pytest.raises(CommandError, match="another release"):
        call_command("dags", "show", "elt")


def test_lines_of_code_are_those_that_are_stored_now(admin_client: Client) -> None:
    dag = save(elt())
    spec_of(dag.current_version_id or 0)
    version = moved(dag, 9)
    assert spec_of(version.pk).tasks[0].line != 9
    assert "#L9" in admin_client.get("/dags/elt/").content.decode()


def moved(dag: Dag, line: int) -> DagVersion:
    version = dag.versions.get()
    version.spec["tasks"][0]["line"] = line
    version.save()
    return version
