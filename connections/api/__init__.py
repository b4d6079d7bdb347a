"""Connections over the REST API: as Airflow has them, and Patchbay's own calls beside."""
