"""Reads Patchbay's configuration from environment variables, strictly.

A name that isn't in the process's environment is looked up in
``$PATCHBAY_HOME/local.env``, which ``make run`` writes: so a second terminal
finds the services of the first. A secret may stand in a file that the
variable ``<NAME>_FILE`` names. A value that can't be right stops the start.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

PREFIX = "PATCHBAY_"
CONNECTION_PREFIX = "PATCHBAY_CONN_"
#: Every variable that Patchbay reads, beside connections. Any other name with the prefix stops
#: the start.
NAMES = frozenset(
    PREFIX + name
    for name in (
        "HOME",
        "SECRET_KEY",
        "SECRET_KEY_FILE",
        "FIELD_ENCRYPTION_KEYS",
        "FIELD_ENCRYPTION_KEYS_FILE",
        "DATABASE_URL",
        "DATABASE_URL_FILE",
        "DATABASE_PREPARES",
        "BROKER_URL",
        "BROKER_URL_FILE",
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "HTTPS",
        "DAGS_FOLDER",
        "DAG_PARSE_TIMEOUT",
        "DAGS_PAUSED_AT_CREATION",
        "CRON_DATA_INTERVALS",
        "LEASE_SECONDS",
        "XCOM_BYTES",
        "PYTHON_TASKS",
        "PYTHON_TASK_MEMORY",
        "PYTHON_TASK_ENVIRONMENT",
        "TOKEN_LIFETIME",
        "SIGN_IN_LIMIT",
        "CONNECTION_TEST_WAIT",
        "LOG_LEVEL",
        "TIME_ZONE",
        "ADMIN_PASSWORD",
    )
)
#: The units of a rate.
SECONDS_OF = {"s": 1, "m": 60, "h": 3600}


class Rate(NamedTuple):
    """At most so many times in so many seconds."""

    times: int
    seconds: int


class Environment:
    """Typed access to the variables; every error names the variable, never a secret's value."""

    def __init__(self, variables: Mapping[str, str], *, base: Path) -> None:
        self.home = Path(variables.get("PATCHBAY_HOME") or base / "var").absolute()
        self._own, self._local = variables, _local_variables(self.home)
        self._variables = {**self._local, **self._own}
        unknown = sorted(
            name
            for name in self._variables
            if name.startswith(PREFIX) and name not in NAMES and not self._is_connection(name)
        )
        if unknown:
            raise ImproperlyConfigured(f"Unknown setting {unknown[0]}. See docs/settings.md.")

    def _is_connection(self, name: str) -> bool:
        """Whether it holds a connection: connections/from_environment.py reads those."""
        return name.startswith(CONNECTION_PREFIX) and name in self._own

    def is_from_local_file(self, name: str) -> bool:
        """Whether ``make run`` set the variable, and not the process's own environment."""
        return PREFIX + name in self._local and PREFIX + name not in self._own

    def text(self, name: str, *, default: str = "") -> str:
        return self._variables.get(PREFIX + name, "").strip() or default

    def secret(self, name: str) -> str:
        """The variable's value, or the content of the file that ``<name>_FILE`` names."""
        for variables in (self._own, self._local):
            value = variables.get(PREFIX + name, "").strip()
            path = variables.get(f"{PREFIX}{name}_FILE", "").strip()
            if value and path:
                raise ImproperlyConfigured(f"Set {PREFIX}{name} or {PREFIX}{name}_FILE, not both.")
            if value or path:
                return value or _content(path, of=f"{PREFIX}{name}_FILE")
        return ""

    def boolean(self, name: str, *, default: bool) -> bool:
        value = self.text(name).lower()
        if value in ("on", "true", "yes", "1"):
            return True
        if value in ("off", "false", "no", "0"):
            return False
        if value:
            raise ImproperlyConfigured(f"{PREFIX}{name} must be on or off, not {value!r}.")
        return default

    def seconds(self, name: str, *, default: float, below: float = 86_400) -> float:
        value = self.text(name)
        try:
            number = float(value or default)
        except ValueError:
            number = 0
        if not 0 < number < below:
            raise ImproperlyConfigured(
                f"{PREFIX}{name} must be a number of seconds, for example {default:g}, "
                f"not {value!r}."
            )
        return number

    def whole_number(self, name: str, *, default: int, least: int, most: int) -> int:
        value = self.text(name)
        is_number = re.fullmatch(r"\d{1,9}", value or str(default), re.ASCII)
        number = int(value or default) if is_number else -1
        if not least <= number <= most:
            raise ImproperlyConfigured(
                f"{PREFIX}{name} must be a whole number from {least} to {most}, "
                f"for example {default}, not {value!r}."
            )
        return number

    def passed_on(self, name: str) -> list[str]:
        """Names of variables that may be shown to code: none of ours, and no connection."""
        found = self.names(name)
        for each in found:
            if each.startswith((PREFIX, "AIRFLOW_CONN_", "PYTHON")):
                raise ImproperlyConfigured(f"{PREFIX}{name} can't pass {each} on.")
        return found

    def whole(self, name: str, *, default: int, between: tuple[int, int]) -> int:
        value = self.text(name)
        lowest, highest = between
        number = int(value) if value.isascii() and value.isdecimal() else default
        if (value and not value.isdecimal()) or not lowest <= number <= highest:
            raise ImproperlyConfigured(
                f"{PREFIX}{name} must be a whole number from {lowest:,} to {highest:,}, for "
                f"example {default}, not {value!r}."
            )
        return number

    def rate(self, name: str, *, default: str) -> Rate | None:
        """``10/5m``: a whole number of times in seconds, minutes or hours. ``off`` is ``None``."""
        value = self.text(name, default=default).lower()
        if value == "off":
            return None
        found = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,3})?([smh])", value, re.ASCII)
        if found is None:
            raise ImproperlyConfigured(
                f"{PREFIX}{name} must be so many in such a time, for example {default}, or off, "
                f"not {value!r}."
            )
        times, length, unit = found.groups()
        return Rate(int(times), int(length or 1) * SECONDS_OF[unit])

    def names(self, name: str) -> list[str]:
        """A list separated by commas."""
        return [item.strip() for item in self.text(name).split(",") if item.strip()]

    def choice(self, name: str, *, among: tuple[str, ...], default: str) -> str:
        value = self.text(name, default=default).upper()
        if value not in among:
            raise ImproperlyConfigured(
                f"{PREFIX}{name} must be one of {', '.join(among)}, not {value!r}."
            )
        return value

    def secret_key(self) -> str:
        key = self.secret("SECRET_KEY")
        if len(key) < 32:
            raise ImproperlyConfigured(
                "PATCHBAY_SECRET_KEY (or _FILE) must hold at least 32 random characters. "
                "`make run` makes one for this folder; docs/running.md says how to make your own."
            )
        return key

    def field_encryption_keys(self) -> list[str]:
        """Fernet keys, separated by commas or lines. The first writes, all of them read."""
        text = self.secret("FIELD_ENCRYPTION_KEYS")
        keys = [key.strip() for key in text.replace(",", "\n").splitlines() if key.strip()]
        if not keys:
            raise ImproperlyConfigured(
                "PATCHBAY_FIELD_ENCRYPTION_KEYS (or _FILE) holds no key. "
                "`make run` makes one for this folder; docs/running.md says how to make your own."
            )
        for position, key in enumerate(keys, start=1):
            if not _is_fernet_key(key):
                raise ImproperlyConfigured(
                    f"Key {position} of PATCHBAY_FIELD_ENCRYPTION_KEYS is not a Fernet key "
                    "(32 bytes in URL-safe base64, 44 characters)."
                )
        return keys

    def database(self) -> dict[str, Any]:
        url = self.secret("DATABASE_URL")
        found = parse_database_url(url) if url else _sqlite(str(self.home / "patchbay.sqlite3"))
        if not self.boolean("DATABASE_PREPARES", default=True):
            found["OPTIONS"].pop("prepare_threshold", None)
        return found

    def broker_url(self) -> str:
        """Empty when nothing runs here; then whoever needs the broker says so."""
        url = self.secret("BROKER_URL")
        if url and url.partition("://")[0] not in ("redis", "rediss"):
            raise ImproperlyConfigured(
                "PATCHBAY_BROKER_URL must begin with redis:// or rediss:// (Redis or Valkey)."
            )
        return url


