"""Every connection type, by Airflow's ``conn_type``."""

from connections.types.registry import TYPES, type_of

__all__ = ["TYPES", "type_of"]
