"""``manage.py connections``: everything about connections from a terminal.

Exit codes: 0 all well, 1 refused or failed (nothing was changed), 2 wrong
usage, 130 interrupted. No secret is printed unless ``--show-secrets`` is given.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from connections.checks import PACKAGES
from connections.command_line import changing, moving, showing, trying
from connections.command_line.completion import script
from connections.command_line.parser import Parser, add_commands
from connections.command_line.session import INTERRUPTED

Options = dict[str, Any]
#: The sub-commands that print a text, and end with 0 unless they raise.
_PRINT: dict[str, Callable[[Options], str]] = {
    "list": showing.list_connections,
    "get": showing.get_connection,
    "types": showing.list_types,
    "add": changing.add,
    "edit": changing.edit,
    "delete": changing.delete,
    "create-default-connections": moving.create_defaults,
}


class Command(BaseCommand):
    help = "List, show, change, test, import and export connections."
    requires_system_checks = (PACKAGES,)
    commands: dict[str, argparse.ArgumentParser]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's parser, but one that repeats nothing that it doesn't know."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = Parser
        return parser

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        self.commands = add_commands(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._run(options)
        except KeyboardInterrupt:
            self.stderr.write("Interrupted.")
            raise SystemExit(INTERRUPTED) from None

    def _run(self, options: Options) -> None:
        command = options["command"]
        if command in _PRINT:
            self._say(_PRINT[command](options))
        elif command == "completion":
            self._say(script(options["shell"], self.commands))
        elif command == "export":
            text, words = moving.export_file(options)
            self._say(text)
            if words:
                self.stderr.write(words, self.style.SUCCESS)
        else:
            text, code = (trying.test if command == "test" else moving.import_file)(options)
            self._say(text)
            if code:
                raise SystemExit(code)

    def _say(self, text: str) -> None:
        if text:
            self.stdout.write(text)
