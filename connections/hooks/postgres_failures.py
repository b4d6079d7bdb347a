"""What PostgreSQL's errors mean. https://www.postgresql.org/docs/current/errcodes-appendix.html"""

from __future__ import annotations

import re

import psycopg

from connections.exceptions import SessionFailure

#: By SQLSTATE, or by the two signs of its class; the whole code counts first.
STATES = {
    "08": "sql:dropped",
    "0A": "sql:failed",
    "22": "sql:bad-value",
    "23": "sql:constraint",
    "25006": "sql:read-only",
    "28": "sql:login-refused",
    "3D": "sql:no-database",
    "3F": "sql:not-found",
    "40001": "sql:deadlock",
    "40P01": "sql:deadlock",
    "42501": "sql:permission-denied",
    "42601": "sql:syntax",
    "42602": "sql:syntax",
    "42703": "sql:not-found",
    "42704": "sql:not-found",
    "42883": "sql:not-found",
    "42P01": "sql:not-found",
    "42P02": "sql:parameters",
    "42701": "sql:already-there",
    "42710": "sql:already-there",
    "42723": "sql:already-there",
    "42P04": "sql:already-there",
    "42P06": "sql:already-there",
    "42P07": "sql:already-there",
    "42804": "sql:bad-value",
    "53300": "sql:busy",
    "53": "sql:no-room",
    "55P03": "sql:locked",
    "55006": "sql:locked",
    "57014": "sql:stopped",
    "57P01": "sql:dropped",
    "57P02": "sql:dropped",
    "57P03": "sql:busy",
    "57P05": "sql:dropped",
    "58": "sql:failed",
}

#: While a session opens there is no SQLSTATE: the words are all there is. The first that is
#: found counts.
_TO_OPEN: tuple[tuple[str, str], ...] = (
    (r"failed to resolve|could not translate host name|not known", "sql:name-unknown"),
    (r"too many (clients|connections)|connection slots", "sql:busy"),
    (r"database system is|not accepting connections|not yet accepting", "sql:busy"),
    (r"authentication failed|no password supplied|no pg_hba\.conf entry", "sql:login-refused"),
    (r"role .* does not exist|not permitted to log in|empty password", "sql:login-refused"),
    (r"database .* does not exist", "sql:no-database"),
    (r"permission denied for database", "sql:permission-denied"),
    (r"invalid (?:connection option|\S+ value)|invalid integer|weak sslmode", "sql:bad-option"),
    (r"invalid response|expected authentication request|unsupported frontend", "sql:bad-answer"),
    (r"SSL|TLS|certificate|private key file", "sql:tls"),
    (r"timeout expired|timed out", "sql:unreachable"),
    (r"refused|No route|unreachable|No such file or directory", "sql:unreachable"),
    (r"closed the connection|reset by peer|EOF", "sql:dropped"),
)
_SHORT_REASON = re.compile(
    r"(?i)connection refused|no route to host|network is unreachable|no such file or directory"
    r"|timeout expired|timed out|certificate verify failed[^\n]*|does not support SSL"
)


def failure_to_open(error: psycopg.Error, *, host: str, database: str) -> SessionFailure:
    """Why no session was opened."""
    words = str(error).strip()
    code = _code_of_state(error.sqlstate or "") or next(
        (code for pattern, code in _TO_OPEN if re.search(pattern, words)), "sql:session-refused"
    )
    if isinstance(error, psycopg.ProgrammingError) and not error.sqlstate:
        code = "sql:bad-option"
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        code = "sql:unreachable"
    found = _SHORT_REASON.search(words)
    first = words.partition("\n")[0].rpartition(" failed: ")[2]
    reason = found[0].lower() if found else first or "no reason given"
    return SessionFailure(
        code, vendor_message=words, host=host, database=database, reason=reason, identity=database
    )


def failure_of(error: psycopg.Error, *, host: str, database: str, identity: str) -> SessionFailure:
    """Why a statement failed."""
    words = str(error).strip()
    state = error.sqlstate or ""
    code = _code_of_state(state)
    if not code:
        is_lost = not state and isinstance(error, psycopg.OperationalError)
        code = "sql:dropped" if is_lost else "sql:failed"
    if code == "sql:stopped" and "timeout" in words:
        code = "sql:timeout"
    if "multiple commands" in words:
        code = "sql:several-statements"
    return SessionFailure(
        code,
        vendor_message=words,
        host=host,
        database=database,
        identity=identity,
        reason=state or "no code",
    )


def _code_of_state(state: str) -> str:
    return STATES.get(state) or STATES.get(state[:2], "")
