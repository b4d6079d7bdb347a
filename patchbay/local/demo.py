"""The names of what a first start makes."""

from __future__ import annotations

ADMIN = "admin"
#: What the supervisor looks for in the output of the set-up, to tell the person at the terminal.
ADMIN_CREATED = f"Created the user {ADMIN}."
CONNECTION = "my_gcp_conn"
PROJECT = "patchbay-demo"
DATASET = "seattle"
TABLE = "weather"
#: In the local object store: the bucket, and the file that `dags/elt_demo.py` begins with.
BUCKET = "patchbay-demo"
LANDED = "landing/seattle-weather.csv"
