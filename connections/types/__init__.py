"""Every connection type, by Airflow's ``conn_type``."""

from __future__ import annotations

from connections.types.base import ConnectionType
from connections.types.google_cloud_platform import GOOGLE_CLOUD_PLATFORM

TYPES: dict[str, ConnectionType] = {
    connection_type.name: connection_type for connection_type in (GOOGLE_CLOUD_PLATFORM,)
}
