"""What the processes of a local Patchbay find in their environment, and manage.py in local.env."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from patchbay.local.home import ROOT, Home
from patchbay.local.keys import Keys
from patchbay.local.ports import HOST

#: `make run` sets these itself, so that it never migrates or fills a production database whose
#: address happens to be in the terminal's environment.
OWN = tuple(
    f"PATCHBAY_{name}{suffix}"
    for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "DATABASE_URL", "BROKER_URL")
    for suffix in ("", "_FILE")
)
#: Of the terminal's environment, what would lead a service elsewhere: to another broker, another
#: project's settings, another BigQuery or object store, or into more processes.
FOREIGN = (
    "CELERY_",
    "UVICORN_",
    "BQEMU_",
    "DJANGO_SETTINGS_MODULE",
    "WEB_CONCURRENCY",
    "BIGQUERY_",
    "STORAGE_",
)
#: Only the step that makes the first user gets it.
ADMIN_PASSWORD = "PATCHBAY_ADMIN_PASSWORD"  # noqa: S105 - a name


def local_settings(home: Home, keys: Keys, variables: Mapping[str, str]) -> dict[str, str]:
    """Everything but the broker, which is there only while Valkey runs."""
    hosts = variables.get("PATCHBAY_ALLOWED_HOSTS", "").split(",")
    return {
        "PATCHBAY_SECRET_KEY_FILE": str(keys.secret_key),
        "PATCHBAY_FIELD_ENCRYPTION_KEYS_FILE": str(keys.field_encryption_keys),
        "PATCHBAY_DATABASE_URL": f"sqlite:///{quote(str(home.database))}",
        # Plain HTTP on this machine: a secure cookie would never come back.
        "PATCHBAY_HTTPS": "off",
        "PATCHBAY_ALLOWED_HOSTS": ",".join(
            dict.fromkeys(host.strip() for host in (HOST, "localhost", *hosts) if host.strip())
        ),
        "PATCHBAY_DAGS_FOLDER": variables.get("PATCHBAY_DAGS_FOLDER") or str(ROOT / "dags"),
    }


def base_environment(home: Home, variables: Mapping[str, str]) -> dict[str, str]:
    """The terminal's environment, without what `make run` decides itself."""
    dropped = {*OWN, ADMIN_PASSWORD}
    kept = {
        name: value
        for name, value in variables.items()
        if name not in dropped and not name.startswith(FOREIGN)
    }
    # A proxy would not find what listens on this machine only.
    direct = ",".join(filter(None, (variables.get("NO_PROXY") or variables.get("no_proxy"), HOST)))
    return {
        **kept,
        "PATCHBAY_HOME": str(home.path),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": direct,
        "no_proxy": direct,
    }


def ignored(variables: Mapping[str, str]) -> list[str]:
    """The names that are set in the terminal and have no effect here."""
    return [name for name in OWN if variables.get(name)]
