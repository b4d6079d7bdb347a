"""What a DAG file gets when it imports from ``airflow``: our own DAG, operators and relations.

Used only in the process that reads one DAG file (``tasks.dagfiles.loader``),
which imports nothing but the standard library beside it.
"""
