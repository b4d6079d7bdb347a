"""``import``, ``export`` and ``create-default-connections``: files in and out."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from django.db import transaction

from access.audit import Actor
from access.output import formatted
from connections.command_line.session import (
    FAILED,
    STDIN,
    failed,
    read_text,
    words_of,
    wrong_usage,
)
from connections.defaults import create_default_connections
from connections.exceptions import SecretsUnreadable
from connections.models import Connection
from connections.portability import (
    Exported,
    ImportRefused,
    NotThere,
    Plan,
    Unreadable,
    carry_out,
    export,
    format_of,
    named,
    plan,
    read,
)

#: In an export to a file; else the format has to be named.
_SUFFIXES = (".json", ".yaml", ".yml", ".env")
_NAMES = ("result", "conn_id", "fields", "reason")
_WHAT_TO_DO = (
    "--existing says what to do where the ID is taken, and --skip-bad leaves out what is refused"
)
_WOULD_BE_REFUSED = f"It would be refused as a whole. {_WHAT_TO_DO}"


def import_file(options: dict[str, Any]) -> tuple[str, int]:
    """What becomes, or would become, of each entry; and the exit code."""
    if options["overwrite"] and options["existing"] not in (None, "overwrite"):
        wrong_usage(f"--overwrite doesn't go with --existing {options['existing']}.")
    existing = "overwrite" if options["overwrite"] else options["existing"] or "fail"
    path, skip_bad = options["file"], options["skip_bad"]
    text = read_text(path)
    file_format = options["file_format"] or format_of("" if path == STDIN else path, text)
    try:
        entries = read(text, file_format=file_format)
    except Unreadable as error:
        failed(str(error))
    if options["dry_run"]:
        found = plan(entries, existing=existing)
        if found.count("refused") and not skip_bad:
            return _told(found, options, _WOULD_BE_REFUSED), FAILED
        return _told(found, options, "Nothing is written yet"), 0
    try:
        done = carry_out(
            entries, existing=existing, skip_bad=skip_bad, actor=Actor.of_command_line()
        )
    except ImportRefused as error:
        return _told(error.plan, options, f"Nothing was written. {_WHAT_TO_DO}"), FAILED
    return _told(done, options, "Imported"), 0


def _told(found: Plan, options: dict[str, Any], words: str) -> str:
    rows = [
        {
            "result": change.kind,
            "conn_id": change.conn_id,
            "fields": ", ".join(change.fields),
            "reason": change.reason or change.warning,
        }
        for change in found.changes
    ]
    text = formatted(rows, options["output"], names=_NAMES)
    if options["output"] in ("json", "yaml"):
        return text
    return f"{text}\n{words}: {found.summary}."


def export_file(options: dict[str, Any]) -> tuple[str, str]:
    """What to print, and what to say of it beside."""
    path, redact = options["file"], options["redact"]
    if options["file_format"] and options["format"]:
        wrong_usage("Give --file-format, not --format too.")
    file_format = options["file_format"] or options["format"] or _format_of_path(path)
    if path == STDIN and not redact and not options["show_secrets"]:
        wrong_usage(
            "This would print every secret. Give --redact, or --show-secrets if that is meant, "
            "or a file: it will be readable by you alone."
        )
    done = _export(path, file_format, options)
    if path == STDIN:
        return done.text.rstrip("\n"), done.words
    one = done.count == 1
    count = f"{done.count} connection{'' if one else 's'}"
    secrets = "without secrets" if redact else f"with {'its' if one else 'their'} secrets"
    return "", f"{count} in {path}, {secrets}.\n{done.words}".rstrip("\n")


def _export(path: str, file_format: str, options: dict[str, Any]) -> Exported:
    conn_ids = options["conn_ids"] + options["conn_id"]
    default = "uri" if file_format == "env" else "json"
    try:
        with transaction.atomic():
            # Where no file comes of it, the audit doesn't tell of one.
            done = export(
                named(conn_ids) if conn_ids else Connection.objects.order_by("conn_id"),
                file_format=file_format,
                serialization=options["serialization_format"] or default,
                redact=options["redact"],
                actor=Actor.of_command_line(),
                for_airflow=options["for_airflow"],
            )
            if path != STDIN:
                _write(Path(path), done.text)
    except (NotThere, SecretsUnreadable) as error:
        words = words_of(error) if isinstance(error, SecretsUnreadable) else str(error)
        failed(f"{words} Nothing was exported.")
    return done


def create_defaults(_: dict[str, Any]) -> str:
    added = create_default_connections(Actor.of_command_line())
    return "\n".join((*added, f"{len(added)} added." if added else "All of them are there."))


def _format_of_path(path: str) -> str:
    if path == STDIN:
        return "json"
    if not path.lower().endswith(_SUFFIXES):
        wrong_usage("Give --file-format, or a file that ends in .json, .yaml or .env.")
    return format_of(path)


def _write(path: Path, text: str) -> None:
    """Put the file there whole, and readable by its owner only from the first byte on."""
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        handle, temporary = tempfile.mkstemp(dir=path.absolute().parent, prefix=".connections-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        failed(f"{path} can't be written: {error.strerror}.")
