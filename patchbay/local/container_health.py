"""What the health checks of the containers ask; exit code 0 for yes.

python -m patchbay.local.container_health web
python -m patchbay.local.container_health worker
python -m patchbay.local.container_health beat /tmp/celerybeat-schedule
"""

from __future__ import annotations

import http.client
import os
import socket
import sys
import time
from pathlib import Path

PORT = 8000
#: Seconds for an answer.
PATIENCE = 4.0
#: Seconds. Beat has something to send every few of them.
LONGEST_TICK = 60.0
#: Under such keys, which expire, workers tell that they are there: `tasks/engine/workers.py`.
WORKER_KEY = "patchbay:worker:"


def main(arguments: list[str]) -> int:
    match arguments:
        case ["web"]:
            return 0 if web_is_healthy(os.environ.get("PATCHBAY_ALLOWED_HOSTS", "")) else 1
        case ["worker"]:
            return 0 if worker_is_healthy(broker_url(), socket.gethostname()) else 1
        case ["beat", schedule]:
            return 0 if beat_is_healthy(Path(schedule)) else 1
        case _:
            print(__doc__, file=sys.stderr)
            return 2


def web_is_healthy(allowed_hosts: str) -> bool:
    """Ask by a name that the web process answers to: it refuses all others."""
    first = allowed_hosts.split(",", maxsplit=1)[0].strip().lstrip(".")
    host = first if first not in ("", "*") else "127.0.0.1"
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=PATIENCE)
    try:
        connection.request("GET", "/healthz", headers={"Host": host})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def worker_is_healthy(url: str, host: str) -> bool:
    """Whether the broker heard of this container's worker lately.

    Not Celery's own ``inspect ping``, which takes seconds of a processor each time.
    """
    import redis

    options = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    with redis.Redis.from_url(url, **options) as client:
        try:
            return any(client.scan_iter(match=f"{WORKER_KEY}{host}:*", count=1000))
        except redis.RedisError:
            return False


def broker_url() -> str:
    file = os.environ.get("PATCHBAY_BROKER_URL_FILE")
    return Path(file).read_text().strip() if file else os.environ["PATCHBAY_BROKER_URL"]


def sign_of_life(schedule: Path) -> Path:
    """The file that beat touches at each tick: `patchbay/local/container_beat.py`."""
    return schedule.with_name(schedule.name + ".tick")


def beat_is_healthy(schedule: Path) -> bool:
    file = sign_of_life(schedule)
    return file.exists() and time.time() - file.stat().st_mtime < LONGEST_TICK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
