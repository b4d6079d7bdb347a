"""The documentation is whole and true: nothing is missing in it, and nothing in it is made up."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.utils import timezone

from connections.diagnosis import CATALOGUE
from connections.types import TYPES
from connections.types import packages as types_packages
from connections.types.registry import FIRST_CLASS
from connections.types.values import KINDS as FIELD_KINDS
from patchbay.environment import NAMES
from tasks.engine.steps import KINDS
from tasks.engine.template_names import names_of
from tasks.models import DagRun, TaskInstance
from tasks.operators import OPERATORS
from tasks.operators import packages as operator_packages
from tasks.presentation.tracker import COLUMNS, track
from tasks.spec import DagSpec
from tasks.states import StepState
from tests.test_architecture import MAY_IMPORT, OURS

#: Named like modules, and none.
GROUPS = (types_packages.GROUP, operator_packages.GROUP)
REPOSITORY = Path(__file__).parent.parent
DOCS = REPOSITORY / "docs"
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
DECISIONS = sorted((DOCS / "adr").glob("*.md"))
FOLDERS = (*OURS, "bench", "dags", "docs", "static", "templates", "tests", r"\.ci")

every_page = pytest.mark.parametrize(
    "page", PAGES, ids=[page.relative_to(REPOSITORY).as_posix() for page in PAGES]
)


def text_of(page: Path | str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def everything() -> str:
    return "\n".join(map(text_of, PAGES))


def rows_of(page: str) -> Iterator[list[str]]:
    return table_rows(text_of(page))


def table_rows(text: str) -> Iterator[list[str]]:
    """The cells of every row of every table, without the marks of code."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("|--"):
            yield [cell.strip().replace("`", "") for cell in line.strip("|").split(" | ")]


def code_in(page: Path) -> list[str]:
    """Every piece of text between two backticks."""
    return re.findall(r"`([^`\n]+)`", text_of(page))


def headings_of(page: Path) -> list[str]:
    without_code = re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"^#+ (.+)$", without_code, re.MULTILINE)


