"""Runs a command that ends when the supervisor ends, whatever ends the supervisor.

    python -I -S tether.py SUPERVISOR_PID COMMAND [ARGUMENT ...]

It asks the kernel for a SIGKILL when its parent ends, and becomes the command,
which keeps that. A program of its own, and not ``preexec_fn``, because Python
code between fork and exec is not safe in a process with threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # The supervisor may have ended before the line above: nobody would tell us then.
    if os.getppid() != parent:
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - the supervisor chose the command


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
