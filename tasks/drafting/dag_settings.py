"""The settings of a DAG, from the texts of the form to the values of a spec and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from connections.types.json_text import wrong_characters
from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.moments import iso, moment
from tasks.dagfiles.authoring.schedule import schedule_of
from tasks.drafting.lengths import WrongLength, length_text, seconds_of
from tasks.drafting.values import LONGEST_TEXT, TICKED, WrongText, json_of
from tasks.schedules.cron import BadCron, zone_of
from tasks.spec import DagSpec, SpecError, check_key

MOST_ACTIVE = 100_000
LONGEST_LINE = 1_000
EVERY = "every "
#: Addresses of pages have it in the place of a dag_id.
RESERVED = ("new",)
_LONG = ("description", "params", "doc_md")

Texts = dict[str, str]
Errors = dict[str, str]


def read_settings(texts: Texts) -> tuple[dict[str, Any], Errors]:
    """What a ``DagSpec`` is made of but for its tasks, and what is wrong, by the form's names."""
    found: dict[str, Any] = {}
    errors: Errors = {}
    zone = _zone(texts, errors)
    for name in (*_READERS, *_ZONED):
        try:
            text = checked_text(texts.get(name, ""), is_long=name in _LONG)
            found |= _READERS[name](text) if name in _READERS else _ZONED[name](text, zone)
        except (WrongText, WrongLength, SpecError) as error:
            errors[name] = str(error)
        except ArgumentProblem as error:
            words = str(error).removeprefix(name).removeprefix(":").strip()
            errors[name] = _capital(words)
    start, end = found.get("start_date"), found.get("end_date")
    if start and end and datetime.fromisoformat(end) < datetime.fromisoformat(start):
        errors["end_date"] = "It ends before it starts."
    return {**found, "timezone": zone}, errors


def settings_texts(spec: DagSpec) -> Texts:
    """The texts that ``read_settings`` makes the settings of ``spec`` of."""
    return {
        "dag_id": spec.dag_id,
        "description": spec.description,
        "schedule": f"{EVERY}{length_text(spec.interval)}" if spec.interval else spec.schedule,
        "timezone": spec.timezone,
        "start_date": _local(spec.start_date, spec.timezone),
        "end_date": _local(spec.end_date, spec.timezone),
        "catchup": TICKED if spec.catchup else "",
        "max_active_runs": str(spec.max_active_runs or ""),
        "max_active_tasks": str(spec.max_active_tasks or ""),
        "dagrun_timeout": length_text(spec.dagrun_timeout) if spec.dagrun_timeout else "",
        "tags": ", ".join(spec.tags),
        "params": json.dumps(spec.params, ensure_ascii=False, indent=2) if spec.params else "",
        "doc_md": spec.doc_md,
    }


def checked_text(text: str, *, is_long: bool = False) -> str:
    """The text without what stands around it. Raise ``WrongText``."""
    if words := wrong_characters(text):
        raise WrongText(f"This can't be stored: {words}.")
    most = LONGEST_TEXT if is_long else LONGEST_LINE
    if len(text) > most:
        raise WrongText(f"{len(text):,} characters; at most {most:,} can be.")
    return text.strip()


def count_of(text: str, *, least: int, most: int) -> int | None:
    """``None`` for a blank one. Raise ``WrongText``."""
    if not text:
        return None
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    if not is_number or not least <= int(text) <= most:
        raise WrongText(f"A whole number from {least} to {most:,} is needed.")
    return int(text)


def length_of(text: str) -> float | None:
    """Seconds, more than none; ``None`` for a blank one."""
    if not text:
        return None
    seconds = seconds_of(text)
    if not seconds:
        raise WrongLength("It must be longer than that; blank is for no limit.")
    return seconds


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _zone(texts: Texts, errors: Errors) -> str:
    """Its name, and ``UTC`` in the place of one that isn't there."""
    name = texts.get("timezone", "").strip() or "UTC"
    try:
        zone_of(name)
    except BadCron as error:
        errors["timezone"] = f"{_capital(str(error))}: take a name such as Europe/Vienna."
        return "UTC"
    return name


def _dag_id(text: str) -> dict[str, Any]:
    if not text:
        raise WrongText("A DAG needs an ID.")
    if text in RESERVED or not text.strip("."):
        raise WrongText(f"{text} can't be an ID: it stands for a page. Choose another.")
    return {"dag_id": check_key(text, what="The ID")}


def _schedule(text: str, zone: str) -> dict[str, Any]:
    if text.lower().startswith(EVERY):
        seconds = seconds_of(text[len(EVERY) :])
        if seconds < 1:
            raise WrongText("Runs are at least a second apart.")
        return {"schedule": "", "interval": seconds}
    schedule, _ = schedule_of(text or None, zone)
    return {"schedule": schedule, "interval": None}


def _moment(name: str) -> Callable[[str, str], dict[str, Any]]:
    return lambda text, zone: {name: iso(moment(text or None, where=name), zone)}


def _local(text: str | None, zone: str) -> str:
    """As the input of a browser takes it, by the clock of ``zone``."""
    if not text:
        return ""
    at = datetime.fromisoformat(text).astimezone(zone_of(zone)).replace(tzinfo=None)
    return at.isoformat(timespec="auto" if at.second or at.microsecond else "minutes")


def _count(name: str) -> Callable[[str], dict[str, Any]]:
    return lambda text: {name: count_of(text, least=1, most=MOST_ACTIVE)}


def _tags(text: str) -> dict[str, Any]:
    tags = (tag.strip() for tag in text.split(","))
    return {"tags": tuple(dict.fromkeys(filter(None, tags)))}


def _params(text: str) -> dict[str, Any]:
    params = json_of(text) if text else {}
    if not isinstance(params, dict):
        raise WrongText('A JSON object is needed, for example {"day": "2026-01-31"}.')
    return {"params": params}


_READERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "dag_id": _dag_id,
    "description": lambda text: {"description": text},
    "catchup": lambda text: {"catchup": bool(text)},
    "max_active_runs": _count("max_active_runs"),
    "max_active_tasks": _count("max_active_tasks"),
    "dagrun_timeout": lambda text: {"dagrun_timeout": length_of(text)},
    "tags": _tags,
    "params": _params,
    "doc_md": lambda text: {"doc_md": text},
}
#: Those that depend on the time zone.
_ZONED: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "schedule": _schedule,
    "start_date": _moment("start_date"),
    "end_date": _moment("end_date"),
}
