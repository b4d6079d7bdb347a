"""The configuration: what is read from where, and which mistakes stop the start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from patchbay.environment import NAMES, Environment, parse_database_url

ROOT = Path(__file__).parents[2]
KEY, OTHER = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """An environment of these variables, without the prefix, in a home of its own."""

    def make(**variables: str) -> Environment:
        prefixed = {f"PATCHBAY_{name}": value for name, value in variables.items()}
        return Environment({"PATCHBAY_HOME": str(tmp_path), **prefixed}, base=tmp_path)

    return make


def file_with(folder: Path, content: str | bytes) -> str:
    path = folder / "secret"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


# Names


def test_an_unknown_name_with_the_prefix_stops_the_start(read: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"Unknown setting PATCHBAY_SECERT_KEY\. See"):
        read(SECERT_KEY="tulip")
    with pytest.raises(ImproperlyConfigured) as error:
        read(DATABASE_URL_FILES="tulip")
    assert "tulip" not in str(error.value)


def test_other_programs_names_are_left_alone(tmp_path: Path) -> None:
    Environment({"PATH": "/bin", "patchbay_x": "y", "MY_PATCHBAY_X": "z"}, base=tmp_path)


def test_the_home_is_var_below_the_project_unless_another_is_named(tmp_path: Path) -> None:
    assert Environment({}, base=tmp_path).home == tmp_path / "var"
    assert Environment({"PATCHBAY_HOME": ""}, base=tmp_path).home == tmp_path / "var"
    assert Environment({"PATCHBAY_HOME": "here"}, base=tmp_path).home == Path.cwd() / "here"


# Kinds


@pytest.mark.parametrize("value", ["on", "true", "YES", "1", " On "])
def test_words_for_on(read: Any, value: str) -> None:
    assert read(HTTPS=value).boolean("HTTPS", default=False) is True


@pytest.mark.parametrize("value", ["off", "False", "no", "0"])
def test_words_for_off(read: Any, value: str) -> None:
    assert read(HTTPS=value).boolean("HTTPS", default=True) is False


def test_a_blank_or_missing_value_is_the_default(read: Any) -> None:
    for found in (read(), read(HTTPS=" ", LEASE_SECONDS="", LOG_LEVEL="", TIME_ZONE=" ")):
        assert found.boolean("HTTPS", default=True) is True
        assert found.seconds("LEASE_SECONDS", default=30) == 30
        assert found.choice("LOG_LEVEL", among=("INFO",), default="INFO") == "INFO"
        assert found.text("TIME_ZONE", default="UTC") == "UTC"
        assert found.names("ALLOWED_HOSTS") == []


@pytest.mark.parametrize("value", ["maybe", "2", "offf", "none"])
def test_another_word_for_a_switch_is_refused(read: Any, value: str) -> None:
    with pytest.raises(
        ImproperlyConfigured, match=f"PATCHBAY_HTTPS must be on or off, not '{value}'"
    ):
        read(HTTPS=value).boolean("HTTPS", default=True)


@pytest.mark.parametrize(("value", "seconds"), [("5", 5.0), ("0.5", 0.5), (" 86399 ", 86399.0)])
def test_seconds_are_read(read: Any, value: str, seconds: float) -> None:
    assert read(LEASE_SECONDS=value).seconds("LEASE_SECONDS", default=30) == seconds


@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "inf", "86400", "5s", "1,5"])
def test_what_is_no_number_of_seconds_is_refused(read: Any, value: str) -> None:
    words = "PATCHBAY_LEASE_SECONDS must be a number of seconds, for example 30"
    with pytest.raises(ImproperlyConfigured, match=words):
        read(LEASE_SECONDS=value).seconds("LEASE_SECONDS", default=30)


def test_a_list_is_split_at_commas(read: Any) -> None:
    hosts = read(ALLOWED_HOSTS=" a.example, b.example ,,").names("ALLOWED_HOSTS")
    assert hosts == ["a.example", "b.example"]


def test_a_choice_is_one_of_its_words(read: Any) -> None:
    levels = ("DEBUG", "INFO")
    assert read(LOG_LEVEL="debug").choice("LOG_LEVEL", among=levels, default="INFO") == "DEBUG"
    with pytest.raises(ImproperlyConfigured, match="must be one of DEBUG, INFO, not 'LOUD'"):
        read(LOG_LEVEL="loud").choice("LOG_LEVEL", among=levels, default="INFO")


# Secrets and files


def test_a_secret_is_the_variable_or_the_content_of_a_file(read: Any, tmp_path: Path) -> None:
    assert read(SECRET_KEY=" tulip ").secret("SECRET_KEY") == "tulip"
    path = file_with(tmp_path, "tulip\n")
    assert read(SECRET_KEY_FILE=path).secret("SECRET_KEY") == "tulip"
    assert read(SECRET_KEY="", SECRET_KEY_FILE=path).secret("SECRET_KEY") == "tulip"
    assert read().secret("SECRET_KEY") == ""


def test_a_variable_and_its_file_at_once_are_refused(read: Any, tmp_path: Path) -> None:
    path = file_with(tmp_path, "rose")
    with pytest.raises(ImproperlyConfigured) as error:
        read(SECRET_KEY="tulip", SECRET_KEY_FILE=path).secret("SECRET_KEY")
    words = "Set PATCHBAY_SECRET_KEY or PATCHBAY_SECRET_KEY_FILE, not both."
    assert str(error.value) == words


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file or directory"), (b"\xff\xfe", "not text"), ("", "Is a directory")],
)
def test_a_file_that_cannot_be_read_says_which_and_why(
    read: Any, tmp_path: Path, content: str | bytes | None, reason: str
) -> None:
    path = tmp_path / "secret"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "":
        path.mkdir()
    with pytest.raises(ImproperlyConfigured) as error:
        read(SECRET_KEY_FILE=str(path)).secret("SECRET_KEY")
    assert str(error.value) == f"PATCHBAY_SECRET_KEY_FILE: {path} can't be read: {reason}."


def test_a_short_secret_key_is_refused_without_showing_it(read: Any) -> None:
    assert read(SECRET_KEY="x" * 32).secret_key() == "x" * 32
    for short in ("", "tulip", "tulip" * 6):
        with pytest.raises(ImproperlyConfigured, match="at least 32 random characters") as error:
            read(SECRET_KEY=short).secret_key()
        assert "tulip" not in str(error.value)


def test_field_encryption_keys_are_separated_by_commas_or_lines(read: Any, tmp_path: Path) -> None:
    for text in (f"{KEY},{OTHER}", f" {KEY} , {OTHER} ,", f"{KEY}\n{OTHER}\n", f"{KEY}\r\n{OTHER}"):
        path = file_with(tmp_path, text)
        assert read(FIELD_ENCRYPTION_KEYS=text).field_encryption_keys() == [KEY, OTHER]
        assert read(FIELD_ENCRYPTION_KEYS_FILE=path).field_encryption_keys() == [KEY, OTHER]


@pytest.mark.parametrize("text", ["", " , \n"])
def test_no_field_encryption_key_stops_the_start(read: Any, text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="holds no key"):
        read(FIELD_ENCRYPTION_KEYS=text).field_encryption_keys()


@pytest.mark.parametrize(
    "wrong",
    ["tulip", KEY[:-4], KEY + "AAAA", "ä" + KEY, KEY[:-1] + "ä", "=" * 44],
    ids=["word", "short", "long", "umlaut first", "umlaut last", "no bytes"],
)
def test_a_malformed_key_is_named_by_its_place_and_not_shown(read: Any, wrong: str) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        read(FIELD_ENCRYPTION_KEYS=f"{KEY},{wrong}").field_encryption_keys()
    assert "Key 2 of PATCHBAY_FIELD_ENCRYPTION_KEYS is not a Fernet key" in str(error.value)
    assert wrong not in str(error.value)
    assert KEY not in str(error.value)


# local.env


def test_what_make_run_wrote_is_used_for_names_that_are_not_set(read: Any, tmp_path: Path) -> None:
    lines = "# made by make run\nPATCHBAY_TIME_ZONE = Europe/Berlin\nPATCHBAY_LOG_LEVEL=DEBUG\n\n"
    (tmp_path / "local.env").write_text(f"{lines}PATCHBAY_BROKER_URL=redis://:p=w@h/0\n")
    found = read(LOG_LEVEL="ERROR")
    assert found.text("TIME_ZONE") == "Europe/Berlin"
    assert found.text("LOG_LEVEL") == "ERROR"
    assert found.broker_url() == "redis://:p=w@h/0"


def test_an_own_secret_goes_before_a_local_one_whichever_way_each_is_given(
    read: Any, tmp_path: Path
) -> None:
    local = tmp_path / "local.env"
    path = file_with(tmp_path, "from a file")
    local.write_text("PATCHBAY_SECRET_KEY=local\n")
    assert read(SECRET_KEY_FILE=path).secret("SECRET_KEY") == "from a file"
    assert read().secret("SECRET_KEY") == "local"
    local.write_text(f"PATCHBAY_SECRET_KEY_FILE={path}\n")
    assert read(SECRET_KEY="own").secret("SECRET_KEY") == "own"
    assert read().secret("SECRET_KEY") == "from a file"


def test_an_unknown_name_in_local_env_stops_the_start_too(read: Any, tmp_path: Path) -> None:
    (tmp_path / "local.env").write_text("PATCHBAY_TYPO=1\n")
    with pytest.raises(ImproperlyConfigured, match="Unknown setting PATCHBAY_TYPO"):
        read()


def test_a_local_env_that_is_no_file_of_text_is_told(read: Any, tmp_path: Path) -> None:
    (tmp_path / "local.env").write_bytes(b"\xff\xfe")
    with pytest.raises(ImproperlyConfigured, match=r"local\.env can't be read: not text"):
        read()


# Databases and brokers


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////srv/patchbay.sqlite3", "/srv/patchbay.sqlite3"),
        ("sqlite:///srv/patchbay.sqlite3", "/srv/patchbay.sqlite3"),
        ("sqlite:////srv/my%20home/a%23b.sqlite3", "/srv/my home/a#b.sqlite3"),
        ("sqlite:////srv/a#b.sqlite3", "/srv/a#b.sqlite3"),
    ],
)
def test_a_sqlite_url_names_a_file_by_its_whole_path(url: str, path: str) -> None:
    database = parse_database_url(url)
    assert database["ENGINE"] == "django.db.backends.sqlite3"
    assert database["NAME"] == path


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///", "sqlite:////", "sqlite://here.sqlite3", "sqlite:////a?mode=ro"],
)
def test_a_sqlite_url_without_a_whole_path_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="must name a file by its whole path"):
        parse_database_url(url)


def test_without_a_url_the_database_is_a_file_in_the_home_whatever_its_name(
    tmp_path: Path,
) -> None:
    home = tmp_path / "100% #1 my?home"
    database = Environment({"PATCHBAY_HOME": str(home)}, base=tmp_path).database()
    assert database["NAME"] == str(home / "patchbay.sqlite3")


def test_a_postgresql_url_is_taken_apart_and_its_query_passed_on() -> None:
    database = parse_database_url(
        "postgresql://us%40er:p%40s%2Fs%3A%23%3Fw%25@db.example:5433/na%2Fme"
        "?sslmode=require&application_name=p"
    )
    assert database["ENGINE"] == "patchbay.postgresql"
    assert (database["USER"], database["PASSWORD"]) == ("us@er", "p@s/s:#?w%")
    assert (database["HOST"], database["PORT"], database["NAME"]) == (
        "db.example",
        "5433",
        "na/me",
    )
    assert database["OPTIONS"]["sslmode"] == "require"
    assert database["OPTIONS"]["application_name"] == "p"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("postgresql:///patchbay?host=/run/postgresql", "/run/postgresql"),
        ("postgres://ann@/patchbay?host=%2Frun%2Fpostgresql", "/run/postgresql"),
        ("postgresql://[::1]:5432/patchbay", "::1"),
        ("postgresql:///patchbay", ""),
    ],
)
def test_the_host_may_be_a_sockets_folder_in_the_query(url: str, host: str) -> None:
    database = parse_database_url(url)
    assert (database["HOST"], database["NAME"]) == (host, "patchbay")
    assert "host" not in database["OPTIONS"]


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ann:tulip@h/db",
        "ann:tulip@h/db",
        "postgresql:ann:tulip@h/db",
        "postgresql://ann:tulip%zz@h/db",
        "postgresql://ann:tulip@[h/db",
        "postgresql://ann:tulip@h/db?no_such_option=1",
        "sqlite:tulip",
        "tulip",
    ],
)
def test_a_url_that_cannot_be_read_is_refused_without_repeating_it(read: Any, url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PATCHBAY_DATABASE_URL") as error:
        read(DATABASE_URL=url).database()
    assert "tulip" not in str(error.value)
    assert error.value.__cause__ is None


def test_a_database_url_may_stand_in_a_file(read: Any, tmp_path: Path) -> None:
    path = file_with(tmp_path, "postgresql://ann:pw@h/db\n")
    assert read(DATABASE_URL_FILE=path).database()["PASSWORD"] == "pw"


@pytest.mark.parametrize("url", ["redis://h/0", "rediss://:p%40[w@h:6380/1", ""])
def test_a_broker_is_redis_or_valkey_or_none_yet(read: Any, url: str) -> None:
    assert read(BROKER_URL=url).broker_url() == url


@pytest.mark.parametrize("url", ["amqp://ann:tulip@h", "tulip", "h:6379", "redis:tulip"])
def test_another_broker_is_refused_without_repeating_its_url(read: Any, url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="must begin with redis://") as error:
        read(BROKER_URL=url).broker_url()
    assert "tulip" not in str(error.value)


# The start itself


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"PATCHBAY_FIELD_ENCRYPTION_KEYS": "tulip-key"}, "is not a Fernet key"),
        ({"PATCHBAY_FIELD_ENCRYPTION_KEYS": ""}, "holds no key"),
        ({"PATCHBAY_SECRET_KEY": "tulip-key"}, "at least 32 random characters"),
        ({"PATCHBAY_DATABASE_URL": "mysql://a:tulip-key@h/d"}, "must begin with sqlite:/// or"),
        ({"PATCHBAY_TYPO": "tulip-key"}, "Unknown setting PATCHBAY_TYPO"),
    ],
    ids=str,
)
def test_a_mistake_stops_the_start_with_words_and_shows_no_secret(
    tmp_path: Path, variables: dict[str, str], words: str
) -> None:
    right = {
        "PATH": os.environ["PATH"],
        "PATCHBAY_HOME": str(tmp_path),
        "PATCHBAY_SECRET_KEY": "k" * 40,
        "PATCHBAY_FIELD_ENCRYPTION_KEYS": KEY,
    }
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**right, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert words in ended.stderr
    assert "tulip-key" not in ended.stdout + ended.stderr
    assert KEY not in ended.stderr


def test_every_name_is_of_use(tmp_path: Path) -> None:
    """Each name that is accepted is read somewhere; else it would be a typo that passes."""
    code = "\n".join(
        path.read_text()
        for folder in ("patchbay", "tasks")
        for path in ROOT.joinpath(folder).rglob("*.py")
    )
    for name in NAMES - {"PATCHBAY_HOME"}:
        plain = name.removeprefix("PATCHBAY_").removesuffix("_FILE")
        assert code.count(f'"{plain}"') >= 2 or f"PATCHBAY_{plain}" in code, name
