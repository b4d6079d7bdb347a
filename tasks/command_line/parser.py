"""The sub-commands of ``manage.py dags`` and their flags."""

from __future__ import annotations

import argparse

from access.output import FORMATS
from connections.command_line.completion import SHELLS
from connections.command_line.parser import Parser
from tasks.states import RunState

EPILOG = (
    "Exit codes: 0 all well (and a run that was watched was successful), 1 refused or failed, "
    "2 wrong usage, 130 interrupted. A refused command changes nothing."
)
#: Airflow's names for some of them.
ALIASES = {"details": "show", "list-runs": "runs", "list-import-errors": "errors"}


def add_commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Add every sub-command; their parsers by name."""
    parser.epilog = EPILOG
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=Parser
    )
    made: dict[str, argparse.ArgumentParser] = {}

    def add(name: str, words: str, *, has_output: bool = False) -> argparse.ArgumentParser:
        aliases = [alias for alias, meant in ALIASES.items() if meant == name]
        found = commands.add_parser(
            name, aliases=aliases, help=words, description=words, epilog=EPILOG
        )
        if has_output:
            found.add_argument("-o", "--output", choices=FORMATS, default="table")
        made[name] = found
        return found

    every = add("list", "every DAG, its schedule and its connections", has_output=True)
    every.add_argument("--tag", action="append", default=[], help="only with this tag; repeats")
    every.add_argument("--ids", action="store_true", help="the IDs alone, one a line")
    add("show", "a DAG and its tasks", has_output=True).add_argument("dag_id")
    versions = add("versions", "the versions of a DAG, the last one first", has_output=True)
    versions.add_argument("dag_id")
    _add_limit(versions)
    following = add(
        "next-execution", "when the schedule of a DAG makes its next runs", has_output=True
    )
    following.add_argument("dag_id")
    following.add_argument(
        "-n", "--num-executions", type=_some, default=1, metavar="N", help="how many (1)"
    )
    add("errors", "files that could not be read; exit code 1 if there are any", has_output=True)
    add("sync", "read the DAG files now")
    for name, words in (
        ("pause", "stop the schedules of DAGs; they can still be triggered"),
        ("unpause", "let the schedules of DAGs go on"),
    ):
        add(name, words).add_argument("dag_id", nargs="+")
    _add_trigger(add("trigger", "make a run of a DAG"))
    _add_runs(add("runs", "the last runs of a DAG, or of all", has_output=True))
    _add_run(add("run", "a run and its tasks", has_output=True))
    _add_cancel(add("cancel", "cancel a run, or tasks of it"))
    _add_clear(add("clear", "let tasks of a run that are over run again"))
    add("completion", "print a script for your shell").add_argument("shell", choices=SHELLS)
    return made


def _add_trigger(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dag_id")
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
    parser.add_argument("dag_id", nargs="?", default="")
    parser.add_argument("--state", choices=[state.value for state in RunState])
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
    parser.add_argument("-y", "--yes", action="store_true", help="don't ask")
    _add_watch(parser)


def _add_run_ids(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dag_id")
    parser.add_argument("run_id")


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
