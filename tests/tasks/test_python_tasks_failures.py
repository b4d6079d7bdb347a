"""How Python tasks fail, and that no child can hang or harm its worker."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from connections.diagnosis import CATALOGUE, explain
from connections.exceptions import Failure
from tasks.python import conversation
from tests.tasks.python_context import PythonContext, Stopped, dag_file, run_code


def failure_of(body: str, *, head: str = "", parameters: str = "") -> Failure:
    return fails(PythonContext(dag_file(body, head=head, parameters=parameters)))


def fails(context: PythonContext) -> Failure:
    with pytest.raises(Failure) as failed:
        run_code(context)
    words = explain(failed.value.code, failed.value.facts)
    assert failed.value.code in CATALOGUE
    assert "?" not in words.short + words.happened + words.cause + words.remedy
    return failed.value


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


def gone(pid: int) -> bool:
    end = time.monotonic() + 30
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not is_alive(pid)


# What the code raises


def test_an_exception_fails_the_task_with_the_users_lines_only() -> None:
    head = """
    import json
    def inner(text):
        return json.loads(text)
    """
    failure = failure_of("return inner('{')", head=head)
    assert failure.code == "task:python-failed"
    assert failure.facts["error"] == "JSONDecodeError"
    lines = failure.vendor_message.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert [line.split(",")[0] for line in lines if "File" in line] == ['  File "sales.py"'] * 2
    assert "    return json.loads(text)" in lines
    assert lines[-1].startswith("json.decoder.JSONDecodeError: Expecting property name")
    assert "/python3" not in failure.vendor_message
    assert failure.facts["place"].startswith("sales.py, line ")


def test_a_cause_is_told_too() -> None:
    body = """
    try:
        {}["day"]
    except KeyError as error:
        raise AirflowException("no day") from error
    """
    failure = failure_of(body)
    assert "KeyError: 'day'" in failure.vendor_message
    assert failure.vendor_message.endswith("AirflowException: no day")


def test_an_ordinary_failure_is_worth_a_retry_and_a_final_one_is_not() -> None:
    assert CATALOGUE[failure_of("raise ValueError('x')").code].is_worth_a_retry
    final = failure_of("raise AirflowFailException('never')")
    assert final.code == "task:python-gave-up"
    assert final.vendor_message.endswith("AirflowFailException: never")
    assert not CATALOGUE[final.code].is_worth_a_retry


def test_an_exception_that_cannot_say_what_it_is_fails_as_any_other() -> None:
    head = """
    class Odd(Exception):
        def __str__(self): raise RuntimeError("no words")
    """
    failure = failure_of("raise Odd()", head=head)
    assert (failure.code, failure.facts["error"]) == ("task:python-failed", "Odd")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("sys.exit(3)", "sys.exit(3)"),
        ("sys.exit('bye')", "sys.exit('bye')"),
        ("os._exit(7)", "exit code 7"),
    ],
)
def test_code_that_ends_its_process_fails(body: str, reason: str) -> None:
    failure = failure_of(body)
    assert (failure.code, failure.facts["reason"]) == ("task:python-exited", reason)


def test_a_crash_fails_with_its_signal_and_its_line_in_the_log() -> None:
    context = PythonContext(dag_file("import ctypes\nprint('before')\nctypes.string_at(0)"))
    failure = fails(context)
    assert (failure.code, failure.facts["signal"]) == ("task:python-crashed", "SIGSEGV")
    assert context.texts[0] == "before"
    assert any("sales.py" in text and "in work" in text for text in context.texts)


def test_a_process_that_is_killed_from_outside_fails_as_what_may_pass() -> None:
    failure = failure_of("os.kill(os.getpid(), signal.SIGKILL)")
    assert failure.code == "task:python-killed"
    assert CATALOGUE[failure.code].type == "transient"


def test_too_much_memory_fails_with_the_limit(settings: Any) -> None:
    settings.PYTHON_TASK_MEMORY = 256
    failure = failure_of("return len('x' * (300 << 20))")
    assert (failure.code, failure.facts["megabytes"]) == ("task:python-memory", 256)


def test_many_small_things_that_fill_the_memory_fail_with_the_limit(settings: Any) -> None:
    settings.PYTHON_TASK_MEMORY = 128
    failure = failure_of("kept = []\nwhile True: kept.append(str(len(kept)) * 50)")
    assert failure.code == "task:python-memory"


# What is wrong before the code runs


def test_a_file_that_fails_when_it_is_loaded_fails_with_its_place() -> None:
    failure = failure_of("return 1", head="\nimport no_such_helper")
    assert failure.code == "task:python-not-loaded"
    assert "no_such_helper" in failure.facts["reason"]
    assert 'File "sales.py", line 8' in failure.vendor_message


def test_a_file_without_the_task_fails() -> None:
    context = PythonContext(dag_file("return 1"))
    context.task_id = "other"
    failure = fails(context)
    assert failure.code == "task:python-not-loaded"
    assert "'other'" in failure.facts["reason"]


def test_a_dag_without_a_file_fails() -> None:
    assert fails(PythonContext("")).code == "task:python-no-code"


def test_the_setting_turns_python_tasks_off(settings: Any, tmp_path: Path) -> None:
    settings.PYTHON_TASKS = False
    failure = failure_of(f"open({str(tmp_path / 'made')!r}, 'w')")
    assert failure.code == "task:python-off"
    assert not (tmp_path / "made").exists()


def test_a_worker_that_can_start_no_process_fails_as_what_may_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    failure = failure_of("return 1")
    assert failure.code == "task:python-not-started"
    assert CATALOGUE[failure.code].type == "transient"


# What hangs


def stop_at(context: PythonContext, text: str) -> None:
    """Cancel the task, from another thread, when it logs ``text``."""

    def on_log(logged: str) -> None:
        if logged == text:
            threading.Thread(target=context.stop).start()

    context.on_log = on_log


def test_a_cancel_lets_the_code_tidy_up() -> None:
    body = """
    try:
        print("begun")
        time.sleep(60)
    finally:
        print("tidied up")
    """
    context = PythonContext(dag_file(body))
    stop_at(context, "begun")
    with pytest.raises(Stopped):
        run_code(context)
    assert context.texts == ["begun", "tidied up"]


def test_a_cancel_kills_code_that_ignores_it_with_all_that_it_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversation, "GRACE", 0.3)
    body = """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print(os.getpid(), child.pid)
    print("begun")
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass
    """
    context = PythonContext(dag_file(body))
    stop_at(context, "begun")
    with pytest.raises(Stopped):
        run_code(context)
    assert all(gone(int(pid)) for pid in context.texts[0].split())


def test_a_cancel_while_the_file_is_loaded_ends_it() -> None:
    context = PythonContext(dag_file("return 1", head="\nprint('begun')\ntime.sleep(60)"))
    stop_at(context, "begun")
    with pytest.raises(Stopped):
        run_code(context)


def test_what_the_code_leaves_running_ends_with_it() -> None:
    body = """
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    threading.Thread(target=time.sleep, args=[60]).start()
    return [os.getpid(), child.pid]
    """
    context = PythonContext(dag_file(body))
    assert all(gone(pid) for pid in run_code(context).value)


def test_a_fork_that_returns_leaves_no_second_result() -> None:
    body = """
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return "the first"
    return "the second"
    """
    assert run_code(PythonContext(dag_file(body))).value == "the first"


def test_a_fork_cannot_ask_the_worker() -> None:
    body = """
    if os.fork() == 0:
        try:
            BaseHook.get_connection("any")
        except RuntimeError as error:
            print(error)
        os._exit(0)
    os.wait()
    """
    context = PythonContext(dag_file(body))
    run_code(context)
    assert context.texts[0].startswith("Only the task's first process")
    assert context.events == []


def test_code_that_closes_its_line_to_the_worker_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "LAST_MOMENTS", 0.2)
    context = PythonContext(dag_file("print(os.getpid())\nos.closerange(3, 64)\ntime.sleep(60)"))
    assert fails(context).code == "task:python-line-lost"
    assert gone(int(context.texts[0]))


SOCKET = "\nline = next(n for n in range(3, 64) if os.path.exists(f'/proc/self/fd/{n}')"
SOCKET += " and 'socket' in os.readlink(f'/proc/self/fd/{n}'))\n"


@pytest.mark.parametrize(
    "garbage",
    [
        r"b'\xff\xff\xff\xff'",
        r"b'\x00\x00\x00\x04oops'",
        r"b'\x00\x00\x00\x02[]'",
        r"b'\x00\x00\x00\x10{\"kind\": \"what\"}'",
        r"b'\x00\x00\x00\x10{\"kind\":\"opened\"}'[:19] + b' }'",
        r"b'\x00\x01\x00\x00' + b'[' * 65536",
    ],
)
def test_code_that_writes_into_its_line_to_the_worker_is_ended(garbage: str) -> None:
    failure = failure_of(f"{SOCKET.strip()}\nos.write(line, {garbage})\ntime.sleep(60)")
    assert failure.code == "task:python-line-lost"


def test_half_a_message_is_no_result() -> None:
    failure = failure_of(f"{SOCKET.strip()}\nos.write(line, b'\\0\\0\\1\\0half')\nos._exit(0)")
    assert (failure.code, failure.facts["reason"]) == ("task:python-exited", "exit code 0")


def test_output_that_something_still_holds_open_does_not_hang_the_worker() -> None:
    body = """
    pid = os.fork()
    if pid == 0:
        os.setsid()
        time.sleep(60)
        os._exit(0)
    time.sleep(0.2)
    return pid
    """
    pid = run_code(PythonContext(dag_file(body))).value
    assert is_alive(pid)
    os.kill(pid, signal.SIGKILL)


def test_many_tasks_at_once_get_their_own_results() -> None:
    contexts = [PythonContext(dag_file("return n", parameters="n")) for _ in range(12)]
    results: dict[int, Any] = {}

    def run(number: int) -> None:
        results[number] = run_code(contexts[number], op_args=[number]).value

    threads = [threading.Thread(target=run, args=[number]) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == {number: number for number in range(12)}


def test_a_try_leaves_no_descriptor_behind() -> None:
    def held() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    run_code(PythonContext(dag_file("return 1")))
    before = held()
    run_code(PythonContext(dag_file("return 1")))
    failure_of("os._exit(1)")
    assert held() == before


def test_no_zombie_is_left() -> None:
    pid = run_code(PythonContext(dag_file("return os.getpid()"))).value
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)
