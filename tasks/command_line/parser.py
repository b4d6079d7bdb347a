"""The sub-commands of ``manage.py dags`` and their flags."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from access.output import FORMATS
from connections.command_line.completion import SHELLS
from connections.command_line.parser import Parser
from tasks.command_line.meaning import did_you_mean
from tasks.states import RunState

CODES = """\
Exit codes: 0 all well (and a run that was watched was successful), 1 refused or
failed, 2 wrong usage, 130 interrupted. A refused command changes nothing."""
#: Airflow's names for some of them.
ALIASES = {"details": "show", "list-runs": "runs", "list-import-errors": "errors"}
CALL = "python manage.py dags"
#: For each sub-command what one types; ``RUN`` stands for the ID of a run.
EXAMPLES = {
    "list": ("list", "list --tag daily -o json"),
    "show": ("show example_dag",),
    "versions": ("versions example_dag --limit 5",),
    "next-execution": ("next-execution example_dag -n 3",),
    "errors": ("errors || echo 'a DAG file is broken'",),
    "sync": ("sync",),
    "pause": ("pause example_dag other_dag",),
    "unpause": ("unpause example_dag",),
    "trigger": (
        "trigger example_dag --watch",
        """trigger example_dag --conf '{"day": "2026-01-31"}' --run-id nightly-31""",
        "trigger example_dag --conf - < conf.json",
    ),
    "runs": ("runs example_dag --state failed", "runs --limit 100 -o json"),
    "run": ("run example_dag RUN --steps", "run example_dag RUN --watch"),
    "cancel": ("cancel example_dag RUN --reason 'the wrong day' --watch",),
    "clear": (
        "clear example_dag RUN --only-failed --dry-run",
        "clear example_dag RUN --task-id load --downstream --yes --watch",
    ),
    "delete-run": ("delete-run example_dag RUN --yes",),
    "completion": ("completion bash > ~/.patchbay-dags.bash",),
}
_CHOICE = re.compile(r"argument (\S+): invalid choice: '(.*)' \(choose from (.*)\)\Z", re.DOTALL)
#: What a typed word must look like to be repeated: it may be a password.
_WORD = re.compile(r"[A-Za-z][A-Za-z-]{0,29}\Z")


class DagsParser(Parser):
    """Keeps the lines of its examples, and guesses what was meant by what it doesn't know."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**options)

    def error(self, message: str) -> NoReturn:
        if found := _CHOICE.match(message):
            name, typed = found[1].rpartition("/")[2], found[2]
            names = re.findall(r"'([^']*)'", found[3])
            shown = [each for each in names if each not in ALIASES]
            meant = did_you_mean(typed, names)
            told = f"there is no {typed}" if _WORD.match(typed) else "what was given isn't known"
            message = f"{name}: {told}.{meant} There are: {', '.join(shown)}."
        super().error(message)


def add_commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Add every sub-command; their parsers by name."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    calls = ("list", "trigger example_dag --watch", "runs --state failed", "trigger --help")
    parser.epilog = _epilog(calls)
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=DagsParser
    )
    made: dict[str, argparse.ArgumentParser] = {}

    def add(name: str, words: str, *, has_output: bool = False) -> argparse.ArgumentParser:
        aliases = [alias for alias, meant in ALIASES.items() if meant == name]
        found = commands.add_parser(
            name,
            aliases=aliases,
            help=words,
            description=f"{words[0].upper()}{words[1:]}.",
            epilog=_epilog(EXAMPLES[name]),
        )
        if has_output:
            found.add_argument(
                "-o",
                "--output",
                choices=FORMATS,
                default="table",
                help="table and plain for people, json and yaml for programs (table)",
            )
        made[name] = found
        return found

    every = add("list", "every DAG, its schedule and its connections", has_output=True)
    every.add_argument("--tag", action="append", default=[], help="only with this tag; repeats")
    every.add_argument("--ids", action="store_true", help="the IDs alone, one a line")
    _add_dag(add("show", "a DAG and its tasks", has_output=True))
    versions = add("versions", "the versions of a DAG, the last one first", has_output=True)
    _add_dag(versions)
    _add_limit(versions)
    following = add(
        "next-execution", "when the schedule of a DAG makes its next runs", has_output=True
    )
    _add_dag(following)
    following.add_argument(
        "-n", "--num-executions", type=_some, default=1, metavar="N", help="how many (1)"
    )
    add("errors", "files that could not be read; exit code 1 if there are any", has_output=True)
    add("sync", "read the DAG files now")
    for name, words in (
        ("pause", "stop the schedules of DAGs; they can still be triggered"),
        ("unpause", "let the schedules of DAGs go on"),
    ):
        _add_dag(add(name, words), nargs="+")
    _add_trigger(add("trigger", "make a run of a DAG"))
    _add_runs(add("runs", "the last runs of a DAG, or of all", has_output=True))
    _add_run(add("run", "a run and its tasks", has_output=True))
    _add_cancel(add("cancel", "cancel a run, or tasks of it"))
    _add_clear(add("clear", "let tasks of a run that are over run again"))
    _add_delete(add("delete-run", "delete a run that is over, or waits, with its logs"))
    add("completion", "print a script for your shell").add_argument("shell", choices=SHELLS)
    return made


