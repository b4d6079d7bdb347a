"""``manage.py connections`` as a person types it: what it prints, and its exit codes."""

from __future__ import annotations

import getpass
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from access.audit import Actor
from access.models import AuditEvent
from connections.models import Connection
from connections.services import create_connection, draft_of
from connections.validation import Draft
from tests.fakes.google import FakeGoogle
from tests.processes import REPOSITORY, test_variables
from tests.tasks.conftest import query_task, save_dag
from tests.terminal import Answer, in_a_process, in_this_process

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
SECRET = "tulip-7-secret"
MADE = Draft("my_db", "unheard_of", host="h", password=SECRET, extra={"api_token": SECRET, "n": 5})
ADD = ("add", "my_db", "--conn-type", "unheard_of", "--conn-host", "h")


def manage(*arguments: str, given: str = "", **variables: str) -> Answer:
    """Answers as the program does, without its start."""
    return in_this_process("connections", *arguments, given=given, **variables)


def program(*arguments: str, given: str = "", **variables: str) -> Answer:
    return in_a_process("connections", *arguments, given=given, **variables)


def refused(*arguments: str, code: int) -> str:
    """The errors that were printed. Nothing may have changed, and no secret may be told."""
    before = everything()
    answer = manage(*arguments)
    assert answer.returncode == code, answer
    assert SECRET not in answer.stdout + answer.stderr
    assert everything() == before
    return answer.stderr


def everything() -> tuple[list[Any], list[Any]]:
    return list(Connection.objects.values()), list(AuditEvent.objects.values())


def stored(conn_id: str = "my_db") -> Draft:
    row = Connection.objects.get(conn_id=conn_id)
    return draft_of(row, loaded=row.load())


def secrets_seen() -> str:
    """Everything that others may read of what was done."""
    return str(list(AuditEvent.objects.values()))


@pytest.fixture
def made() -> Draft:
    create_connection(MADE, actor=Actor("ann"))
    return MADE


def test_a_connection_is_added_of_its_parts_and_audited() -> None:
    extra = ("--extra", f"api_token={SECRET}", "--extra-json", "n=5")
    answer = program(*ADD, "--conn-password-file", "-", *extra, given=f"{SECRET}\n")
    assert answer.returncode == 0, answer.stderr
    assert stored() == MADE
    event = AuditEvent.objects.get()
    assert event.actor_name == f"command line ({getpass.getuser()})"
    assert SECRET not in secrets_seen()


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (["--conn-uri", f"http://u:{SECRET}@h:80/?a=b"], ""),
        (["--conn-uri", "-"], f"http://u:{SECRET}@h:80/?a=b\n"),
        (
            ["--conn-json", "-"],
            json.dumps(
                {
                    "conn_type": "http",
                    "host": "h",
                    "login": "u",
                    "password": SECRET,
                    "port": "80",
                    "extra": {"a": "b"},
                }
            ),
        ),
        (
            [
                *("--conn-type", "http", "--conn-host", "h", "--conn-login", "u"),
                *("--conn-port", "80", "--conn-extra", '{"a": "b"}', "--conn-password", SECRET),
            ],
            "",
        ),
    ],
    ids=["uri", "uri from stdin", "json from stdin", "parts"],
)
def test_airflows_flags_make_the_same_connection(arguments: list[str], given: str) -> None:
    answer = manage("add", "my_api", *arguments, given=given)
    assert answer.returncode == 0, answer.stderr
    assert stored("my_api") == Draft(
        "my_api", "http", host="h", login="u", password=SECRET, port=80, extra={"a": "b"}
    )
    assert SECRET not in answer.stdout + answer.stderr


