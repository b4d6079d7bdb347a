"""Moves connections in and out as files, Airflow's and our own: docs/import-export.md."""

from connections.portability.entries import Entry, read
from connections.portability.exporting import SERIALIZATIONS, Exported, export
from connections.portability.files import FILE_FORMATS, LARGEST, Unreadable, format_of
from connections.portability.importing import (
    EXISTING,
    Change,
    ImportRefused,
    Plan,
    carry_out,
    plan,
)
from connections.portability.naming import NotThere, named, there_and_missing

__all__ = [
    "EXISTING",
    "FILE_FORMATS",
    "LARGEST",
    "SERIALIZATIONS",
    "Change",
    "Entry",
    "Exported",
    "ImportRefused",
    "NotThere",
    "Plan",
    "Unreadable",
    "carry_out",
    "export",
    "format_of",
    "named",
    "plan",
    "read",
    "there_and_missing",
]
