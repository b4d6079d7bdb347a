"""What docker-compose.yml relies on: its keys, its health checks, and what it promises."""

from __future__ import annotations

import os
import re
import stat
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from celery import Celery
from cryptography.fernet import Fernet
from django.conf import settings

from patchbay.local import container_health
from patchbay.local.compose_keys import PATCHBAY, write_all
from patchbay.local.container_beat import WatchedScheduler
from patchbay.local.container_health import (
    beat_is_healthy,
    sign_of_life,
    web_is_healthy,
    worker_is_healthy,
)
from patchbay.local.ports import free_port
from tasks.engine import workers
from tests.local.processes import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """To give files away takes root; here it is only noted."""
    given: dict[str, int] = {}
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: given.update({Path(path).name: uid}))
    return given


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    for name in ("keys", "postgres", "valkey", "valkey-data"):
        (tmp_path / name).mkdir()
    return tmp_path


def contents(volumes: Path) -> dict[str, str]:
    files = (path for path in volumes.rglob("*") if path.is_file())
    return {str(path.relative_to(volumes)): path.read_text().strip() for path in files}


def test_everything_that_is_not_given_is_made_and_kept(
    volumes: Path, owners: dict[str, int]
) -> None:
    write_all(volumes, {})
    made = contents(volumes)
    assert set(made) == {
        "keys/secret_key",
        "keys/field_encryption_keys",
        "keys/database_url",
        "keys/broker_url",
        "postgres/password",
        "valkey/password",
        "valkey/valkey.conf",
    }
    Fernet(made["keys/field_encryption_keys"])
    password = made["postgres/password"]
    assert made["keys/database_url"] == f"postgresql://patchbay:{password}@postgres:5432/patchbay"
    assert made["keys/broker_url"] == f"redis://:{made['valkey/password']}@valkey:6379/0"
    assert f"requirepass {made['valkey/password']}\n" in made["valkey/valkey.conf"]
    write_all(volumes, {"PATCHBAY_SECRET_KEY": ""})
    assert contents(volumes) == made


def test_each_file_is_its_readers_alone(volumes: Path, owners: dict[str, int]) -> None:
    write_all(volumes, {})
    for path in volumes.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    assert owners.pop("postgres") == 0
    assert owners.pop("password") in (0, PATCHBAY)
    assert set(owners.values()) == {PATCHBAY}


def test_what_env_names_wins_and_is_quoted_in_urls(volumes: Path, owners: dict[str, int]) -> None:
    write_all(volumes, {})
    before = contents(volumes)
    write_all(
        volumes,
        {
            "POSTGRES_PASSWORD": "p@ss/word",
            "PATCHBAY_BROKER_URL": "rediss://cache/0",
            "PATCHBAY_FIELD_ENCRYPTION_KEYS": "new,old",
        },
    )
    after = contents(volumes)
    assert (
        after["keys/database_url"] == "postgresql://patchbay:p%40ss%2Fword@postgres:5432/patchbay"
    )
    assert after["postgres/password"] == "p@ss/word"
    assert after["keys/broker_url"] == "rediss://cache/0"
    assert after["keys/field_encryption_keys"] == "new,old"
    assert after["keys/secret_key"] == before["keys/secret_key"]


class Web(BaseHTTPRequestHandler):
    """Answers as Django does: 400 for a host that it doesn't know."""

    def do_GET(self) -> None:
        known = self.headers["Host"] == "patchbay.example.com" and self.path == "/healthz"
        self.send_response(200 if known else 400)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = HTTPServer(("127.0.0.1", 0), Web)
    monkeypatch.setattr(container_health, "PORT", server.server_port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("web")
def test_web_is_asked_by_a_name_that_it_answers_to() -> None:
    assert web_is_healthy("patchbay.example.com,other.example.com")
    assert web_is_healthy(".patchbay.example.com")
    assert not web_is_healthy("")


def test_a_web_process_that_is_not_there_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_health, "PORT", free_port())
    assert not web_is_healthy("")


def test_beat_is_healthy_while_it_ticks(tmp_path: Path) -> None:
    schedule = tmp_path / "celerybeat-schedule"
    assert not beat_is_healthy(schedule)
    scheduler = WatchedScheduler(Celery(set_as_current=False), schedule_filename=str(schedule))
    scheduler.tick()
    assert beat_is_healthy(schedule)
    scheduler.close()
    long_ago = time.time() - 3600
    os.utime(sign_of_life(schedule), (long_ago, long_ago))
    assert not beat_is_healthy(schedule)


def test_the_worker_is_looked_for_where_workers_tell_of_themselves() -> None:
    assert container_health.WORKER_KEY == workers.KEY


def test_a_worker_is_healthy_while_the_broker_hears_of_it() -> None:
    url = settings.BROKER_URL
    with redis.Redis.from_url(url) as client:
        client.set(f"{workers.KEY}box:1", "{}", ex=60)
        assert worker_is_healthy(url, "box")
        assert not worker_is_healthy(url, "other-box")
        client.delete(f"{workers.KEY}box:1")
        assert not worker_is_healthy(url, "box")
    assert not worker_is_healthy("redis://127.0.0.1:9/0", "box")


def test_an_unknown_check_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert container_health.main([]) == 2
    assert "python -m patchbay.local.container_health web" in capsys.readouterr().err


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_restricted(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert set(service.get("cap_add", [])) <= {
        *("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
    }


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_that_stays_has_a_health_check(name: str) -> None:
    service = SERVICES[name]
    ends_by_itself = service["restart"] == "no"
    by_image = name == "web"
    check = service.get("healthcheck", {})
    assert check.get("disable", False) is ends_by_itself
    assert ends_by_itself or by_image or check["test"]


def test_nothing_is_published_to_other_machines_unless_asked() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports == ["${PUBLISH:-127.0.0.1:8000}:8000"]


def test_env_example_names_every_variable_of_the_compose_file() -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    named = set(re.findall(r"^#(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert named == used - {"IMAGE_TAG"}
