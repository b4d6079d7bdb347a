"""A task that does nothing, on Patchbay's own app: the floor of the benchmark."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "patchbay.settings")

import django

django.setup()

from patchbay.celery import app  # noqa: E402 - needs Django

app.conf.update(result_backend=app.conf.broker_url)


@app.task(ignore_result=False, acks_late=True)
def noop() -> None:
    """Do nothing, and say so."""
