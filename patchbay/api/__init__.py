"""The REST API: Airflow's calls, and Patchbay's own beside them."""