def parse_database_url(url: str) -> dict[str, Any]:
    """Django's settings for ``sqlite:///path`` or ``postgresql://user:password@host/name``.

    The path is absolute, after three slashes or four: a relative one would lead each
    process elsewhere. For PostgreSQL, query parameters are passed on as libpq options,
    and ``host`` may be given there as a socket's folder.
    """
    # Not urlsplit(): what it says of a URL that it can't read repeats the password in it.
    scheme, separator, rest = url.partition("://")
    if scheme == "sqlite" and separator:
        path = unquote(rest)
        if not path.strip("/") or not path.startswith("/") or "?" in rest:
            raise ImproperlyConfigured(
                "PATCHBAY_DATABASE_URL must name a file by its whole path: sqlite:////path."
            )
        return _sqlite(path.removeprefix("/") if path.startswith("//") else path)
    if scheme in ("postgres", "postgresql") and separator:
        return _postgresql(url)
    raise ImproperlyConfigured("PATCHBAY_DATABASE_URL must begin with sqlite:/// or postgresql://.")


def _sqlite(path: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            # A write lock is taken when a transaction begins, so that two writers wait for
            # each other (up to `timeout` seconds) and never fail with "database is locked".
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


def _postgresql(url: str) -> dict[str, Any]:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        options = conninfo_to_dict(url)
    except ProgrammingError:
        # libpq's message repeats the URL, which holds a password.
        raise ImproperlyConfigured("PATCHBAY_DATABASE_URL can't be read as a URL.") from None
    return {
        "ENGINE": "patchbay.postgresql",
        "NAME": options.pop("dbname", "patchbay"),
        "USER": options.pop("user", ""),
        "PASSWORD": options.pop("password", ""),
        "HOST": options.pop("host", ""),
        "PORT": str(options.pop("port", "")),
        "OPTIONS": {
            "connect_timeout": 10,
            # Each request of the web process has a thread of its own, and each waiting task
            # too: they share the connections of the process's pool.
            # A new session now and then: what it keeps of statements goes by the tables' sizes
            # of that time.
            "pool": {"min_size": 1, "max_size": 20, "timeout": 20, "max_lifetime": 600},
            # The driver prepares nothing by itself: who wants it says so.
            "prepare_threshold": 1_000_000,
            **options,
        },
    }


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return len(key) == 44


def _content(path: str, *, of: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise ImproperlyConfigured(f"{of}: {path} can't be read: {reason}.") from None


def _local_variables(home: Path) -> dict[str, str]:
    path = home / "local.env"
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{path} can't be read: not text.") from None
    lines = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in lines}
