"""Checks of what services are reached by: hosts, URLs, addresses, paths, lists of servers.

Each returns the words of what is wrong, or an empty text; none quotes the value.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from connections.types.json_text import NotJson, parse

LONGEST_HOST = 253
LONGEST_DURATION = 7 * 24 * 3600
LARGEST_COUNT = 1000
LARGEST_PORT = 65_535
#: Underscores are no part of RFC 1123, but names in container networks have them.
LABEL_PATTERN = re.compile(r"^(?!-)[\w-]{1,63}(?<!-)\Z")
#: A label of RFC 1123 as Kubernetes takes it.
NAMESPACE_PATTERN = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
#: RFC 5321, 5322, without comments and quoted parts; a name without a dot is a host here.
ADDRESS_PATTERN = re.compile(r"^[^@\s,;:<>()\[\]\\\"]{1,64}@([^@\s]{1,253})\Z")
NAMED_ADDRESS_PATTERN = re.compile(r"^[^<>\r\n]*<([^<>]+)>\Z")
#: Last words of parameters whose values are credentials: signed links, keys of functions.
SECRET_WORDS = (
    "apikey",
    "auth",
    "code",
    "key",
    "passwd",
    "password",
    "pwd",
    "secret",
    "sig",
    "signature",
    "token",
)
PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")

NO_SCHEME = "The host alone: leave out the scheme, up to and with ://."
NO_PATH = "The host alone: leave out the path."
NO_PORT = "The host alone: the port has a field of its own."
NO_CREDENTIALS = "The host alone: user name and password have fields of their own."
NOT_A_HOST = "A host name such as db.example.com, or an IP address."
NOT_A_PORT = "After the colon stands the port, a number from 1 to 65535."
PORT_TWICE = "The host has a port already. Give it in one place."


# Hosts


def hostname(value: str) -> str:
    """A DNS name or an IP address: no scheme, no path, no port. RFC 1123, RFC 4291."""
    if words := _not_a_host_alone(value):
        return words
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    if ":" in bare:
        return "" if _is_address(bare, IPv6Address) else "This is not an IP address."
    return "" if is_dns_name(bare) else NOT_A_HOST


def is_dns_name(value: str) -> bool:
    """Also an IPv4 address: a name whose last label is a number must be one."""
    labels = value.removesuffix(".").split(".")
    if labels[-1].isdecimal():
        return _is_address(value, IPv4Address)
    return len(value) <= LONGEST_HOST and all(LABEL_PATTERN.match(label) for label in labels)


def server(value: str) -> str:
    """A host, with its port or without. An IPv6 address with a port stands in brackets."""
    if "://" in value:
        return NO_SCHEME
    host, port = parts_of_server(value)
    if port is not None and not _is_port(port):
        return NOT_A_PORT
    return hostname(host)


def servers(value: str) -> str:
    """Hosts with ports, separated by commas."""
    return _first_wrong(value, "Server")


def bootstrap_servers(value: str) -> str:
    """Kafka's: each may begin with its protocol, as in ``SASL_SSL://broker:9093``."""
    return _first_wrong(
        re.sub(r"\b(plaintext|ssl|sasl_plaintext|sasl_ssl)://", "", value, flags=re.I), "Broker"
    )


def parts_of_server(value: str) -> tuple[str, str | None]:
    """(host, port); the port is ``None`` where there is no colon for it."""
    if found := re.match(r"^(\[[^\]]*\])(?::(.*))?\Z", value):
        return found[1], found[2]
    if value.count(":") == 1:
        host, _, port = value.partition(":")
        return host, port
    return value, None


def _first_wrong(value: str, noun: str) -> str:
    for place, each in enumerate(value.split(","), start=1):
        if not each.strip():
            return f"{noun} {place} is empty. Separate them by single commas."
        if words := server(each.strip()):
            return f"{noun} {place}: {words}" if "," in value else words
    return ""


def _not_a_host_alone(value: str) -> str:
    if re.search(r"\s", value):
        return "A host name without spaces."
    if "://" in value:
        return NO_SCHEME
    if "@" in value:
        return NO_CREDENTIALS
    if re.search(r"[/?#]", value):
        return NO_PATH
    if re.search(r"^[^:]+:\d*\Z|\]:\d*\Z", value):
        return NO_PORT
    return ""


def _is_address(value: str, kind: type[IPv4Address] | type[IPv6Address]) -> bool:
    try:
        return isinstance(ip_address(value), kind)
    except ValueError:
        return False


def _is_port(value: str) -> bool:
    return re.fullmatch("[0-9]{1,5}", value) is not None and 0 < int(value) <= LARGEST_PORT


# URLs


