"""The parts of ``manage.py connections``: docs/command-line.md."""
