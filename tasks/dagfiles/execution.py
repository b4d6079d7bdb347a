"""Executes the text of a DAG file in this process, with Patchbay's modules for ``airflow``'s."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from tasks.dagfiles.authoring import imports, own
from tasks.dagfiles.authoring.reading import READING


def prepare_imports(folder: str, filename: str) -> None:
    """Let ``import`` find what a DAG file may, and none of Patchbay's modules."""
    imports.install()
    own.hide()
    # Last, as in Airflow: a helper called email.py mustn't stand in for the standard library's.
    sys.path.append(folder)
    sys.argv = [filename]
    sys.dont_write_bytecode = True


def execute(source: bytes | str) -> ModuleType:
    """The module that came of it. Raises whatever the file raises."""
    if (line := _line_of_null(source)) is not None:
        raise SyntaxError("The file has a null byte", (READING.filename, line, 1, ""))
    code = compile(source, READING.filename, "exec", dont_inherit=True)
    # Not the file's own name: under that, another file may import it.
    module = ModuleType(f"patchbay_dagfile_{Path(READING.filename).stem}")
    module.__file__ = READING.filename
    sys.modules[module.__name__] = module
    exec(code, vars(module))  # noqa: S102 - what this process is for
    return module


def _line_of_null(source: bytes | str) -> int | None:
    data = source.encode(errors="replace") if isinstance(source, str) else source
    position = data.find(b"\x00")
    return None if position < 0 else data.count(b"\n", 0, position) + 1