def anchor(heading: str) -> str:
    """As GitHub makes it: small letters, no signs, a dash for each space."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def section_of(page: Path, wanted: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    text = text_of(page)
    headings = list(re.finditer(r"^(#+) (.+)$", text, re.MULTILINE))
    start = next(found for found in headings if anchor(found[2]) == wanted)
    later = (found for found in headings if found.start() > start.start())
    end = next((found.start() for found in later if len(found[1]) <= len(start[1])), len(text))
    return text[start.start() : end]


def missing_target(link: str, *, page: Path) -> str:
    """Why a relative link leads nowhere; empty if it does."""
    path, _, wanted = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return f"there is no {path}"
    if wanted and wanted not in map(anchor, headings_of(target)):
        return f"{target.name} has no heading {wanted}"
    return ""


# Nothing is missing


def test_every_setting_is_documented_and_says_whether_a_file_may_hold_it() -> None:
    rows = {row[0]: row[-1] for row in rows_of("settings.md") if row[0].startswith("PATCHBAY_")}
    assert set(rows) == {name for name in NAMES if not name.endswith("_FILE")}
    for name, in_a_file in rows.items():
        file = f"{name}_FILE"
        assert in_a_file == (file if file in NAMES else "no")


def test_no_page_names_a_setting_that_is_not_there() -> None:
    without_examples = re.sub(r"Unknown setting \w+|PATCHBAY_CONN_[\w<]*", "", everything())
    assert set(re.findall(r"PATCHBAY_[A-Z_]+[A-Z]", without_examples)) <= NAMES


def test_every_failure_is_documented_with_its_type() -> None:
    rows = [row for row in rows_of("failures.md") if ":" in row[0]]
    assert len(rows) == len({row[0] for row in rows})
    documented = {code: kind for code, _, kind, *_ in rows}
    assert documented == {code: words.type.value for code, words in CATALOGUE.items()}


@pytest.mark.parametrize("name", FIRST_CLASS)
def test_every_first_class_type_is_documented_where_it_says(name: str) -> None:
    declared = TYPES[name]
    assert not missing_target(declared.docs, page=REPOSITORY / "README.md")
    page, _, heading = declared.docs.partition("#")
    own = section_of(REPOSITORY / page, heading)
    assert f"`{name}`" in own
    others = re.findall(r"\]\(([\w-]+\.md)?#([\w-]+)\)", own)
    text = own + "".join(section_of(DOCS / (other or Path(page).name), at) for other, at in others)
    documented = {row[0]: row for row in table_rows(text)}
    for method in declared.methods:
        needs = ", ".join(method.needs) or "nothing"
        assert needs in documented[method.label], method.label
    for field in declared.fields:
        assert field.secret == ("**yes**" in documented[field.name]), field.name


def test_every_type_stands_in_the_list_of_types() -> None:
    rows = {row[0]: row[1:] for row in rows_of("connection-types.md")}
    for declared in TYPES.values():
        label = declared.label
        if declared.name in FIRST_CLASS:
            label = f"[{label}]({declared.docs.removeprefix('docs/')})"
        assert rows[declared.name] == [label, declared.category, declared.description]
    assert f"providers: {len(TYPES) - len(FIRST_CLASS)} of them" in text_of("connection-types.md")


def test_every_kind_of_a_field_is_documented() -> None:
    named = {kind for row in rows_of("connection-types.md") for kind in row[0].split(", ")}
    assert named >= FIELD_KINDS


@pytest.mark.parametrize("name", ["pyproject.toml", "acme_types/__init__.py"])
def test_the_example_of_a_package_is_the_one_that_a_test_installs(name: str) -> None:
    code = (REPOSITORY / "tests" / "packages" / "acme_types" / name).read_text(encoding="utf-8")
    assert f"\n{code}```\n" in text_of("connection-types.md")


@pytest.mark.parametrize("name", OPERATORS.own)
def test_every_operator_is_documented_with_all_its_arguments(name: str) -> None:
    """What is said of them is held by tests/tasks/test_operator_docs.py."""
    own = text_of("operators.md").partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    for argument in OPERATORS[name].arguments:
        assert f"\n| `{argument.name}` |" in own


def test_every_name_that_a_template_may_use_is_documented() -> None:
    run = DagRun(run_id="r", logical_date=timezone.now())
    names = names_of(run, TaskInstance(task_id="t"), DagSpec("d", ()))
    assert [name for name in names if f"`{name}`" not in text_of("runs.md")] == []


def test_every_command_is_documented_with_all_that_it_takes() -> None:
    own = {name: app for name, app in get_commands().items() if app in OURS}
    assert own
    for name, app in own.items():
        its_pages = "\n".join(text for text in map(text_of, PAGES) if f"manage.py {name} " in text)
        assert its_pages
        assert isinstance(app, str)
        parser = load_command_class(app, name).create_parser("manage.py", name)
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for subcommand, its in action.choices.items():
                    assert f"`{subcommand}`" in its_pages
                    options = {flag for each in its._actions for flag in each.option_strings}
                    for flag in options - {"-h", "--help"}:
                        assert flag in its_pages


def test_the_table_of_imports_is_the_one_that_holds() -> None:
    table = {
        row[0]: tuple(row[1].split(", ")) if row[1] != "nothing of ours" else ()
        for row in rows_of("architecture.md")
        if row[0].split(".")[0] in OURS
    }
    assert table == MAY_IMPORT


def test_the_execution_table_says_what_the_code_says() -> None:
    rows = {row[0]: row for row in rows_of("runs.md") if row[0].isdigit()}
    assert len(rows) == len(KINDS)
    for number, kind in KINDS.items():
        _, action, _, internal_state, result = rows[str(number)]
        assert (action, internal_state) == (kind.action, kind.internal_state)
        assert result.split(";")[0] == kind.done


def test_the_status_tracker_says_what_the_code_says() -> None:
    rows = {row[0]: tuple(row[1:]) for row in rows_of("runs.md")}
    assert rows["Variable"] == COLUMNS
    for name, cells in track(dict.fromkeys(KINDS, StepState.SUCCESS)).rows:
        assert rows[name] == tuple(cell.value for cell in cells)


@pytest.mark.parametrize("page", DECISIONS, ids=[page.name for page in DECISIONS])
def test_every_decision_has_its_number_and_its_four_headings(page: Path) -> None:
    title, *parts = headings_of(page)
    assert title.startswith(f"{int(page.name[:4])}. ")
    assert parts == ["Context", "Decision", "Consequences", "Violated when"]
    first = DECISIONS[0]
    assert page == first or f"({page.name})" in text_of(first)


# Nothing is made up


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    text = text_of(page)
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset|href)="(.+?)"', text)
    ours = [link for link in links if "://" not in link]
    wrong = {link: why for link in ours if (why := missing_target(link, page=page))}
    assert not wrong


@every_page
def test_every_file_that_is_named_is_there(page: Path) -> None:
    without_addresses = re.sub(r"\w+://\S+", "", text_of(page))
    named = re.findall(rf"(?<![\w./-])((?:{'|'.join(FOLDERS)})/[\w./-]+)", without_addresses)
    named += [text for text in code_in(page) if re.fullmatch(r"[\w.-]+\.(py|toml|txt|yml)", text)]
    assert [name for name in named if not (REPOSITORY / name.rstrip("./")).exists()] == []


@every_page
def test_every_module_that_is_named_is_there(page: Path) -> None:
    pattern = rf"(?:{'|'.join(OURS)})(?:\.[a-z_]+)+(?:\.\*)?"
    named = {text.removesuffix(".*") for text in code_in(page) if re.fullmatch(pattern, text)}
    ours = [name for name in named if not name.startswith(GROUPS)]
    assert [name for name in ours if not find_spec(name)] == []


@every_page
def test_every_command_that_is_named_is_there(page: Path) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    text = text_of(page)
    assert set(re.findall(r"(?:^    (?:\S+=\S+ )*|`)make (\w+)", text, re.MULTILINE)) <= targets
    assert set(re.findall(r"manage\.py (\w+)", text)) <= set(get_commands())


def test_the_readme_shows_the_two_commands() -> None:
    text = text_of(REPOSITORY / "README.md")
    assert "\n    make run     # http://127.0.0.1:8000\n    make test\n" in text


def test_the_pictures_are_small_enough_for_a_repository() -> None:
    assert [path for path in DOCS.rglob("*.png") if path.stat().st_size > 200_000] == []
