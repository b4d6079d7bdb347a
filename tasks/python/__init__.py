"""Runs the Python code of a DAG file as a task: in a child process, with limits.

``running`` is the door, on the worker's side; what lies in ``inside`` runs in
the child. They talk by ``protocol``.
"""
