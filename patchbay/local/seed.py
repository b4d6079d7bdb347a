"""Makes what a new Patchbay needs in its database: tables, the first user, DAGs, the demo.

    python -m patchbay.local.seed [--demo-endpoint http://127.0.0.1:PORT [--demo-storage URL]]

It may run at each start: what is there is left as it is.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from patchbay.local.demo import ADMIN, ADMIN_CREATED, CONNECTION, PROJECT
from patchbay.local.settings import ADMIN_PASSWORD

if TYPE_CHECKING:
    from connections.models import Connection


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m patchbay.local.seed")
    parser.add_argument("--demo-endpoint", default="", help="URL of the local BigQuery")
    parser.add_argument("--demo-storage", default="", help="URL of the local object store")
    options = parser.parse_args(arguments)

    import django
    from django.core.exceptions import ImproperlyConfigured

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "patchbay.settings")
    try:
        django.setup()
    except ImproperlyConfigured as error:
        print(error, file=sys.stderr)
        return 1
    seed(Endpoints(options.demo_endpoint, options.demo_storage))
    return 0


@dataclass(frozen=True)
class Endpoints:
    """Where the local servers are; empty for one that isn't there."""

    bigquery: str
    storage: str = ""

    @property
    def extra(self) -> dict[str, str]:
        """The extras of the demo connection that name them."""
        named = {"api_endpoint": self.bigquery, "storage_endpoint": self.storage}
        return {name: url for name, url in named.items() if url}


def seed(demo: Endpoints) -> None:
    from django.core.management import call_command
    from django.db import transaction

    call_command("migrate", interactive=False, verbosity=0)
    call_command("dags", "sync")
    # Last, so that a new password is told only when all of this went well.
    with transaction.atomic():
        if demo.bigquery:
            prepare_demo_connection(demo)
        create_admin()


def create_admin() -> None:
    """The first user. Its password is printed only where nobody gave one."""
    from django.contrib.auth import get_user_model

    users = get_user_model().objects
    # By any user: who renamed or removed `admin` doesn't want it back at the next start.
    if users.exists():
        return
    given = os.environ.get(ADMIN_PASSWORD, "")
    password = given or secrets.token_urlsafe(12)
    users.create_superuser(ADMIN, password=password)
    print(ADMIN_CREATED)
    if not given:
        print(f"Its password, shown only this time: {password}")


def prepare_demo_connection(demo: Endpoints) -> None:
    """Create it once, and afterwards only follow the local servers to other ports."""
    from access.models import AuditEvent
    from connections.models import Connection

    stored = Connection.objects.filter(conn_id=CONNECTION).first()
    if stored is not None:
        _follow(stored, demo)
        return
    trail = AuditEvent.objects.filter(object_type="connection", object_id=CONNECTION)
    if not trail.exists():
        _create(demo)


def _create(demo: Endpoints) -> None:
    from access.audit import Actor
    from connections.services import create_connection
    from connections.validation import Draft

    draft = Draft(
        conn_id=CONNECTION,
        conn_type="google_cloud_platform",
        description="Local BigQuery and object store with real data (Seattle weather)",
        extra={"project": PROJECT, "is_anonymous": True, **demo.extra},
    )
    create_connection(draft, actor=Actor("make run"))


def _follow(stored: Connection, demo: Endpoints) -> None:
    """Leave alone what a person made of it, and what can't be read."""
    from access.audit import Actor
    from connections.exceptions import SecretsUnreadable
    from connections.services import draft_of, update_connection

    try:
        loaded = stored.load()
    except SecretsUnreadable:
        print(f"{CONNECTION} can't be decrypted with the configured keys: left alone.")
        return
    extra = loaded.extra
    if extra == {**extra, **demo.extra} or not is_ours(extra):
        return
    draft = replace(draft_of(stored, loaded=loaded), extra={**extra, **demo.extra})
    update_connection(draft, actor=Actor("make run"), version=stored.version)
    print(f"{CONNECTION} follows the local servers to {' and '.join(demo.extra.values())}.")


def is_ours(extra: Mapping[str, Any]) -> bool:
    """Whether it still leads to this machine, with no credentials. Earlier ones had no storage."""
    is_here = is_loopback(str(extra.get("api_endpoint", "")))
    storage = str(extra.get("storage_endpoint", ""))
    return bool(extra.get("is_anonymous")) and is_here and (not storage or is_loopback(storage))


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
