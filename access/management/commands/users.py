"""``manage.py users``: users and their roles, from a terminal.

Exit codes: 0 all well, 1 refused (nothing was changed), 2 wrong usage,
130 interrupted. A password is asked for, or read from standard input; never
an argument, which other users of the machine could see.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from access import users
from access.audit import Actor
from access.output import FORMATS, formatted
from access.rights import ROLES
from access.roles import role_of

REFUSED, WRONG_USAGE, INTERRUPTED = 1, 2, 130
NO_ROLE = "none"


class Command(BaseCommand):
    help = "List users, add them, and change their roles and passwords."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = (
            "Exit codes: 0 all well, 1 refused and nothing changed, 2 wrong usage, 130 interrupted."
        )
        commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
        listing = commands.add_parser("list", help="every user with role and state")
        listing.add_argument("-o", "--output", choices=FORMATS, default="table")
        add = commands.add_parser("add", help="add a user; the password is asked for")
        add.add_argument("username")
        add.add_argument("--role", choices=(*ROLES, NO_ROLE), default="Viewer")
        _add_password_options(add)
        role = commands.add_parser("role", help="give a user another role")
        role.add_argument("username")
        role.add_argument("role", choices=(*ROLES, NO_ROLE))
        password = commands.add_parser("password", help="give a user another password")
        password.add_argument("username")
        _add_password_options(password)
        for name, words in (
            ("deactivate", "shut a user out; tokens are refused, too"),
            ("activate", "let a user in again"),
            ("delete", "delete a user and the user's tokens"),
        ):
            commands.add_parser(name, help=words).add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_on_{options['command']}")(options)
        except users.Refused as error:
            raise CommandError(str(error), returncode=REFUSED) from None
        except KeyboardInterrupt:
            self.stderr.write("\nNothing was changed.")
            raise SystemExit(INTERRUPTED) from None

    def _on_list(self, options: dict[str, Any]) -> None:
        rows = [_row(user) for user in _all_users()]
        self.stdout.write(formatted(rows, options["output"]))

    def _on_add(self, options: dict[str, Any]) -> None:
        name, one_time = options["username"], options["one_time"]
        password = self._password(options)
        role = _role(options)
        users.add_user(
            name, role=role, password=password, is_one_time=one_time, actor=Actor.of_command_line()
        )
        self.stdout.write(f"{name} is added: {role or 'no role'}.")
        self._tell(password, one_time)

    def _on_role(self, options: dict[str, Any]) -> None:
        user, role = users.find_user(options["username"]), _role(options)
        users.change_role(user, role, actor=Actor.of_command_line())
        self.stdout.write(f"{options['username']}: {role or 'no role'}.")

    def _on_password(self, options: dict[str, Any]) -> None:
        user, one_time = users.find_user(options["username"]), options["one_time"]
        password = self._password(options)
        users.set_password(user, password, is_one_time=one_time, actor=Actor.of_command_line())
        self.stdout.write(f"{options['username']} has a new password, and is signed out.")
        self._tell(password, one_time)

    def _on_deactivate(self, options: dict[str, Any]) -> None:
        users.set_active(
            users.find_user(options["username"]), is_active=False, actor=Actor.of_command_line()
        )
        self.stdout.write(f"{options['username']} is deactivated.")

    def _on_activate(self, options: dict[str, Any]) -> None:
        users.set_active(
            users.find_user(options["username"]), is_active=True, actor=Actor.of_command_line()
        )
        self.stdout.write(f"{options['username']} is active.")

    def _on_delete(self, options: dict[str, Any]) -> None:
        users.delete_user(users.find_user(options["username"]), actor=Actor.of_command_line())
        self.stdout.write(f"{options['username']} is deleted.")

    def _password(self, options: dict[str, Any]) -> str:
        if options["one_time"]:
            return users.one_time_password()
        if options["password_stdin"]:
            return sys.stdin.read().rstrip("\r\n")
        if not sys.stdin.isatty():
            words = (
                "There is no terminal to ask for a password: use --password-stdin or --one-time."
            )
            raise CommandError(words, returncode=WRONG_USAGE)
        password = getpass.getpass("Password: ")
        if getpass.getpass("Password, again: ") != password:
            raise users.Refused("The two passwords differ.")
        return password

    def _tell(self, password: str, one_time: bool) -> None:
        if one_time:
            self.stdout.write(f"The one-time password, shown only now: {password}")


def _add_password_options(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input"
    )
    source.add_argument(
        "--one-time",
        action="store_true",
        help="make up a password, print it, and ask for another at the first sign-in",
    )


def _role(options: dict[str, Any]) -> str:
    return "" if options["role"] == NO_ROLE else str(options["role"])


def _all_users() -> Any:
    return get_user_model()._default_manager.order_by("username").prefetch_related("groups")


def _row(user: Any) -> dict[str, Any]:
    return {
        "username": user.get_username(),
        "role": role_of(user) or NO_ROLE,
        "active": user.is_active,
        "superuser": user.is_superuser,
        "last_sign_in": user.last_login.isoformat() if user.last_login else None,
    }
