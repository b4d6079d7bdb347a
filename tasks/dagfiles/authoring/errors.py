"""What can be wrong with a DAG file, in words for its author."""

from __future__ import annotations


class ArgumentProblem(ValueError):
    """An argument, a relation or an id that a DAG file may not have."""


class UnsupportedImport(ImportError):
    """A name of Airflow's that isn't here.

    An ``ImportError``, so that a file that tries Airflow 3's path first and
    falls back to Airflow 2's works as it does there.
    """