def _epilog(calls: Iterable[str]) -> str:
    lines = "\n".join(f"  {CALL} {call}" for call in calls)
    return f"Examples:\n{lines}\n\n{CODES}"


def _add_dag(parser: argparse.ArgumentParser, **more: Any) -> None:
    parser.add_argument("dag_id", help="the ID of a DAG; `dags list` tells them", **more)


def _add_trigger(parser: argparse.ArgumentParser) -> None:
    _add_dag(parser)
    parser.add_argument(
        "-c",
        "--conf",
        default="",
        metavar="JSON",
        help="a JSON object for the run; - reads it from standard input",
    )
    parser.add_argument("-r", "--run-id", default=None, help="an ID for the run")
    parser.add_argument(
        "-l",
        "--logical-date",
        "-e",
        "--exec-date",
        metavar="MOMENT",
        help="the moment that the run is for, in UTC unless it says otherwise (now)",
    )
    parser.add_argument("--note", default="", help="a note on the run")
    _add_watch(parser)


def _add_runs(parser: argparse.ArgumentParser) -> None:
    _add_dag(parser, nargs="?", default="")
    states = [state.value for state in RunState]
    parser.add_argument(
        "--state", choices=states, metavar="STATE", help=f"one of {', '.join(states)}"
    )
    _add_limit(parser)
    parser.add_argument("--ids", action="store_true", help="the IDs alone, one a line")


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add_run_ids(parser)
    parser.add_argument("--steps", action="store_true", help="the execution table")
    _add_watch(parser)


def _add_cancel(parser: argparse.ArgumentParser) -> None:
    _add_run_ids(parser)
    _add_tasks(parser, "cancel only this task; repeats")
    parser.add_argument("--reason", default="", help="why; the run's page tells it")
    _add_watch(parser)


def _add_clear(parser: argparse.ArgumentParser) -> None:
    _add_run_ids(parser)
    _add_tasks(parser, "only this task; repeats (all)")
    parser.add_argument(
        "-f", "--only-failed", action="store_true", help="of these only what failed"
    )
    parser.add_argument(
        "-d", "--downstream", action="store_true", help="also what follows --task-id"
    )
    parser.add_argument(
        "--version",
        choices=("then", "now"),
        default="then",
        help="the version that the run had, or the DAG's present one (then)",
    )
    parser.add_argument("--dry-run", action="store_true", help="tell what would run again")
    _add_yes(parser)
    _add_watch(parser)


def _add_delete(parser: argparse.ArgumentParser) -> None:
    _add_run_ids(parser)
    _add_yes(parser)


def _add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-y", "--yes", action="store_true", help="don't ask; needed where nobody can be asked"
    )


def _add_run_ids(parser: argparse.ArgumentParser) -> None:
    _add_dag(parser)
    parser.add_argument("run_id", help="the ID of a run; `dags runs DAG_ID` tells the last ones")


def _add_tasks(parser: argparse.ArgumentParser, words: str) -> None:
    parser.add_argument(
        "-t", "--task-id", action="append", default=[], metavar="TASK_ID", help=words
    )


def _add_watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--watch", action="store_true", help="show the steps until the run ends")


def _add_limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=_some, default=25, metavar="N", help="at most so many (25)")


def _some(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError("must be a whole number from 1 on")
    return int(text)
