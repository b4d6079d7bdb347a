"""The settings of production, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cryptography.fernet import Fernet

REPOSITORY = Path(__file__).parent.parent.parent


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    unwanted = ("PATCHBAY_", "DJANGO_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(unwanted)}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=REPOSITORY,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def production(tmp_path: Path) -> dict[str, str]:
    return {
        "PATCHBAY_HOME": str(tmp_path),
        "PATCHBAY_SECRET_KEY": os.urandom(40).hex(),
        "PATCHBAY_FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "PATCHBAY_ALLOWED_HOSTS": "patchbay.example",
        "PATCHBAY_BROKER_URL": "rediss://broker.example:6379/0",
    }


def test_djangos_check_of_a_deployment_finds_nothing(tmp_path: Path) -> None:
    answer = manage("check", "--deploy", "--fail-level", "WARNING", **production(tmp_path))
    assert answer.returncode == 0, answer.stderr
    assert "no issues" in answer.stdout + answer.stderr


def test_static_files_get_hashed_names_also_where_scripts_import_scripts(tmp_path: Path) -> None:
    program = (
        "from django.conf import settings; "
        f"settings.STATIC_ROOT = {str(tmp_path / 'static')!r}; "
        "from django.core.management import call_command; "
        "call_command('collectstatic', interactive=False, verbosity=0)"
    )
    answer = manage("shell", "-c", program, **production(tmp_path))
    assert answer.returncode == 0, answer.stderr
    [live] = (tmp_path / "static" / "js").glob("live.????????????.js")
    assert 'from "./stream.js"' not in live.read_text()
    assert 'from "./stream.' in live.read_text()


def test_a_migration_is_never_missing(tmp_path: Path) -> None:
    answer = manage("makemigrations", "--check", "--dry-run", **production(tmp_path))
    assert answer.returncode == 0, answer.stdout


def test_without_keys_nothing_starts_and_one_line_says_why(tmp_path: Path) -> None:
    variables = production(tmp_path)
    del variables["PATCHBAY_FIELD_ENCRYPTION_KEYS"]
    answer = manage("check", **variables)
    assert answer.returncode != 0
    last = answer.stderr.strip().splitlines()[-1]
    assert "PATCHBAY_FIELD_ENCRYPTION_KEYS" in last
