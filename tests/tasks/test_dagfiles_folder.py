"""Which files of a folder are read, and how what they give fits together."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.dagfiles.parser import ParsedFile, parse_file, parse_folder

DAG = """
from airflow import DAG
from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator
with DAG("{0}"):
    BigQueryInsertJobOperator(task_id="x", configuration={{"query": {{"query": "SELECT 1"}}}})
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file into the folder; without a text, one with a DAG of the file's name."""

    def write(name: str, text: str | None = None) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(DAG.format(path.stem) if text is None else text)
        return path

    return write


def names(files: list[ParsedFile]) -> list[str]:
    return [file.filename for file in files]


def dags(files: list[ParsedFile]) -> dict[str, list[str]]:
    return {file.filename: [dag.spec.dag_id for dag in file.dags] for file in files}


def problems(files: list[ParsedFile]) -> dict[str, tuple[str, int | None, str]]:
    return {
        file.filename: (file.problem.kind, file.problem.line, file.problem.message)
        for file in files
        if file.problem
    }


def test_files_are_read_recursively_and_in_order(write: Write, tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "team/x.py", "team/deep/y.py"):
        write(name)
    files = parse_folder(tmp_path)
    assert dags(files) == {
        "a.py": ["a"],
        "b.py": ["b"],
        "team/deep/y.py": ["y"],
        "team/x.py": ["x"],
    }
    assert problems(files) == {}


def test_hidden_things_caches_and_other_files_are_passed_over(write: Write, tmp_path: Path) -> None:
    for name in (".git/a.py", "__pycache__/b.py", ".c.py", "d.txt", "e.pyc"):
        write(name)
    write("f.py", "x = 'neither of the two words'")
    write("g.py", "x = 'AirFlow'")
    os.mkfifo(tmp_path / "pipe.py")
    assert names(parse_folder(tmp_path)) == ["g.py"]


def test_links_are_followed_but_not_in_a_circle(write: Write, tmp_path: Path) -> None:
    write("..data/linked.py")
    (tmp_path / "linked.py").symlink_to(tmp_path / "..data" / "linked.py")
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "up").symlink_to(tmp_path)
    assert dags(parse_folder(tmp_path)) == {"linked.py": ["linked"]}


def test_airflowignore_holds_regular_expressions(write: Write, tmp_path: Path) -> None:
    for name in ("a.py", "draft_b.py", "old/c.py"):
        write(name)
    write(".airflowignore", "# no drafts\ndraft_.*\\.py$  # these\n\n^old/\n")
    assert names(parse_folder(tmp_path)) == ["a.py"]


def test_a_line_of_airflowignore_that_is_none_is_shown_and_the_others_hold(
    write: Write, tmp_path: Path
) -> None:
    for name in ("a.py", "b.py"):
        write(name)
    write(".airflowignore", "a\\.py\n*.py\n")
    files = parse_folder(tmp_path)
    assert names(files) == [".airflowignore", "b.py"]
    kind, line, words = problems(files)[".airflowignore"]
    assert (kind, line) == ("syntax", 2)
    assert words.startswith("'*.py' isn't a regular expression: nothing to repeat")


def test_an_airflowignore_that_cannot_be_read_is_shown(write: Write, tmp_path: Path) -> None:
    write("a.py")
    (tmp_path / ".airflowignore").mkdir()
    assert problems(parse_folder(tmp_path)) == {
        ".airflowignore": ("unreadable", None, "The file can't be read: Is a directory.")
    }


def test_one_bad_file_does_not_keep_the_others_from_loading(write: Write, tmp_path: Path) -> None:
    write("a.py")
    write("b.py", "import airflow.nothing")
    write("c.py", "# DAG\nwhile True: pass")
    write("d.py")
    files = parse_folder(tmp_path, timeout=1.0)
    assert dags(files) == {"a.py": ["a"], "b.py": [], "c.py": [], "d.py": ["d"]}
    assert {name: kind for name, (kind, _, _) in problems(files).items()} == {
        "b.py": "import",
        "c.py": "timeout",
    }


def test_a_dag_in_two_files_stays_with_the_first_and_the_other_names_both(
    write: Write, tmp_path: Path
) -> None:
    write("a.py", DAG.format("same"))
    write("b.py", DAG.format("same") + DAG.format("other"))
    files = parse_folder(tmp_path)
    assert dags(files) == {"a.py": ["same"], "b.py": ["other"]}
    assert problems(files) == {
        "b.py": (
            "duplicate",
            None,
            "DAG 'same' is in both a.py and b.py: the one in a.py counts.",
        )
    }


