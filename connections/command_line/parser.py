"""The sub-commands of ``manage.py connections`` and their flags."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

from django.core.management.base import CommandParser

from access.output import FORMATS
from connections.command_line.completion import SHELLS
from connections.portability import EXISTING, FILE_FORMATS, SERIALIZATIONS

EPILOG = (
    "Exit codes: 0 all well, 1 refused or failed, 2 wrong usage, 130 interrupted. "
    "A refused command changes nothing."
)


class Parser(CommandParser):
    """Refuses what it doesn't know without repeating it: it may be a password."""

    def error(self, message: str) -> NoReturn:  # type: ignore[misc]
        found = re.match(r"(unrecognized arguments|ambiguous option): ", message)
        if found:
            names = re.findall(r"(?:^| )(--[a-z][a-z-]*)", message)
            message = f"{found[1]}: {' '.join(dict.fromkeys(names))}".rstrip(": ")
        super().error(message)


class _Intermixed(Parser):
    """Takes positional arguments after options, too: ``export - --redact a b``."""

    _is_inner = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self._is_inner:
            return super().parse_known_args(args, namespace)
        self._is_inner = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_inner = False


def add_commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Add every sub-command; their parsers by name."""
    parser.epilog = EPILOG
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=_Intermixed
    )
    made: dict[str, argparse.ArgumentParser] = {}

    def add(name: str, words: str) -> argparse.ArgumentParser:
        made[name] = commands.add_parser(name, help=words, description=words, epilog=EPILOG)
        return made[name]

    _add_list(add("list", "every connection, stored or from the environment"))
    _add_get(add("get", "one connection, as tasks would get it"))
    _add_fields(add("add", "create a connection"))
    edit = add("edit", "change some fields of a connection; the others stay as they are")
    _add_fields(edit)
    edit.add_argument(
        "--unset",
        action="append",
        default=[],
        metavar="FIELD",
        help="empty a field, or take extra.NAME away; repeats",
    )
    delete = add("delete", "delete connections")
    delete.add_argument("conn_id", nargs="+")
    delete.add_argument("--yes", action="store_true", help="also what DAGs use")
    test = add("test", "have a worker test a connection")
    test.add_argument("conn_id")
    test.add_argument(
        "--timeout", type=_seconds, default=60, metavar="SECONDS", help="how long to wait (60)"
    )
    _add_import(add("import", "read connections from a file"))
    _add_export(add("export", "write connections to a file that only you can read"))
    types = add("types", "every type, or the fields of one")
    types.add_argument("conn_type", nargs="?")
    _add_output(types)
    add("create-default-connections", "create Airflow's default connections that aren't there")
    add("completion", "print a script for your shell").add_argument("shell", choices=SHELLS)
    return made


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", choices=FORMATS, default="table")


def _add_list(parser: argparse.ArgumentParser) -> None:
    _add_output(parser)
    parser.add_argument("--conn-type", help="only those of this type")
    parser.add_argument("--ids", action="store_true", help="the IDs alone, one a line")
    parser.add_argument("--show-values", action="store_true", help="all fields, without secrets")
    parser.add_argument(
        "--hide-sensitive", action="store_true", help="as in Airflow; here it is always so"
    )
    parser.add_argument("--show-secrets", action="store_true", help="all fields, secrets too")


def _add_get(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("conn_id")
    _add_output(parser)
    parser.add_argument("--show-secrets", action="store_true", help="secrets too")


def _add_fields(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("conn_id")
    for name, words in (
        ("--conn-type", "the type; `connections types` lists them"),
        ("--conn-description", "what it is for"),
        ("--conn-host", "host"),
        ("--conn-login", "login"),
        ("--conn-schema", "schema"),
        ("--conn-uri", "all in one as a URI; - reads it from standard input"),
        ("--conn-json", "all in one as JSON; - reads it from standard input"),
        ("--conn-extra", "extra as a JSON object; - reads it from standard input"),
    ):
        parser.add_argument(name, help=words)
    parser.add_argument("--conn-port", type=_port, help="port")
    password = parser.add_mutually_exclusive_group()
    password.add_argument("--conn-password", help="password; other users may see it in `ps`")
    password.add_argument(
        "--conn-password-file", metavar="FILE", help="a file that holds it; - is standard input"
    )
    password.add_argument("--ask-password", action="store_true", help="ask for it")
    for name, value, words in (
        ("--extra", "NAME=TEXT", "set one extra to a text; repeats"),
        ("--extra-json", "NAME=JSON", "set one extra to a number, true, an object…; repeats"),
        ("--extra-file", "NAME=FILE", "set one extra to a file's content; repeats"),
    ):
        parser.add_argument(name, action="append", default=[], metavar=value, help=words)
    state = parser.add_mutually_exclusive_group()
    state.add_argument("--disable", dest="disabled", action="store_true", default=None)
    state.add_argument("--enable", dest="disabled", action="store_false", default=None)
    parser.add_argument("--expires-at", metavar="MOMENT", help="2027-01-31T00:00:00+00:00")
    parser.add_argument(
        "--max-sessions", type=int, metavar="N", help="at most so many tasks use it at once"
    )


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="the file; - is standard input")
    parser.add_argument("--file-format", choices=FILE_FORMATS, help="if its name doesn't tell")
    parser.add_argument(
        "--existing", choices=EXISTING, help="what to do where the ID is taken (fail)"
    )
    parser.add_argument("--overwrite", action="store_true", help="--existing overwrite")
    parser.add_argument("--skip-bad", action="store_true", help="import all but the refused")
    parser.add_argument("--dry-run", action="store_true", help="tell what would happen")
    _add_output(parser)


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="the file; - is standard output")
    parser.add_argument(
        "conn_ids", nargs="*", metavar="conn_id", help="only these; they may stand after options"
    )
    parser.add_argument(
        "--conn-id", action="append", default=[], metavar="ID", help="only this; repeats"
    )
    parser.add_argument(
        "--for-airflow",
        action="store_true",
        help="only what Airflow reads: none that is disabled or expired, no dates of expiry, and "
        "in .env no descriptions; what that is, is told",
    )
    parser.add_argument("--file-format", choices=FILE_FORMATS, help="if its name doesn't tell")
    parser.add_argument("--format", choices=FILE_FORMATS, help="the old name of --file-format")
    parser.add_argument(
        "--serialization-format",
        choices=SERIALIZATIONS,
        help="how each is written (uri in env, json in the others)",
    )
    parser.add_argument("--redact", action="store_true", help="*** in place of secrets")
    parser.add_argument("--show-secrets", action="store_true", help="let - print secrets")


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text):
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]+)?", text):
        raise argparse.ArgumentTypeError("a number of seconds")
    return float(text)
