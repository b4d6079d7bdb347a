"""A connection as one text: Airflow's URI form and its JSON form.

The rules are those of Airflow's core, with two differences. What Airflow would
lose or change without a word (a fragment, a parameter given twice, bytes that
are no UTF-8) is refused. And a value in the query stays a text, as in
Airflow's task SDK: core would make the number 5 of ``"5"``, so a text that
core would change is written in ``__extra__``, where all readers agree.

No error repeats what was given: it may hold a password.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from connections.exceptions import PatchbayError
from connections.types.base import LoadedConnection
from connections.types.json_text import NotJson, wrong_characters
from connections.types.json_text import parse as parse_json_text

EXTRA_KEY = "__extra__"
TEXT_KEYS = ("conn_type", "description", "host", "login", "password", "schema")
JSON_KEYS = (*TEXT_KEYS, "port", "extra", "uri")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
#: A name that may be repeated in an error: nobody's password looks like this by accident.
_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


class NotAConnection(PatchbayError):
    """A text that is no connection: the words of what is wrong, never the text itself."""


class Portable(Protocol):
    """What both forms are made of: a loaded connection has it, and a draft."""

    @property
    def conn_type(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def schema(self) -> str: ...
    @property
    def login(self) -> str: ...
    @property
    def password(self) -> str: ...
    @property
    def port(self) -> int | None: ...
    @property
    def extra(self) -> dict[str, Any]: ...


def parse(text: str, *, conn_id: str = "") -> LoadedConnection:
    """Read either form: what begins with ``{`` is JSON. Raise ``NotAConnection``."""
    if text.lstrip().startswith("{"):
        return parse_json(text, conn_id=conn_id)
    return parse_uri(text, conn_id=conn_id)


def normalized_type(conn_type: str) -> str:
    """A type as Airflow takes it from a URI, and from the JSON form in a variable."""
    return "postgres" if conn_type == "postgresql" else conn_type.replace("-", "_")


# The URI form


def parse_uri(text: str, *, conn_id: str = "") -> LoadedConnection:
    """Read ``type://login:password@host:port/schema?extra``. Raise ``NotAConnection``."""
    uri = text.lstrip().rstrip("\r\n\t")
    scheme, protocol, parts = _split(uri)
    try:
        host, port = _hostname(parts), parts.port
        login, password = parts.username or "", parts.password or ""
    except ValueError:
        # urllib's own words repeat what stands where the port should.
        raise NotAConnection(
            "Its port is no number from 0 to 65535, or a sign in the login, the password or "
            "the host isn't percent-encoded (/ is %2F, @ is %40, # is %23, : is %3A)."
        ) from None
    connection = LoadedConnection(
        conn_id=conn_id,
        conn_type=normalized_type(scheme),
        host=f"{protocol}://{host}" if protocol and host else host,
        schema=unquote(parts.path[1:]),
        login=unquote(login),
        password=unquote(password),
        port=port,
        extra=_extra_of_query(parts.query),
    )
    return _checked(connection)


def _split(uri: str) -> tuple[str, str, SplitResult]:
    """The type's scheme, the host's own protocol if there is one, and the rest."""
    scheme, separator, rest = uri.partition("://")
    if not uri:
        raise NotAConnection("There is nothing in it.")
    if not separator or not _SCHEME.match(scheme):
        raise NotAConnection(
            "A connection's URI begins with its type and ://, for example "
            "postgres://host. In the type, - stands for _."
        )
    if _CONTROLS.search(uri):
        raise NotAConnection("It holds a line break or another control character.")
    if "#" in uri:
        raise NotAConnection("It holds a # that isn't percent-encoded: write %23.")
    for escapes in _ESCAPES.findall(uri):
        try:
            unquote(escapes, errors="strict")
        except UnicodeDecodeError:
            raise NotAConnection("Its percent-encoding is not of UTF-8.") from None
    protocol, separator, _ = rest.partition("://")
    is_wrong = separator and (
        not _SCHEME.match(protocol)
        # Airflow takes every "scheme://" away, wherever it finds one, and only in small letters.
        or protocol.endswith(scheme)
        or scheme != scheme.lower()
    )
    if rest.count("://") > 1 or is_wrong:
        raise NotAConnection("It holds a :// that isn't percent-encoded: write %3A%2F%2F.")
    try:
        parts = urlsplit(rest if separator else f"//{rest}")
    except ValueError:
        raise NotAConnection("Its host can't be read.") from None
    if separator and not parts.hostname:
        raise NotAConnection("It has a protocol and no host.")
    return scheme.lower(), parts.scheme if separator else "", parts


def _hostname(parts: SplitResult) -> str:
    """The host in small letters, unless it holds a ``/`` or begins with a percent sign.

    ``urlsplit`` lowers what stands before the first percent sign alone.
    """
    host = unquote(parts.hostname or "")
    if "/" in host:
        host = unquote(parts.netloc.rpartition("@")[2].partition(":")[0])
    return host


def _extra_of_query(query: str) -> dict[str, Any]:
    pairs = parse_qsl(query, keep_blank_values=True)
    found: dict[str, Any] = dict(pairs)
    if len(found) < len(pairs):
        raise NotAConnection("A parameter stands in its query twice.")
    if EXTRA_KEY not in found:
        return found
    if len(found) > 1:
        raise NotAConnection(f"Beside {EXTRA_KEY} its query can't have another parameter.")
    return _extra(found[EXTRA_KEY])


def to_uri(connection: Portable) -> str:
    """The URI form, readable by Airflow. It can't carry everything: see ``survives_uri``."""
    scheme = connection.conn_type.lower().replace("_", "-")
    authority = quote(connection.login, safe="")
    if connection.password:
        authority += ":" + quote(connection.password, safe="")
    authority += "@" if authority else ""
    protocol, host = _written_host(connection.host, scheme)
    if connection.port is not None:
        host += f":{connection.port}" if host or authority else f"@:{connection.port}"
    path = f"/{quote(connection.schema, safe='')}" if connection.schema else ""
    query = _query(connection.extra)
    if query:
        query = f"?{query}" if path else f"/?{query}"
    return f"{scheme}://{protocol}{authority}{host}{path}{query}"


def survives_uri(connection: Portable) -> bool:
    """Whether the URI form carries all of ``connection``, so that it is read again as it was.

    It has no place for a description, and none for a type with other signs than
    small letters, digits, ``_``, ``+`` and ``.``.
    """
    try:
        read = parse_uri(to_uri(connection))
    except NotAConnection:
        return False
    names = (*TEXT_KEYS, "port", "extra")
    return all(getattr(read, name) == getattr(connection, name) for name in names)


def _written_host(host: str, scheme: str) -> tuple[str, str]:
    """The host's protocol with its ``://``, if it can stand on its own, and the encoded rest."""
    protocol, separator, rest = host.partition("://")
    is_apart = (
        separator
        and rest
        and _SCHEME.match(protocol)
        and protocol == protocol.lower()
        and not protocol.endswith(scheme)
    )
    if is_apart:
        return f"{protocol}://", _quoted_host(rest)
    return "", _quoted_host(host)


def _quoted_host(host: str) -> str:
    """Percent-encoded, so that its capital letters stay what they are when it is read."""
    quoted = quote(host, safe="")
    before_escape = quoted.partition("%")[0]
    if "/" in host or before_escape == before_escape.lower():
        return quoted
    return "".join(f"%{byte:02X}" for byte in host[0].encode()) + quote(host[1:], safe="")


def _query(extra: dict[str, Any]) -> str:
    if not extra:
        return ""
    if EXTRA_KEY not in extra and all(map(_stays_text, extra.values())):
        return urlencode(extra)
    return urlencode({EXTRA_KEY: json.dumps(extra, ensure_ascii=False)})


def _stays_text(value: Any) -> bool:
    """Whether every reader of a query takes ``value`` for this very text."""
    if not isinstance(value, str):
        return False
    try:
        json.loads(value)
    except json.JSONDecodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


# The JSON form


def parse_json(
    data: str | Mapping[str, Any], *, conn_id: str = "", keep_type: bool = False
) -> LoadedConnection:
    """Read the JSON form, from its text or as data. Raise ``NotAConnection``.

    ``keep_type`` leaves the type as it is written, as Airflow's import of files
    does; else it is normalized, as Airflow does with a variable.
    """
    found = _json_object(data, what="It") if isinstance(data, str) else data
    if unknown := [name for name in found if name not in JSON_KEYS]:
        raise NotAConnection(f"{_named(unknown[0])} is no part of a connection.")
    for name in (*TEXT_KEYS, "uri"):
        if not isinstance(found.get(name), str | None):
            raise NotAConnection(f"{name} is not a text. Put it in quotes.")
    if found.get("uri"):
        return _from_uri_key(found, conn_id=conn_id)
    conn_type = found.get("conn_type") or ""
    if not conn_type:
        raise NotAConnection("conn_type is missing.")
    connection = LoadedConnection(
        conn_id=conn_id,
        conn_type=conn_type if keep_type else normalized_type(conn_type),
        description=found.get("description") or "",
        host=found.get("host") or "",
        schema=found.get("schema") or "",
        login=found.get("login") or "",
        password=found.get("password") or "",
        port=_port(found.get("port")),
        extra=_extra(found.get("extra")),
    )
    return _checked(connection)


def to_json(connection: Portable) -> dict[str, Any]:
    """The JSON form as data: what is empty is left out, extra is an object."""
    found: dict[str, Any] = {name: getattr(connection, name) for name in TEXT_KEYS}
    found = {name: text for name, text in found.items() if text or name == "conn_type"}
    if connection.port is not None:
        found["port"] = connection.port
    if connection.extra:
        found["extra"] = connection.extra
    return found


def _from_uri_key(found: Mapping[str, Any], *, conn_id: str) -> LoadedConnection:
    others = [name for name in JSON_KEYS if found.get(name) and name not in ("uri", "description")]
    if others:
        raise NotAConnection(f"It has uri and {others[0]}. Give one of them.")
    connection = parse_uri(found["uri"], conn_id=conn_id)
    return _checked(replace(connection, description=found.get("description") or ""))


def _port(value: Any) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip()):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise NotAConnection("port is not a whole number.")
    return value


def _extra(value: Any) -> dict[str, Any]:
    if value is None or (isinstance(value, str) and not value.strip()):
        return {}
    if isinstance(value, str):
        return _json_object(value, what="extra")
    if not isinstance(value, Mapping):
        raise NotAConnection("extra is not a JSON object.")
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise NotAConnection("extra holds something that JSON doesn't have.") from None
    return _json_object(text, what="extra")


def _json_object(text: str, *, what: str) -> dict[str, Any]:
    try:
        found = parse_json_text(text)
    except NotJson as error:
        # Its words may repeat the name of an entry, and that is something that was given.
        words = "the same name stands in it twice" if "“" in str(error) else str(error)
        raise NotAConnection(f"{what} is not JSON: {words}.") from None
    if not isinstance(found, dict):
        raise NotAConnection(f"{what} is not a JSON object.")
    return found


def _named(name: Any) -> str:
    return name if isinstance(name, str) and _PLAIN_NAME.match(name) else "A key in it"


def _checked(connection: LoadedConnection) -> LoadedConnection:
    for name in (*TEXT_KEYS, "extra"):
        if words := wrong_characters(getattr(connection, name)):
            raise NotAConnection(f"{name} can't be stored: {words}.")
    return connection
