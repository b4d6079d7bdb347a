"""`make run`: all of Patchbay on one machine, in one terminal, with nothing else installed.

``python -m patchbay.local`` is the supervisor. It imports nothing of Django or
of the apps: it makes files and starts processes, and those do the rest.
"""
