"""Logging for every process: one line a record, with the secrets in use masked."""

from __future__ import annotations

import logging
import logging.config
from typing import Any

from connections.masking import mask_secrets_in_use


class MaskingFormatter(logging.Formatter):
    """Masks after formatting, so that arguments and tracebacks are covered too."""

    def format(self, record: logging.LogRecord) -> str:
        return mask_secrets_in_use(super().format(record))


def logging_settings(level: str) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": MaskingFormatter,
                "format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s",
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {
            # They log what they send, bodies and headers included, at DEBUG.
            "urllib3": {"level": "WARNING"},
            "google": {"level": "WARNING"},
            "uvicorn.access": {"level": "WARNING"},
            # A form that is refused is no event for whoever runs the server.
            "django.request": {"level": "ERROR"},
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            # At INFO it tells of each message that was too old when its turn came.
            "celery.worker.request": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
        },
    }


def configure(config: dict[str, Any]) -> None:
    """Django's ``LOGGING_CONFIG``; Celery calls it too."""
    logging.config.dictConfig(config)
