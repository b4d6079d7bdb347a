"""What SQLite's errors mean. https://www.sqlite.org/rescode.html"""

from __future__ import annotations

import re
import sqlite3

from connections.exceptions import SessionFailure

#: By the name of the result code; the longest that it begins with counts.
NAMES = {
    "SQLITE_AUTH": "sql:attach-refused",
    "SQLITE_BUSY": "sql:locked",
    "SQLITE_CANTOPEN": "sql:file-unreadable",
    "SQLITE_CONSTRAINT": "sql:constraint",
    "SQLITE_CORRUPT": "sql:file-unreadable",
    "SQLITE_FULL": "sql:no-room",
    "SQLITE_INTERRUPT": "sql:stopped",
    "SQLITE_IOERR": "sql:file-unreadable",
    "SQLITE_LOCKED": "sql:locked",
    "SQLITE_MISMATCH": "sql:bad-value",
    "SQLITE_NOMEM": "sql:no-room",
    "SQLITE_NOTADB": "sql:file-unreadable",
    "SQLITE_PERM": "sql:file-unreadable",
    "SQLITE_RANGE": "sql:parameters",
    "SQLITE_READONLY": "sql:read-only",
    "SQLITE_TOOBIG": "sql:bad-value",
}
#: What SQLite calls SQLITE_ERROR, and what Python's library says by itself.
_WORDS = (
    (r"no such (table|column|function|index|view|trigger)|has no column", "sql:not-found"),
    (r"already exists|duplicate column", "sql:already-there"),
    (r"syntax error|incomplete input|unrecognized token|unterminated", "sql:syntax"),
    (r"one statement at a time", "sql:several-statements"),
    (r"number of bindings|value for binding|type .*is not supported", "sql:parameters"),
    (r"binding parameter", "sql:parameters"),
    (r"not authorized|prohibited", "sql:attach-refused"),
    (r"no such (vfs|cache mode|access mode)", "sql:bad-option"),
    (r"no such database", "sql:not-found"),
)


def failure_of(error: Exception, *, path: str) -> SessionFailure:
    """Why a file was not opened, or a statement failed."""
    words = str(error)
    name = getattr(error, "sqlite_errorname", "") or ""
    by_name = next((code for start, code in NAMES.items() if name.startswith(start)), "")
    by_words = next((code for pattern, code in _WORDS if re.search(pattern, words)), "")
    code = by_words or by_name
    if not code:
        code = "sql:bad-value" if isinstance(error, sqlite3.DataError) else "sql:failed"
    return SessionFailure(
        code, vendor_message=words, path=path, host=path, reason=words, identity=path
    )
