"""What the child writes to the pipe that only its parent reads.

A line ``STARTED``; then whatever ``faulthandler`` writes; then, unless the
file ended the process, one line of JSON, which alone begins with a brace:
``{"dags": [{"spec", "notices", "made_in"}], "problem": {"kind", "line", "message"} | null}``.
"""

from __future__ import annotations

#: Written before the user's file runs: without it, what ended the process was not that file.
STARTED = b"reading\n"

#: All the DAGs of one file, as JSON.
RESULT_BYTES = 8 << 20
