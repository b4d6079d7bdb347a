"""The names of what a first start makes."""

from __future__ import annotations

ADMIN = "admin"
#: What the supervisor looks for in the output of the set-up, to tell the person at the terminal.
ADMIN_CREATED = f"Created the user {ADMIN}."
CONNECTION = "my_gcp_conn"
PROJECT = "patchbay-demo"
DATASET = "seattle"
TABLE = "weather"
