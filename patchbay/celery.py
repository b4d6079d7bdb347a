"""The Celery app: what worker and beat run."""

from __future__ import annotations

import os
from typing import Any

import redis
from celery import Celery, signals
from kombu.transport import redis as kombu_redis

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "patchbay.settings")

# Celery would let these win over the settings, and then web and worker might not meet.
for name in ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"):
    os.environ.pop(name, None)

from django.conf import settings  # noqa: E402 - reads the settings

from patchbay.logs import configure  # noqa: E402

app = Celery("patchbay")
# Also for the web process's threads, which would else get an app without a broker.
app.set_default()
app.conf.update(
    broker_url=settings.BROKER_URL or "memory://",
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    worker_consumer="patchbay.consumer:PatientConsumer",
    broker_transport_options={
        # A trigger must answer in a second when the broker is down; the sweep sends later.
        "socket_connect_timeout": 0.4,
        "socket_timeout": 0.4,
        "visibility_timeout": 3600,
        "max_retries": 0,
        "interval_start": 0,
        "interval_step": 0,
    },
    task_publish_retry=False,
    # No result backend: the result of a task is the state of its rows.
    task_ignore_result=True,
    task_acks_late=True,
    task_default_queue="default",
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    enable_utc=True,
    beat_schedule={
        "sync-dags": {"task": "tasks.sync_dags", "schedule": 10.0, "options": {"expires": 10}},
    },
)
app.autodiscover_tasks()


def _outlive_a_broker_that_restarts() -> None:
    """Let a worker that is busy lose its broker, and find it again.

    kombu 5.7 gives unacknowledged messages back on a transport that is closed
    already, and stumbles over it with an AttributeError, which ends the worker.
    As a connection error it is what it is: the worker reconnects.
    """
    channels: Any = kombu_redis.Channel
    ask = channels._connparams

    def connparams(channel: Any, *arguments: Any, **more: Any) -> Any:
        if channel.connection is None or channel.connection.client is None:
            raise redis.ConnectionError("the connection to the broker is closed")
        return ask(channel, *arguments, **more)

    channels._connparams = connparams


_outlive_a_broker_that_restarts()


@signals.setup_logging.connect
def _configure_logging(**_: Any) -> None:
    """Log as Django does: Celery's own set-up would skip the masking of secrets."""
    configure(settings.LOGGING)


@signals.worker_init.connect
def _import_what_tasks_need(**_: Any) -> None:
    """So that the first task doesn't wait for it: Google's libraries take most of a second."""
    # A worker waits for its messages, and has time.
    app.conf.broker_transport_options["socket_timeout"] = 5
    from connections.hooks import google_cloud_platform  # noqa: F401
    from tasks.operators import bigquery_jobs  # noqa: F401


@signals.worker_ready.connect
def _tell_that_a_worker_is_there(sender: Any, **_: Any) -> None:
    from tasks import clock
    from tasks.engine.workers import start_heartbeat

    start_heartbeat(sender.pool.limit, tuple(sorted(app.amqp.queues.consume_from)))
    clock.start()


@signals.worker_shutting_down.connect
def _let_go_of_what_waits(**_: Any) -> None:
    """A task that waits for a cloud job is left to another worker, or to the next start."""
    from tasks.engine.leases import stop_all

    stop_all()