def test_a_dag_twice_in_a_file_is_a_problem_that_names_both_lines(
    write: Write, tmp_path: Path
) -> None:
    path = write("a.py", DAG.format("same") * 2)
    parsed = parse_file(path, folder=tmp_path)
    assert dags([parsed]) == {"a.py": ["same"]}
    assert problems([parsed]) == {
        "a.py": ("duplicate", 9, "Two DAGs of this file are 'same': lines 4 and 9.")
    }


def test_a_dag_that_is_imported_from_another_file_is_that_files(
    write: Write, tmp_path: Path
) -> None:
    write("z.py")
    write("a.py", "import z\n" + DAG.format("a"))
    files = parse_folder(tmp_path)
    assert dags(files) == {"a.py": ["a"], "z.py": ["z"]}
    assert problems(files) == {}


def test_a_dag_from_a_file_that_is_ignored_belongs_to_the_one_that_imports_it(
    write: Write, tmp_path: Path
) -> None:
    write("lib/made.py")
    write(".airflowignore", "^lib/")
    write("a.py", "import lib.made  # a DAG")
    assert dags(parse_folder(tmp_path)) == {"a.py": ["made"]}


def test_a_dag_from_a_factory_belongs_to_the_file_that_calls_it(
    write: Write, tmp_path: Path
) -> None:
    factory = DAG.format("{name}").replace('"{name}"', "name").replace("with", "  with")
    text = factory.replace("    Big", "      Big")
    write("factory.py", "def make(name):\n" + text.replace("\nfrom", "\n  from"))
    write("a.py", "from factory import make  # DAG\nmake('one')\nmake('two')\n")
    files = parse_folder(tmp_path)
    assert dags(files) == {"a.py": ["one", "two"], "factory.py": []}
    assert [dag.spec.tasks[0].line for dag in files[0].dags] == [2, 3]


def test_a_file_that_is_gone_when_it_is_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere")
    message = "The file can't be read: No such file or directory."
    assert problems(parse_folder(tmp_path)) == {"gone.py": ("unreadable", None, message)}
    assert problems([parse_file(tmp_path / "gone.py", folder=tmp_path)]) == {
        "gone.py": ("unreadable", None, message)
    }


def test_a_file_that_fails_while_it_is_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "bad.py").symlink_to("/proc/self/mem")
    assert problems(parse_folder(tmp_path)) == {
        "bad.py": ("unreadable", None, "The file can't be read: Input/output error.")
    }


def test_files_and_folders_without_permission_are_problems(write: Write, tmp_path: Path) -> None:
    write("a.py").chmod(0)
    write("team/b.py").parent.chmod(0)
    if os.access(tmp_path / "a.py", os.R_OK):
        pytest.skip("this user may read everything")
    message = "The file can't be read: Permission denied."
    assert problems(parse_folder(tmp_path)) == {
        "a.py": ("unreadable", None, message),
        "team": ("unreadable", None, message),
    }


def test_a_name_that_is_not_utf_8_is_shown_as_what_can_be_kept(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/dag\xff.py"
    Path(os.fsdecode(path)).write_text(DAG.format("odd_name"))
    assert dags(parse_folder(tmp_path)) == {"dag\ufffd.py": ["odd_name"]}


def test_a_folder_with_spaces_and_other_letters_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "mes dags à moi"
    folder.mkdir()
    (folder / "boucle é.py").write_text("# DAG\nwhile True: pass\n")
    (found,) = problems(parse_folder(folder, timeout=1.0)).values()
    assert found[:2] == ("timeout", 2)


def test_a_folder_that_is_not_there_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        parse_folder(tmp_path / "nowhere")
    assert parse_folder(tmp_path) == []


def test_a_folder_may_be_named_relative_to_where_one_is(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("dags/a.py")
    monkeypatch.chdir(tmp_path)
    assert dags(parse_folder(Path("dags"))) == {"a.py": ["a"]}
    assert dags([parse_file(Path("dags/a.py"), folder=Path("dags"))]) == {"a.py": ["a"]}


def test_a_file_outside_the_folder_is_the_callers_mistake(write: Write, tmp_path: Path) -> None:
    path = write("a.py")
    with pytest.raises(ValueError, match="is not in the subpath"):
        parse_file(path, folder=tmp_path / "other")
