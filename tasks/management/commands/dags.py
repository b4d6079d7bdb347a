"""``manage.py dags``: see DAGs and their runs, and act on them, in a terminal.

Exit codes: 0 all well (and a run that was watched was successful), 1 refused or
failed, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from connections.checks import PACKAGES
from connections.command_line.session import INTERRUPTED, wrong_usage
from tasks.command_line import acting, showing
from tasks.command_line.completion import script
from tasks.command_line.parser import ALIASES, DagsParser, add_commands

Options = dict[str, Any]
#: The sub-commands that print a text, and end with 0 unless they raise.
_PRINT: dict[str, Callable[[Options], str]] = {
    "list": showing.list_dags,
    "show": showing.show_dag,
    "versions": showing.list_versions,
    "next-execution": showing.next_executions,
    "runs": showing.list_runs,
}
#: The sub-commands that do something; what they answer is the exit code.
_ACT: dict[str, Callable[[Options, Any], int]] = {
    "trigger": acting.trigger,
    "cancel": acting.cancel,
    "clear": acting.clear,
    "delete-run": acting.delete_run,
    "pause": acting.pause,
    "unpause": acting.pause,
}


class Command(BaseCommand):
    help = "List, check, trigger, cancel, clear and delete DAGs' runs, and pause schedules."
    requires_system_checks = (PACKAGES,)
    commands: dict[str, argparse.ArgumentParser]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's parser, but one that repeats nothing that it doesn't know."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = DagsParser
        return parser

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        self.commands = add_commands(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        options["command"] = ALIASES.get(options["command"], options["command"])
        _check_texts(options)
        try:
            code = self._run(options)
        except KeyboardInterrupt:
            self.stderr.write("Interrupted.")
            code = INTERRUPTED
        if code:
            raise SystemExit(code)

    def _run(self, options: Options) -> int:
        command = options["command"]
        if command in _ACT:
            return _ACT[command](options, self.stdout)
        if command in _PRINT:
            self._say(_PRINT[command](options))
        elif command == "run":
            if options["watch"]:
                return acting.watch_run(options, self.stdout)
            self._say(showing.show_run(options))
        elif command == "errors":
            text, code = showing.list_errors(options)
            self._say(text)
            return code
        elif command == "sync":
            return acting.sync_files(self.stdout, self.stderr)
        else:
            self._say(script(options["shell"], self.commands))
        return 0

    def _say(self, text: str) -> None:
        if text:
            self.stdout.write(text)


def _check_texts(options: Options) -> None:
    """End the command for an argument that no database takes: bytes that are no UTF-8."""
    for name, value in options.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and not text.isascii():
                try:
                    text.encode()
                except UnicodeEncodeError:
                    wrong_usage(f"{name.replace('_', '-')} is no text in UTF-8.")
