"""The router of Airflow's calls about connections: operations of one path need one router."""

from __future__ import annotations

from ninja import Router

airflow = Router(tags=["Connections"])
