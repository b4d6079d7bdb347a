"""A DAG is made in the browser by hand: three tasks of SQL, drawn, checked, saved and run."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Dialog, Locator, Page, expect

from connections.services import create_connection
from connections.validation import Draft
from tasks.drafting.saving import change_dag, create_dag
from tasks.models import Dag
from tasks.spec import DagSpec
from tests.browser.conftest import shoot
from tests.browser.walking import let_in, portray, scrolls_sideways
from tests.conftest import ACTOR
from tests.tasks.editor_world import chain, sql_task

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

MAKE = """CREATE TABLE IF NOT EXISTS day (
  ds text,  -- the run's date
  rain int
)"""
FILL = "INSERT INTO day VALUES ('{{ ds }}', {{ params.rain }})"
CHECK = "SELECT count(*) FROM day WHERE ds = '{{ ds }}' AND rain >= 7"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "rain.db"
    sqlite3.connect(path).close()
    create_connection(Draft("rain_db", "sqlite", host=str(path)), actor=ACTOR)
    create_connection(Draft("warehouse", "postgres", host="db.example.com"), actor=ACTOR)
    return path


def labelled(page: Page, words: str) -> Locator:
    """The field whose label is just that, needed or not."""
    return page.get_by_label(re.compile(rf"^{words}(\s+needed)?$"))


def choose(page: Page, words: str) -> None:
    """By the search of the catalogue and Enter."""
    page.get_by_label("Search operators").fill(words)
    page.keyboard.press("Enter")
    expect(labelled(page, "Task ID")).to_be_focused()


def add(page: Page) -> None:
    page.get_by_role("button", name="Add a task").click()


def write(page: Page) -> None:
    labelled(page, "DAG ID").fill("rain")
    page.get_by_label("Tags").fill("weather, daily")
    page.get_by_label("Description").fill("How much it rained.")
    page.get_by_label("Schedule").fill("0 6 * * 1-5")
    page.get_by_label("Time zone").fill("Europe/Vienna")
    expect(page.locator("#next-runs time")).to_have_count(3)
    page.get_by_text("Dates, limits, params").click()
    page.get_by_label("Params").fill('{"rain": 7}')
    choose(page, "execute query")
    labelled(page, "Task ID").fill("make")
    labelled(page, "Connection").select_option("rain_db")
    labelled(page, "SQL").fill(MAKE)
    add(page)
    choose(page, "execute query")
    labelled(page, "Task ID").fill("fill")
    labelled(page, "Connection").select_option("rain_db")
    labelled(page, "SQL").fill(FILL)
    page.get_by_text("Advanced").click()
    page.get_by_label("Retries").fill("2")
    add(page)
    choose(page, "sqlcheck")
    labelled(page, "Task ID").fill("check")
    labelled(page, "Connection").select_option("rain_db")
    labelled(page, "SQL").fill(CHECK)


def test_three_tasks_of_sql_are_written_drawn_saved_and_run(
    page: Page, web: str, worker: object, database: Path
) -> None:
    let_in(page.context, web)
    page.goto(f"{web}/dags/")
    page.get_by_role("link", name="New DAG").click()
    shoot(page, "editor-empty-1280-light")
    write(page)
    expect(page.locator(".dag-graph .node")).to_have_count(3)
    expect(page.locator(".editor-task .painted .word").first).to_have_text("SELECT")
    shoot(page, "editor-task-1280-light")
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator("#editor-notes").get_by_text("All is right.")).to_be_visible()
    assert not Dag.objects.exists()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("DAG rain is saved as version 1.")).to_be_visible()
    page.get_by_role("button", name="Trigger", exact=True).click()
    expect(page.locator("#run-state")).to_contain_text("Success")
    with sqlite3.connect(database) as found:
        [(_, rain)] = found.execute("SELECT * FROM day").fetchall()
    assert rain == 7


def wrong_one() -> None:
    """A DAG with a longer plan, to be opened and spoiled."""
    layers = [
        sql_task(f"step_{at}_{n}", *([f"step_{at - 1}_{m}" for m in range(3)] if at else []))
        for at in range(3)
        for n in range(3)
    ]
    create_dag(DagSpec("layers", tuple(layers), schedule="@daily"), actor=ACTOR)


@pytest.mark.parametrize(("width", "scheme"), [(2560, "light"), (1280, "dark"), (400, "light")])
def test_no_part_of_the_editor_scrolls_sideways_and_pictures_are_kept(
    page: Page, web: str, database: Path, width: int, scheme: str
) -> None:
    wrong_one()
    let_in(page.context, web)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{web}/dags/new/")
    assert scrolls_sideways(page) == 0
    portray(page, f"editor-new-{width}-{scheme}")
    page.goto(f"{web}/dags/layers/edit/?task=step_1_1")
    labelled(page, "SQL").fill(f"{MAKE};\n{FILL}\n-- {'and so on ' * 20}")
    labelled(page, "Task ID").fill("step 1")
    page.get_by_label("Schedule", exact=True).fill("0 6 * *")
    labelled(page, "Connection").select_option("*")
    page.get_by_label("Connection ID or template").fill("not_there")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#editor-notes").get_by_text("Not saved")).to_be_visible()
    expect(page.get_by_text("There is no connection not_there yet.")).to_be_visible()
    page.get_by_role("button", name="Remove step_2_2").click()
    expect(page.get_by_role("button", name="Put it back")).to_be_visible()
    assert scrolls_sideways(page) == 0
    portray(page, f"editor-wrong-{width}-{scheme}")
    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_role("heading", name="Delete layers?")).to_be_visible()
    assert scrolls_sideways(page) == 0
    portray(page, f"editor-delete-{width}-{scheme}")


def test_a_task_is_opened_from_the_graph_and_the_arrows_follow_the_ticks(
    page: Page, web: str, database: Path
) -> None:
    create_dag(chain(), actor=ACTOR)
    let_in(page.context, web)
    page.goto(f"{web}/dags/chain/edit/")
    expect(page.locator(".cables path")).to_have_count(2)
    page.locator("#node-2 a").click()
    expect(labelled(page, "Task ID")).to_have_value("c")
    page.locator("#t3-after-t1").click()
    expect(page.locator("#row-t3")).to_contain_text("after a, b")
    page.locator("#t3-after-t2").click()
    expect(page.locator("#row-t3")).not_to_contain_text("after a, b")
    page.get_by_role("button", name="Remove a", exact=True).click()
    # The boxes that are left stay as they were ticked.
    expect(page.locator("#t3-after-t2 input")).not_to_be_checked()
    expect(page.locator("#t3-after-t1")).to_have_count(0)
    page.get_by_role("button", name="Put it back").click()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("DAG chain is saved as version 2.")).to_be_visible()
    spec = Dag.objects.get().spec
    assert spec
    assert {task.task_id: task.upstream for task in spec.tasks} == {
        "a": (),
        "b": ("a",),
        "c": ("a",),
    }


def test_nothing_typed_is_lost_to_a_lost_server_or_a_lost_session(
    browser: Browser, web: str, database: Path
) -> None:
    create_dag(chain(), actor=ACTOR)
    context = browser.new_context()
    let_in(context, web)
    page = context.new_page()
    page.goto(f"{web}/dags/chain/edit/?task=b")
    labelled(page, "SQL").fill("SELECT 'typed'")
    page.route("**/edit/", lambda route: route.abort())
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("The server can’t be reached. Nothing is lost")).to_be_visible()
    page.unroute("**/edit/")
    cookies = context.cookies()
    for gone in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
        context.clear_cookies(name=gone)
        page.keyboard.press("Control+Enter")
        expect(page.get_by_text("You are signed out. Sign in in another tab")).to_be_visible()
        page.keyboard.press("Control+Shift+Enter")
    expect(labelled(page, "SQL")).to_have_value("SELECT 'typed'")
    assert Dag.objects.get().versions.count() == 1
    # A new sign-in has another token: the form takes it.
    session = [cookie for cookie in cookies if cookie["name"] == settings.SESSION_COOKIE_NAME]
    context.add_cookies(session)  # type: ignore[arg-type]
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("DAG chain is saved as version 2.")).to_be_visible()
    context.close()


def test_two_people_at_once_are_told_and_the_second_may_save_over(
    page: Page, web: str, database: Path
) -> None:
    create_dag(chain(), actor=ACTOR)
    let_in(page.context, web)
    page.goto(f"{web}/dags/chain/edit/")
    page.get_by_label("Description").fill("mine")
    change_dag(DagSpec("chain", (sql_task("a"),)), seen=1, actor=ACTOR)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="tester saved version 2")).to_be_visible()
    shoot(page, "editor-stale-1280-light")
    page.get_by_role("button", name="Save mine over it, as version 3").click()
    expect(page.get_by_text("DAG chain is saved as version 3.")).to_be_visible()
    assert Dag.objects.get().description == "mine"


def test_leaving_with_unsaved_changes_asks_first(page: Page, web: str) -> None:
    create_dag(chain(), actor=ACTOR)
    let_in(page.context, web)
    page.goto(f"{web}/dags/chain/edit/")
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.get_by_label("Description").fill("mine")
    expect(page.get_by_text("Unsaved changes")).to_be_visible()
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    assert asked == ["beforeunload"]


def test_what_is_left_unsaved_can_be_brought_back(page: Page, web: str, database: Path) -> None:
    create_dag(chain(), actor=ACTOR)
    let_in(page.context, web)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{web}/dags/chain/edit/?task=b")
    labelled(page, "SQL").fill("SELECT 'typed'")
    page.get_by_role("button", name="Edit c").click()
    expect(labelled(page, "Task ID")).to_have_value("c")
    labelled(page, "SQL").fill("SELECT 'as well'")
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", name="Versions")).to_be_visible()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Description").fill("typed before it was brought back")
    shoot(page, "editor-kept-1280-light")
    page.get_by_role("button", name="Bring it back").click()
    expect(labelled(page, "SQL")).to_have_value("SELECT 'as well'")
    expect(page.get_by_label("Description")).to_have_value("")
    expect(page.get_by_text("Unsaved changes")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("DAG chain is saved as version 2.")).to_be_visible()
    spec = Dag.objects.get().spec
    assert spec
    assert [task.arguments["sql"] for task in spec.tasks] == [
        "SELECT 'a'",
        "SELECT 'typed'",
        "SELECT 'as well'",
    ]
    page.goto(f"{web}/dags/chain/edit/")
    expect(page.get_by_text("What you typed here is kept")).to_be_hidden()


def test_what_is_forgotten_is_not_offered_again(page: Page, web: str) -> None:
    create_dag(chain(), actor=ACTOR)
    let_in(page.context, web)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{web}/dags/chain/edit/")
    page.get_by_label("Description").fill("mine")
    page.reload()
    page.get_by_role("button", name="forget it").click()
    expect(page.get_by_text("What you typed here is kept")).to_be_hidden()
    page.reload()
    expect(page.get_by_role("heading", name="Edit chain")).to_be_visible()
    expect(page.get_by_text("What you typed here is kept")).to_be_hidden()
    expect(page.get_by_label("Description")).to_have_value("")


@pytest.mark.parametrize("width", [1280, 400])
def test_the_field_that_is_wrong_is_in_sight_with_its_words(
    page: Page, web: str, database: Path, width: int
) -> None:
    wrong_one()
    let_in(page.context, web)
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(f"{web}/dags/layers/edit/?task=step_1_1")
    page.get_by_text("Advanced").click()
    labelled(page, "Retries").fill("many")
    page.get_by_role("button", name="Edit step_0_0").click()
    expect(labelled(page, "Task ID")).to_have_value("step_0_0")
    labelled(page, "SQL").fill("")
    page.get_by_role("button", name="Save").click()
    expect(labelled(page, "SQL")).to_be_focused()
    page.get_by_role("link", name="2 to mend").click()
    page.get_by_role("button", name="step_1_1, Retries").click()
    expect(labelled(page, "Retries")).to_be_focused()
    foot = page.locator(".editor-foot").bounding_box()
    words = page.locator("#t5-retries-error").bounding_box()
    assert foot
    assert words
    assert words["y"] >= 0
    assert words["y"] + words["height"] <= foot["y"] + 1


def test_the_editor_works_without_javascript(browser: Browser, web: str, database: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    let_in(context, web)
    page = context.new_page()
    page.goto(f"{web}/dags/new/")
    labelled(page, "DAG ID").fill("plain")
    page.get_by_role("button", name="SQLExecuteQuery").click()
    expect(labelled(page, "Task ID")).to_be_focused()
    labelled(page, "Connection").select_option("*")
    page.get_by_label("Connection ID or template").fill("rain_db")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Not saved")).to_be_visible()
    expect(labelled(page, "SQL")).to_be_focused()
    labelled(page, "SQL").fill("\n  SELECT 1")
    add(page)
    page.get_by_role("button", name="Empty Does nothing").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("DAG plain is saved as version 1.")).to_be_visible()
    spec = Dag.objects.get().spec
    assert spec
    assert [task.upstream for task in spec.tasks] == [(), ("sql_execute_query",)]
    assert (spec.tasks[0].conn_id, spec.tasks[0].arguments["sql"]) == ("rain_db", "\n  SELECT 1")
    with page.expect_download() as found:
        page.get_by_role("link", name="Download").click()
    assert "SQLExecuteQueryOperator(" in Path(found.value.path()).read_text()
    context.close()
