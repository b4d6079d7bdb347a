"""The lines at the terminal and in the log files."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from pathlib import Path

import pytest

from patchbay.local import logfile
from patchbay.local.process import Process
from patchbay.local.services import Service
from patchbay.local.terminal import Terminal


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def run(code: str, folder: Path, *, quiet: bool = False) -> str:
    """Run a step to its end; return what the terminal shows."""

    async def complete() -> None:
        step = Service("web", (sys.executable, "-c", code), quiet=quiet)
        process = await Process.start(
            step, environment=dict(os.environ), terminal=terminal, log=folder / "web.log"
        )
        await process.completed()

    terminal = Terminal(io.StringIO(), io.StringIO())
    asyncio.run(complete())
    assert isinstance(terminal.stream, io.StringIO)
    return terminal.stream.getvalue()


def test_every_line_has_its_services_name_before_it(tmp_path: Path) -> None:
    shown = run("import sys; print('one'); print('two', file=sys.stderr, flush=True)", tmp_path)
    assert sorted(shown.splitlines()) == ["web      | one", "web      | two"]


def test_a_last_line_without_an_end_and_what_is_no_text_are_shown(tmp_path: Path) -> None:
    code = r"import sys; sys.stdout.buffer.write(b'a\r\n\n\xff\nb')"
    assert run(code, tmp_path).splitlines() == ["web      | a", "web      | \ufffd", "web      | b"]


def test_an_endless_line_is_shown_in_pieces(tmp_path: Path) -> None:
    shown = run("print('x' * 300_000)", tmp_path)
    assert shown.count("x") == 300_000
    assert max(map(len, shown.splitlines())) < 200_000


def test_a_quiet_service_writes_only_to_its_log(tmp_path: Path) -> None:
    assert run("print('hello')", tmp_path, quiet=True) == ""
    assert (tmp_path / "web.log").read_text() == "hello\n"


def test_a_log_grows_over_starts_until_it_is_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logfile, "LARGEST", 10)
    for word in ("first", "second", "third"):
        run(f"print({word!r})", tmp_path)
    assert (tmp_path / "web.log.1").read_text() == "first\nsecond\n"
    assert (tmp_path / "web.log").read_text() == "third\n"


def test_colour_is_only_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal, file = Terminal(Tty()), Terminal(io.StringIO())
    for output in (terminal, file):
        output.line("web", "hello")
    assert terminal.stream.getvalue() == "\033[36mweb      |\033[0m hello\n"  # type: ignore[attr-defined]
    assert file.stream.getvalue() == "web      | hello\n"  # type: ignore[attr-defined]


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Terminal(Tty()).coloured


def test_a_terminal_that_is_gone_is_no_error() -> None:
    Terminal(Gone()).say("hello")
