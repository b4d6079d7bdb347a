"""DAGs, runs, task instances and logs over the REST API: Airflow's calls, and our own."""