def web_host(value: str) -> str:
    """A host of HTTP as Airflow takes it: also with a scheme, a port, a path, a query."""
    if re.search(r"[\s\0]", value):
        return "An address without spaces."
    parts = split(value if "://" in value else f"http://{value}")
    if parts is None:
        return NOT_A_PORT
    if parts.scheme not in ("http", "https"):
        return "An address begins with https:// or http://, or with the host."
    if "@" in parts.netloc:
        return NO_CREDENTIALS
    if parts.fragment:
        return "An address without a # part."
    if _holds_credentials(parts):
        return "This address holds a key or a token, and it is shown. Give that in a header."
    return hostname(parts.hostname or "")


def registry(value: str) -> str:
    """A registry of images: a host or a URL, with a port and a path or without."""
    if "?" in value or "#" in value:
        return "An address without ? and # parts."
    return web_host(value)


def proxy(value: str) -> str:
    """The URL of a proxy. It may hold a user name and a password: its field is secret."""
    parts = split(value if "://" in value else f"http://{value}")
    if parts is None or parts.scheme not in PROXY_SCHEMES or not parts.hostname:
        return "The URL of a proxy, for example http://proxy.example.com:3128."
    if re.search(r"[\s\0]", value) or parts.path.strip("/") or parts.query or parts.fragment:
        return "The URL of a proxy: its scheme, host and port."
    return hostname(parts.hostname)


def proxies(value: dict[str, Any]) -> str:
    """Proxies by scheme, as the library requests takes them."""
    if all(isinstance(each, str) and not proxy(each) for each in value.values()):
        return ""
    return 'The URLs of proxies by scheme, for example {"https": "http://proxy.example.com:3128"}.'


def has_port(value: str) -> bool:
    """Whether an address of ``web_host`` names its port itself."""
    parts = split(value if "://" in value else f"http://{value}")
    return parts is not None and parts.port is not None


def split(value: str) -> SplitResult | None:
    """``None`` for what has no valid port, or brackets in the wrong place."""
    try:
        parts = urlsplit(value)
        is_right = parts.port != 0
    except ValueError:
        return None
    return parts if is_right else None


def _holds_credentials(parts: SplitResult) -> bool:
    """Whether a parameter is called like a key or a token, as in ``sig`` and ``accessToken``."""
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)
        if words and words[-1].lower() in SECRET_WORDS:
            return True
    return False


# Addresses, paths, numbers, data


def email_address(value: str) -> str:
    """An address, alone or as ``Reports <reports@example.com>``."""
    named = NAMED_ADDRESS_PATTERN.match(value)
    found = ADDRESS_PATTERN.match(named[1].strip() if named else value)
    if found and is_dns_name(found[1]):
        return ""
    return "An e-mail address, for example reports@example.com."


def worker_path(value: str) -> str:
    """A path on the worker; also ``~/…`` and a relative one, as Airflow takes them."""
    if "-----BEGIN" in value:
        return "This is the file itself. Here belongs its path on the worker."
    if "://" in value:
        return "A path on the worker, not a URL."
    if value != value.strip() or not value.isprintable():
        return "A path on the worker, without spaces around it and on one line."
    return ""


def duration(value: float) -> str:
    if 0 < value <= LONGEST_DURATION:
        return ""
    return "A number of seconds, more than 0 and at most a week."


def count(value: int) -> str:
    return "" if 0 <= value <= LARGEST_COUNT else f"A whole number from 0 to {LARGEST_COUNT}."


def milliseconds(value: int) -> str:
    if 0 < value <= LONGEST_DURATION * 1000:
        return ""
    return "A number of milliseconds, more than 0 and at most a week."


def namespace(value: str) -> str:
    if NAMESPACE_PATTERN.match(value):
        return ""
    return "A namespace has at most 63 small letters, digits and dashes, and no dash at its ends."


def header(value: str) -> str:
    """The value of an HTTP header. RFC 9110, 5.5."""
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        return "The value of a header stands on one line."
    if not value.isascii():
        return "The value of a header has no letters but ASCII."
    if re.match(r"\s*authorization\s*:", value, re.I):
        return "The value alone, without the name of the header and its colon."
    return ""


def names(value: object) -> str:
    """A list of names, as JSON."""
    if isinstance(value, list) and value and all(isinstance(each, str) and each for each in value):
        return ""
    return 'A list of names, for example ["aes256-ctr", "aes192-ctr"].'


def json_text(value: str) -> str:
    """A JSON object that is kept as its text, because Airflow's hook reads it so."""
    try:
        found = parse(value)
    except NotJson as error:
        return f"This is not JSON: {error}."
    return "" if isinstance(found, dict) else "A JSON object, for example {}."
