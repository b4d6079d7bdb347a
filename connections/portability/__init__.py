"""Moves connections in and out as files, Airflow's and our own: docs/import-export.md."""

from connections.portability.entries import Entry, read
from connections.portability.exporting import SERIALIZATIONS, export, redacted
from connections.portability.files import FILE_FORMATS, LARGEST, Unreadable, format_of
from connections.portability.importing import (
    EXISTING,
    Change,
    ImportRefused,
    Plan,
    carry_out,
    plan,
)

__all__ = [
    "EXISTING",
    "FILE_FORMATS",
    "LARGEST",
    "SERIALIZATIONS",
    "Change",
    "Entry",
    "ImportRefused",
    "Plan",
    "Unreadable",
    "carry_out",
    "export",
    "format_of",
    "plan",
    "read",
    "redacted",
]
