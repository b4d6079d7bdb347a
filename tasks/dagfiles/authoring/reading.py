"""The one DAG file that this process reads: its name, and the DAGs that it makes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.dagfiles.authoring.dag import DAG


@dataclass
class Reading:
    """Which file is read, and what came of it so far. Paths are absolute texts."""

    folder: str = ""
    filename: str = ""
    #: The SHA-256 of the file's bytes.
    digest: str = ""
    #: Every DAG made, in order; not all of them need be meant to be seen.
    made: list[DAG] = field(default_factory=list)
    #: DAGs used in a ``with`` statement count without a global name, as in Airflow.
    entered: list[DAG] = field(default_factory=list)
    #: The ``with`` statements that are open, innermost last.
    opened: list[DAG] = field(default_factory=list)

    def line(self) -> int | None:
        """The line of the file that is being executed, also from inside an imported module."""
        for frame in _frames():
            if frame.f_code.co_filename == self.filename:
                return frame.f_lineno
        return None

    def module_file(self) -> str:
        """The file, relative to the folder, of the module that is being executed.

        It differs from the file that is read when that one imports another:
        the DAGs of the other one are its own.
        """
        start = self.folder + os.sep
        for frame in _frames():
            name = frame.f_code.co_filename
            if frame.f_code.co_name == "<module>" and name.startswith(start):
                return name.removeprefix(start).replace(os.sep, "/")
        return ""

    def code_folder(self) -> str:
        """The folder of the innermost file of the user's that is being executed."""
        start = self.folder + os.sep
        for frame in _frames():
            if frame.f_code.co_filename.startswith(start):
                return str(Path(frame.f_code.co_filename).parent)
        return str(Path(self.filename).parent)


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


#: One process reads one file, so one is enough.
READING = Reading()
