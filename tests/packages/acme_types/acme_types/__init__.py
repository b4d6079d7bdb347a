"""A connection type that another package adds to Patchbay."""

from __future__ import annotations

from connections.types import standard
from connections.types.base import ConnectionType, TypeField


def region(value: str) -> str:
    return "" if value.startswith("acme-") else "A region of Acme's, for example acme-north."


ACME_REPORTS = ConnectionType(
    name="acme_reports",
    label="Acme Reports",
    category="SaaS",
    description="Reports of Acme",
    fields=(
        standard.host(label="Server", placeholder="reports.acme.example", required=True),
        TypeField("region", "Region", placeholder="acme-north", check=region),
        TypeField("api_pass", "Pass", kind="secret", group="authentication", secret=True),
    ),
    hook="acme_types.hook:AcmeHook",
)
