"""The script of the processes that run tasks' Python code: one of them, or one that forks them.

A script and not a module to run with ``-m``: Python then puts nothing of ours
on ``sys.path``, where the user's code would find it.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    project = str(Path(__file__).absolute().parents[2])
    sys.path.insert(0, project)
    from tasks.python.inside.main import main
    from tasks.python.inside.nursery import serve

    sys.path.remove(project)
    begin = {"one": main, "many": serve}[sys.argv[1]]
    begin(*map(int, sys.argv[2:]))
