"""What the errors of MySQL and MariaDB mean.

https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html,
https://dev.mysql.com/doc/mysql-errors/8.4/en/client-error-reference.html and
https://mariadb.com/kb/en/mariadb-error-code-reference/
"""

from __future__ import annotations

import socket
import ssl

from connections.exceptions import SessionFailure

_NUMBERS: dict[str, tuple[int, ...]] = {
    "sql:already-there": (1007, 1050, 1060, 1061, 1125, 1304, 1359),
    "sql:bad-value": (1264, 1265, 1292, 1365, 1366, 1367, 1406, 1411, 1690, 3140),
    "sql:busy": (1040, 1203, 1226, 1053),
    "sql:constraint": (1048, 1062, 1169, 1216, 1217, 1364, 1451, 1452, 1557, 3819, 4025),
    "sql:deadlock": (1213, 1614, 3101),
    "sql:dropped": (
        1077,
        1079,
        1080,
        *range(1152, 1155),
        *range(1158, 1162),
        1927,
        2006,
        2013,
        4031,
    ),
    "sql:locked": (1205, 1206, 3572),
    "sql:login-refused": (1045, 1130, 1698, 1820, 1862, 3118, 3955),
    "sql:no-database": (1046, 1049),
    "sql:no-room": (1021, 1037, 1038, 1041, 1114, 1135),
    "sql:not-found": (1051, 1054, 1091, 1109, 1128, 1146, 1176, 1305, 1360, 1630),
    "sql:permission-denied": (1044, 1142, 1143, 1227, 1370, 1419, 3530),
    "sql:read-only": (1290, 1792, 1836),
    "sql:stopped": (1317, 1094),
    "sql:syntax": (1064, 1065, 1149),
    "sql:timeout": (1969, 3024),
    "sql:tls": (2026, 3159, 1837),
}
NUMBERS = {number: code for code, numbers in _NUMBERS.items() for number in numbers}
CANT_CONNECT = (2002, 2003, 2005)


def failure_to_open(error: Exception, *, host: str, database: str) -> SessionFailure:
    """Why no session was opened."""
    number, words = _parts(error)
    cause = getattr(error, "original_exception", None) or error
    code, reason = NUMBERS.get(number, "sql:session-refused"), words
    if isinstance(cause, ssl.SSLError):
        code, reason = "sql:tls", _tls_reason(cause)
    elif number in CANT_CONNECT and isinstance(cause, socket.gaierror):
        code = "sql:name-unknown"
    elif number in CANT_CONNECT:
        code = "sql:unreachable"
        is_late = isinstance(cause, TimeoutError)
        reason = "no answer in time" if is_late else _os_reason(cause) or words
    elif number == 2013 and "timed out" in words:
        code, reason = "sql:unreachable", "it took the connection, and said nothing in time"
    elif not number:
        code = "sql:bad-answer"
    return SessionFailure(
        code, vendor_message=words, host=host, database=database, reason=reason, identity=database
    )


def failure_of(error: Exception, *, host: str, database: str, identity: str) -> SessionFailure:
    """Why a statement failed."""
    number, words = _parts(error)
    return SessionFailure(
        # Without a number it is the driver, which lost the line or the thread of the answer.
        NUMBERS.get(number, "sql:failed" if number else "sql:dropped"),
        vendor_message=words,
        host=host,
        database=database or "(none)",
        identity=identity,
        reason=f"error {number}",
    )


def _parts(error: Exception) -> tuple[int, str]:
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    words = str(error.args[1]) if len(error.args) > 1 else str(error)
    return number, words


def _os_reason(cause: BaseException) -> str:
    return (getattr(cause, "strerror", None) or "").lower()


def _tls_reason(cause: ssl.SSLError) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    return (cause.reason or "no TLS").replace("_", " ").lower()
