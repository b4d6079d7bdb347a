"""How worker and child talk: JSON objects, each after its length, over a pair of sockets.

From the worker, first ``{"kind": "task", "source", "filename", "folder",
"dag_id", "task_id", "op_args", "op_kwargs", "templates_dict", "names",
"dates" (which of the names are moments), "memory"}``; then, to each question,
``{"kind": "answer", "value"}`` or ``{"kind": "refusal", "code", "facts",
"message", "words"}``.

From the child, questions: ``connection`` (``conn_id``), ``pull`` (``task_ids``
and ``key`` of ``ti.xcom_pull``), ``push`` (``key``, ``value``), ``opened``
(``identity``, ``secrets``; answered when they are masked). Without an answer:
``lines`` (``level``, ``lines``), ``closed`` (``problem``). Last, one of
``returned`` (``value``, ``outputs``), ``raised`` (``error``, ``message``,
``trace``, ``place``, ``how``) and ``failure`` (``code``, ``facts``, ``message``).
"""

from __future__ import annotations

import json
import struct
from typing import Any, TypeVar

T = TypeVar("T")

#: The longest message that the worker takes from the child.
MESSAGE_BYTES = 8 << 20
HEADER = struct.Struct(">I")
#: The kinds after which the child has nothing more to say.
LAST = frozenset({"returned", "raised", "failure"})

#: How the worker asks the process that forks children: ``BIRTH`` and a folder, with the descriptors
#: of socket, pipe and output; ``REAP`` and a child's number. The answer is one ``NUMBER``.
BIRTH, REAP = b"birth ", b"reap "
LONGEST_REQUEST = 4096
NUMBER = struct.Struct(">i")
#: No exit code: the child is still there.
NOT_ENDED = 1 << 20


class Garbled(ValueError):
    """What came is no message: something else wrote into the socket."""


def packed(message: dict[str, Any]) -> bytes:
    """Raise ``ValueError`` for what is no JSON, such as ``nan``."""
    body = json.dumps(message, allow_nan=False, separators=(",", ":")).encode()
    return HEADER.pack(len(body)) + body


def unpacked(body: bytes) -> dict[str, Any]:
    """Raise ``Garbled``."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise Garbled("not JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("kind"), str):
        raise Garbled("no kind")
    return message


def taken(message: dict[str, Any], name: str, kind: type[T] | tuple[type[T], ...]) -> T:
    """What stands in the message under ``name``. Raise ``Garbled`` where it is of another type."""
    value = message.get(name)
    if not isinstance(value, kind):
        raise Garbled(f"no {name}")
    return value


class Inbox:
    """Puts messages together from what arrives in pieces."""

    def __init__(self) -> None:
        self._data = bytearray()

    def add(self, chunk: bytes) -> list[dict[str, Any]]:
        """The messages that are whole now. Raise ``Garbled``."""
        self._data += chunk
        found = []
        while len(self._data) >= HEADER.size:
            (length,) = HEADER.unpack_from(self._data)
            if length > MESSAGE_BYTES:
                raise Garbled("too long")
            end = HEADER.size + length
            if len(self._data) < end:
                break
            found.append(unpacked(bytes(self._data[HEADER.size : end])))
            del self._data[:end]
        return found
