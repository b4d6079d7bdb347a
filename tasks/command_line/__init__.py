"""The sub-commands of ``manage.py dags``."""
