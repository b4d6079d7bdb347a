"""``manage.py dags``: see DAGs, trigger them and watch them in a terminal.

Exit codes: 0 all well (or the run was successful), 1 the run failed or could
not be made, 2 wrong usage.
"""

from __future__ import annotations

import argparse
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from access.audit import Actor
from tasks import live
from tasks.exceptions import DagNotFound, TriggerRefused
from tasks.models import Dag, DagImportError
from tasks.terminal import print_run, watch

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130


class Command(BaseCommand):
    help = "List, check and trigger DAGs."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = (
            "Exit codes: 0 all well, 1 the run failed or could not be made, 2 wrong usage, "
            "130 interrupted."
        )
        commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
        commands.add_parser("list", help="every DAG and its connections")
        commands.add_parser("errors", help="files that could not be read; exit code 1 if any")
        commands.add_parser("sync", help="read the DAG files now")
        trigger = commands.add_parser("trigger", help="make a run of a DAG")
        trigger.add_argument("dag_id")
        trigger.add_argument("--conf", default="", metavar="JSON", help="a JSON object for the run")
        trigger.add_argument("--run-id", default=None, help="an ID for the run")
        trigger.add_argument(
            "--watch", action="store_true", help="show the steps until the run ends"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['command']}")(options)

    def _list(self, _: dict[str, Any]) -> None:
        for dag in Dag.objects.select_related("current_version"):
            conn_ids = ", ".join(dag.current_version.conn_ids) if dag.current_version else ""
            state = "missing" if dag.is_missing else f"v{dag.current_version.number}"  # type: ignore[union-attr]
            self.stdout.write(f"{dag.dag_id}\t{state}\t{conn_ids}\t{dag.filename}")

    def _errors(self, _: dict[str, Any]) -> None:
        errors = list(DagImportError.objects.all())
        for error in errors:
            self.stdout.write(f"{error}: {error.message}")
        if errors:
            raise SystemExit(FAILED)

    def _sync(self, _: dict[str, Any]) -> None:
        from tasks.dagfiles.sync import sync

        folder = settings.DAGS_FOLDER
        try:
            files = sync(folder, timeout=settings.DAG_PARSE_TIMEOUT)
        except OSError as error:
            reason = f"{folder} can't be read: {error.strerror}."
            raise CommandError(reason, returncode=FAILED) from None
        dags, count = sum(len(file.dags) for file in files), len(files)
        self.stdout.write(
            f"{dags} DAG{'' if dags == 1 else 's'} in {count} file{'' if count == 1 else 's'} "
            f"of {folder}"
        )
        for file in files:
            if file.problem:
                place = (
                    f"{file.filename}:{file.problem.line}" if file.problem.line else file.filename
                )
                self.stderr.write(f"{place}: {file.problem.message}")

    def _trigger(self, options: dict[str, Any]) -> None:
        from tasks.services import parse_conf, trigger_dag_run

        try:
            conf = parse_conf(options["conf"])
        except TriggerRefused as error:
            raise CommandError(f"--conf: {error}", returncode=WRONG_USAGE) from None
        self._check_that_something_runs()
        try:
            run = trigger_dag_run(
                options["dag_id"],
                actor=Actor.of_command_line(),
                conf=conf,
                run_id=options["run_id"],
            )
        except DagNotFound as error:
            known = ", ".join(Dag.objects.values_list("dag_id", flat=True)) or "none"
            raise CommandError(f"{error} There are: {known}.", returncode=WRONG_USAGE) from None
        except TriggerRefused as error:
            raise CommandError(str(error), returncode=FAILED) from None
        if not options["watch"]:
            print_run(run, self.stdout)
            return
        try:
            successful = watch(run, self.stdout)
        except KeyboardInterrupt:
            self.stderr.write("No longer watching; the run goes on.")
            raise SystemExit(INTERRUPTED) from None
        if not successful:
            raise SystemExit(FAILED)

    def _check_that_something_runs(self) -> None:
        """A broker of production may be away for a while; one of `make run` is gone for good."""
        if not settings.BROKER_URL or (settings.BROKER_IS_LOCAL and not live.answers()):
            raise CommandError(
                "No Patchbay runs here: there is no broker to send the task to. Start it with "
                "`make run` in another terminal, or set PATCHBAY_BROKER_URL.",
                returncode=FAILED,
            )
