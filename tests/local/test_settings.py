"""What the processes are told by their environment."""

from __future__ import annotations

from pathlib import Path

from patchbay.local.home import Home
from patchbay.local.keys import Keys
from patchbay.local.settings import base_environment, ignored, local_settings

HOME = Home(Path("/srv/my home"))
KEYS = Keys(Path("/srv/my home/keys/a"), Path("/srv/my home/keys/b"))


def test_the_settings_name_files_and_hold_no_secret() -> None:
    settings = local_settings(HOME, KEYS, {})
    assert settings["PATCHBAY_SECRET_KEY_FILE"] == "/srv/my home/keys/a"
    assert settings["PATCHBAY_FIELD_ENCRYPTION_KEYS_FILE"] == "/srv/my home/keys/b"
    assert settings["PATCHBAY_DATABASE_URL"] == "sqlite:////srv/my%20home/patchbay.sqlite3"
    assert settings["PATCHBAY_HTTPS"] == "off"
    assert "PATCHBAY_BROKER_URL" not in settings


def test_this_machine_is_always_an_allowed_host() -> None:
    settings = local_settings(HOME, KEYS, {"PATCHBAY_ALLOWED_HOSTS": "box.lan, localhost"})
    assert settings["PATCHBAY_ALLOWED_HOSTS"] == "127.0.0.1,localhost,box.lan"


def test_a_production_database_in_the_terminal_is_not_passed_on() -> None:
    variables = {
        "PATCHBAY_DATABASE_URL": "postgresql://production",
        "PATCHBAY_SECRET_KEY": "x",
        "PATCHBAY_LOG_LEVEL": "DEBUG",
        "PATH": "/bin",
    }
    environment = base_environment(HOME, variables)
    assert environment == {
        "PATCHBAY_HOME": "/srv/my home",
        "PATCHBAY_LOG_LEVEL": "DEBUG",
        "PATH": "/bin",
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    assert ignored(variables) == ["PATCHBAY_SECRET_KEY", "PATCHBAY_DATABASE_URL"]


def test_the_admins_password_is_not_passed_on_to_the_services() -> None:
    assert "PATCHBAY_ADMIN_PASSWORD" not in base_environment(
        HOME, {"PATCHBAY_ADMIN_PASSWORD": "hunter2"}
    )


def test_variables_of_other_projects_do_not_lead_the_services_elsewhere() -> None:
    variables = {
        "CELERY_BROKER_URL": "redis://production",
        "DJANGO_SETTINGS_MODULE": "other.settings",
        "WEB_CONCURRENCY": "8",
        "BIGQUERY_EMULATOR_HOST": "http://other",
        "STORAGE_DIR": "/elsewhere",
    }
    environment = base_environment(HOME, variables)
    assert set(environment).isdisjoint(variables)


def test_a_proxy_is_not_asked_for_what_runs_on_this_machine() -> None:
    environment = base_environment(HOME, {"HTTP_PROXY": "http://proxy", "no_proxy": "lan"})
    assert environment["HTTP_PROXY"] == "http://proxy"
    assert environment["no_proxy"] == environment["NO_PROXY"] == "lan,127.0.0.1"