def test_edit_changes_what_it_names_and_nothing_else(made: Draft, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("line 1\nline 2\n")
    answer = manage(
        *("edit", "my_db", "--conn-host", "new", "--unset", "extra.n", "--unset", "password"),
        *("--extra-file", f"private_key={key}", "--disable"),
    )
    assert answer.returncode == 0, answer.stderr
    assert stored() == Draft(
        "my_db",
        "unheard_of",
        host="new",
        extra={"api_token": SECRET, "private_key": "line 1\nline 2\n"},
        is_disabled=True,
    )
    again = manage("edit", "my_db", "--conn-host", "new", "--enable")
    assert "version 3" in again.stdout
    assert not stored().is_disabled
    assert "already" in manage("edit", "my_db", "--conn-host", "new").stdout


@pytest.mark.parametrize("output", ["table", "json", "yaml", "plain"])
def test_no_command_prints_a_secret_unless_it_is_asked_for(made: Draft, output: str) -> None:
    uri = f"http://u:{SECRET}-env@h"
    for arguments in (
        ("list", "-o", output),
        ("list", "--show-values", "-o", output),
        ("list", "--show-values", "--hide-sensitive", "-o", output),
        ("get", "my_db", "-o", output),
        ("get", "from_env", "-o", output),
        ("types", "postgres", "-o", output),
    ):
        answer = manage(*arguments, AIRFLOW_CONN_FROM_ENV=uri)
        assert answer.returncode == 0, answer.stderr
        assert SECRET not in answer.stdout + answer.stderr
    asked = manage("get", "my_db", "-o", output, "--show-secrets")
    assert SECRET in asked.stdout


def test_output_for_programs_has_airflows_names(made: Draft) -> None:
    for output, parse in (("json", json.loads), ("yaml", yaml.safe_load)):
        (found,) = parse(manage("get", "my_db", "-o", output).stdout)
        assert found["conn_id"] == "my_db"
        assert found["password"] == "***"
        assert found["extra_dejson"] == {"api_token": "***", "n": 5}
        assert found["get_uri"].startswith("unheard-of://:***@h")
    plain = manage("list", "-o", "plain").stdout.splitlines()
    assert plain[0].split() == ["conn_id", "conn_type", "host", "description", "state", "origin"]
    assert plain[1].split() == ["my_db", "unheard_of", "h", "stored"]


def test_those_of_the_environment_are_listed_and_come_first(made: Draft) -> None:
    variables = {"AIRFLOW_CONN_MY_DB": "http://env", "PATCHBAY_CONN_BROKEN": f"http://u:{SECRET}#"}
    rows = json.loads(manage("list", "-o", "json", **variables).stdout)
    assert [(row["conn_id"], row["origin"]) for row in rows] == [
        ("broken", "PATCHBAY_CONN_BROKEN"),
        ("my_db", "AIRFLOW_CONN_MY_DB"),
        ("my_db", "stored"),
    ]
    (found,) = json.loads(program("get", "my_db", "-o", "json", **variables).stdout)
    assert (found["host"], found["origin"]) == ("env", "AIRFLOW_CONN_MY_DB")
    broken = manage("get", "broken", **variables)
    assert broken.returncode == 1
    assert "PATCHBAY_CONN_BROKEN" in broken.stderr
    assert SECRET not in broken.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fly"], "invalid choice"),
        ([], "COMMAND"),
        (["add", "x"], "--conn-type, --conn-uri or --conn-json"),
        (["add", "x", "--conn-uri", f"http://{SECRET}#"], "--conn-uri"),
        (["add", "x", "--conn-json", f'{{"conn_type": "http", "{SECRET}": 1}}'], "--conn-json"),
        (["add", "x", "--conn-uri", "http://h", "--conn-host", SECRET], "--conn-host"),
        (["add", "x", "--conn-uri", "http://h", "--conn-json", "{}"], "not both"),
        (["add", "x", "--conn-type", "http", "--conn-port", SECRET], "a port is"),
        (["add", "x", "--conn-type", "http", "--conn-extra", SECRET], "--conn-extra"),
        (["add", "x", "--conn-type", "http", "--conn-pasword", SECRET], "--conn-pasword"),
        (["add", "x", "--conn-type", "http", f"--conn-pas={SECRET}"], "ambiguous"),
        (["add", "x", "--conn-type", "http", "--extra", SECRET], "NAME=TEXT"),
        (["add", "x", "--conn-type", "http", "--extra-json", f"a={SECRET}"], "not JSON"),
        (["add", "x", "--conn-type", "http", "--expires-at", "soon"], "time zone"),
        (["add", "x", "--conn-type", "http", "--ask-password"], "no terminal"),
        (["add", "x", "--conn-uri", "-", "--conn-extra", "-"], "read once"),
        (["edit", "x", "--unset", "conn_type"], "--unset takes"),
        (["list", "--hide-sensitive"], "--show-values"),
        (["export", "-"], "--redact"),
        (["export", "connections.txt"], "--file-format"),
        (["import", "-", "--overwrite", "--existing", "skip"], "--overwrite"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_wrong_usage_ends_with_2_and_changes_nothing(arguments: list[str], words: str) -> None:
    assert words in refused(*arguments, code=2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([*ADD, "--conn-password", SECRET], "already"),
        (["add", "a b", "--conn-uri", "http://h"], "Only letters"),
        (["add", "x", "--conn-type", "http", "--conn-port", "70000"], "65535"),
        (["add", "x", "--conn-type", "http", "--conn-password", "***"], "none is"),
        (["edit", "nowhere", "--conn-host", "h"], "no connection nowhere"),
        (["get", "nowhere"], "no connection nowhere"),
        (["delete", "my_db", "nowhere"], "Nothing was deleted"),
        (["test", "nowhere"], "no connection nowhere"),
        (["test", "my_db"], "can't be tested yet"),
        (["types", "nowhere"], "Nothing here declares"),
        (["import", "/nowhere/a.json"], "can't be read"),
        (["export", "/nowhere/a.json"], "can't be written"),
        (["export", "/nowhere/a.json", "nowhere"], "Nothing was exported"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_what_is_refused_ends_with_1_and_changes_nothing(
    arguments: list[str], words: str, made: Draft
) -> None:
    assert words in refused(*arguments, code=1)


def test_the_exit_codes_are_those_of_the_process() -> None:
    assert program("get", "nowhere").returncode == 1
    wrong = program("add", "x", "--conn-type", "http", "--conn-pasword", SECRET)
    assert wrong.returncode == 2
    assert SECRET not in wrong.stdout + wrong.stderr


def test_what_a_dag_uses_is_deleted_only_with_yes(made: Draft) -> None:
    save_dag(query_task(gcp_conn_id="my_db"))
    answer = manage("delete", "my_db")
    assert answer.returncode == 1
    assert "example_dag" in answer.stderr
    assert stored() == made
    assert manage("delete", "my_db", "--yes").returncode == 0
    assert not Connection.objects.exists()


def test_an_export_is_for_its_owner_alone_and_imports_again(made: Draft, tmp_path: Path) -> None:
    for file_format, run in (("json", program), ("yaml", manage), ("env", manage)):
        file = tmp_path / f"all.{file_format}"
        file.write_text("old")
        file.chmod(0o644)
        answer = run("export", str(file))
        assert answer.returncode == 0, answer.stderr
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert SECRET not in answer.stdout + answer.stderr
        Connection.objects.all().delete()
        answer = run("import", str(file))
        assert answer.returncode == 0, answer.stderr
        assert stored() == made
        assert SECRET not in answer.stdout + answer.stderr
    assert SECRET not in secrets_seen()
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_an_export_to_the_terminal_tells_secrets_only_when_asked(made: Draft) -> None:
    redacted = manage("export", "-", "--redact", "--format", "yaml")
    assert yaml.safe_load(redacted.stdout)["my_db"]["password"] == "***"
    assert SECRET not in redacted.stdout
    whole = manage("export", "-", "--show-secrets", "--serialization-format", "uri")
    assert SECRET in json.loads(whole.stdout)["my_db"]


def test_a_dry_run_shows_the_diff_and_the_import_makes_it(made: Draft) -> None:
    text = json.dumps({"my_db": {"conn_type": "unheard_of", "host": "h"}, "b": "http://h#"})
    dry = manage("import", "-", "--dry-run", "--overwrite", "-o", "json", given=text)
    assert dry.returncode == 1
    changed, refused = json.loads(dry.stdout)
    assert (changed["result"], changed["fields"]) == (
        "changed",
        "password, extra.api_token, extra.n",
    )
    assert (refused["result"], refused["conn_id"]) == ("refused", "b")
    table = manage("import", "-", "--dry-run", "--overwrite", given=text)
    assert "It would be refused as a whole" in table.stdout
    assert stored() == made
    failed = manage("import", "-", "--overwrite", given=text)
    assert failed.returncode == 1
    assert "Nothing was written" in failed.stdout
    assert stored() == made
    done = manage("import", "-", "--overwrite", "--skip-bad", given=text)
    assert done.returncode == 0
    assert "1 changed, 1 refused" in done.stdout
    assert stored().password == ""


def test_default_connections_and_types_are_there() -> None:
    answer = manage("create-default-connections")
    assert answer.returncode == 0
    assert answer.stdout.splitlines()[-1] == f"{Connection.objects.count()} added."
    assert "google_cloud_platform" in manage("types", "-o", "plain").stdout


def test_a_test_on_a_worker_is_waited_for(
    worker: Any, google: FakeGoogle, key: dict[str, Any], connect: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    good = program("test", "my_gcp_conn")
    assert good.returncode == 0, good.stdout + good.stderr
    connect("gone", keyfile_dict=key, api_endpoint="http://127.0.0.1:9")
    bad = manage("test", "gone")
    assert bad.returncode == 1
    assert key["private_key_id"] not in good.stdout + bad.stdout


#: ``read(0, …)`` on x86-64 and on ARM, as Linux tells of a process that waits in it.
READS_STDIN = (["0", "0x0"], ["63", "0x0"])


def test_ctrl_c_ends_with_130() -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "connections", "import", "-"],
        cwd=REPOSITORY,
        env={**os.environ, **test_variables()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Tests that run in the background have it ignored, and so would their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    call = Path(f"/proc/{process.pid}/syscall")
    end = time.monotonic() + 60
    # Not just any pipe: it reads from others, too, while it starts.
    while call.read_text().split()[:2] not in READS_STDIN and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert b"Traceback" not in error
