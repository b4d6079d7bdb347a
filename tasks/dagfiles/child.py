"""The script that reads one DAG file: ``parser`` starts it, in a process of its own.

A script and not a module to run with ``-m``: Python then puts nothing of ours
on ``sys.path``, where the user's file would find it.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    project = str(Path(__file__).absolute().parents[2])
    sys.path.insert(0, project)
    from tasks.dagfiles.loader import main

    sys.path.remove(project)
    main(*sys.argv[1:])
