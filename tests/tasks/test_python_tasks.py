"""What a task's own Python code gets, and what becomes of what it returns and logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connections.exceptions import Failure
from tests.tasks.python_context import PythonContext, dag_file, run_code


def run(body: str, *, parameters: str = "", head: str = "", more: str = "", **given: Any) -> Any:
    source = dag_file(body, parameters=parameters, head=head, more=more)
    return run_code(PythonContext(source), **given).value


# What it gets


def test_a_function_gets_its_arguments_and_the_names_that_it_takes() -> None:
    value = run(
        "return [a, b, ds, params, logical_date.year, ti.task_id, ti.try_number]",
        parameters="a, b, ds, params, logical_date, ti",
        op_args=[1],
        op_kwargs={"b": {"x": [2]}},
    )
    assert value == [1, {"x": [2]}, "2026-01-02", {"country": "SE"}, 2026, "work", 2]


def test_a_function_with_stars_gets_the_whole_context() -> None:
    value = run(
        "return [context['dag_run'].conf, context['dag_run']['run_id'], context['dag'].dag_id,\n"
        "        context['templates_dict'], context['ti'] is context['task_instance'], more]",
        parameters="more=5, **context",
        templates_dict={"day": "3"},
    )
    assert value == [{"day": 3}, "manual__1", "sales", {"day": "3"}, True, 5]


def test_the_current_context_is_there_without_being_taken() -> None:
    assert run("return get_current_context()['params']") == {"country": "SE"}


def test_an_argument_that_the_function_does_not_take_is_left_out_as_in_airflow() -> None:
    assert run("return a", parameters="a", op_kwargs={"a": 1, "strange": 2}) == 1


def test_what_other_tasks_left_can_be_pulled() -> None:
    body = """
    one = ti.xcom_pull(task_ids="before")
    two = ti.xcom_pull(task_ids=["before", "other"], key="rows")
    return [one, two, ti.xcom_pull("nobody", default="none")]
    """
    context = PythonContext(
        dag_file(body, parameters="ti"), before__return_value={"a": [1]}, other__rows=7
    )
    assert run_code(context).value == [{"a": [1]}, [None, 7], "none"]


def test_the_code_is_that_of_the_version_and_not_that_of_the_disk(
    tmp_path: Path, settings: Any
) -> None:
    settings.DAGS_FOLDER = tmp_path
    (tmp_path / "sales.py").write_text("this is not even Python")
    (tmp_path / "helpers.py").write_text("def answer(): return 42")
    body = "import helpers\nreturn [helpers.answer(), __file__]"
    assert run(body) == [42, str(tmp_path / "sales.py")]


def test_modules_of_the_folder_with_the_names_of_ours_are_the_users(
    tmp_path: Path, settings: Any
) -> None:
    settings.DAGS_FOLDER = tmp_path
    for name in ("tasks", "connections", "patchbay_things"):
        (tmp_path / f"{name}.py").write_text(f"NAME = 'my {name}'")
    body = """
    BaseHook.get_hook("lite").get_conn()
    import connections, tasks
    return [tasks.NAME, connections.NAME]
    """
    context = PythonContext(dag_file(body, head="import tasks"))
    context.connections["lite"] = sqlite(tmp_path)
    assert run_code(context).value == ["my tasks", "my connections"]


def sqlite(folder: Path) -> Any:
    from connections.types.base import LoadedConnection

    (folder / "lite.sqlite3").touch()
    return LoadedConnection("lite", "sqlite", host=str(folder / "lite.sqlite3"))


def test_the_code_sees_no_setting_and_no_secret_of_the_worker(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setenv("PATCHBAY_CONN_OTHER", "postgres://u:secret@h/d")
    monkeypatch.setenv("MY_REGION", "north")
    monkeypatch.setenv("MY_SECRET", "hidden")
    settings.PYTHON_TASK_ENVIRONMENT = ["MY_REGION"]
    names = run("return sorted(os.environ)")
    assert "MY_REGION" in names
    assert not [name for name in names if "PATCHBAY" in name or "SECRET" in name]
    assert run("return 'django' in sys.modules") is False


def test_the_folder_it_works_in_is_its_own_and_goes_away() -> None:
    body = """
    import tempfile
    open("a.txt", "w").write("x")
    made = tempfile.NamedTemporaryFile(delete=False)
    return [os.getcwd(), os.path.dirname(made.name), oct(os.stat("a.txt").st_mode & 0o777)]
    """
    folder, temporary, mode = run(body)
    assert temporary == folder
    assert mode == "0o600"
    assert not Path(folder).exists()


# What becomes of what it leaves


def test_results_become_json() -> None:
    body = """
    from datetime import date, datetime, timezone
    from decimal import Decimal
    from enum import Enum
    from uuid import UUID
    class Color(Enum):
        RED = "red"
    return {"tuple": (1, 2), "set": {"b", "a"}, "date": date(2026, 1, 2), 3: Decimal("1.50"),
            "moment": datetime(2026, 1, 2, tzinfo=timezone.utc), "color": Color.RED,
            "uuid": UUID(int=1), "big": 10**30}
    """
    assert run(body) == {
        "tuple": [1, 2],
        "set": ["a", "b"],
        "date": "2026-01-02",
        "3": "1.50",
        "moment": "2026-01-02T00:00:00+00:00",
        "color": "red",
        "uuid": "00000000-0000-0000-0000-000000000001",
        "big": 10**30,
    }


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("object()", "the returned value is of the type object"),
        (
            "{'rows': [1, open('/dev/null')]}",
            "value['rows'][1] is of the type _io.TextIOWrapper",
        ),
        ("b'bytes'", "the returned value is of the type bytes"),
        ("float('nan')", "the returned value is nan, which JSON doesn't have"),
        ("{(1, 2): 3}", "a key of the returned value is of the type tuple"),
        ("(lambda a: (a.append(a), a)[1])([])", "nested more than 100 deep"),
    ],
)
def test_what_is_not_json_fails_with_its_type_and_place(expression: str, reason: str) -> None:
    with pytest.raises(Failure) as failed:
        run(f"return {expression}")
    assert failed.value.code == "task:result-not-json"
    assert reason in failed.value.facts["reason"]


def test_a_result_that_is_too_large_fails_with_the_limit() -> None:
    with pytest.raises(Failure) as failed:
        run("return 'x' * (9 << 20)")
    assert (failed.value.code, failed.value.facts["megabytes"]) == ("task:result-too-large", 8)


def test_pushed_values_are_left_beside_the_returned_one() -> None:
    body = "ti.xcom_push('rows', 3)\nti.xcom_push(key='day', value=(1, 2))\nreturn 'done'"
    result = run_code(PythonContext(dag_file(body, parameters="ti")))
    assert (result.value, result.xcoms) == ("done", {"rows": 3, "day": [1, 2]})


def test_too_much_that_is_pushed_is_refused_where_it_is_pushed() -> None:
    body = """
    for number in range(9):
        ti.xcom_push(str(number), "x" * (1 << 20))
    """
    with pytest.raises(Failure) as failed:
        run(body, parameters="ti")
    assert failed.value.code == "task:result-too-large"


def test_each_key_of_a_dict_is_an_xcom_with_multiple_outputs() -> None:
    source = dag_file("return {'a': 1, 'b': [2]}", more=", multiple_outputs=True")
    result = run_code(PythonContext(source))
    assert (result.value, result.xcoms) == ({"a": 1, "b": [2]}, {"a": 1, "b": [2]})
    source = dag_file("return [1]", more=", multiple_outputs=True")
    with pytest.raises(Failure) as failed:
        run_code(PythonContext(source))
    assert failed.value.code == "task:python-wrong-result"


def test_a_decorated_function_is_a_task_too() -> None:
    source = """
    from airflow.decorators import dag, task
    @dag(dag_id="sales")
    def sales():
        @task
        def work(first, ds=None) -> int:
            return [first, ds]
        work(1)
    sales()
    """
    from textwrap import dedent

    assert run_code(PythonContext(dedent(source)), op_args=[1]).value == [1, "2026-01-02"]


def test_a_task_can_ask_to_be_skipped() -> None:
    context = PythonContext(dag_file("raise AirflowSkipException('nothing new')"))
    result = run_code(context)
    assert (result.is_skipped, result.summary) == (True, "Skipped by its code: nothing new")


# Branches


@pytest.mark.parametrize(
    ("returned", "follow"),
    [
        ("'small'", ("small",)),
        ("['large', 'small', 'large']", ("large", "small")),
        ("'group'", ("group.one", "group.two")),
        ("None", ()),
    ],
)
def test_a_branch_follows_what_its_function_returns(returned: str, follow: Any) -> None:
    context = PythonContext(dag_file(f"return {returned}"))
    assert run_code(context, operator="BranchPythonOperator").follow == follow


def test_a_branch_to_what_does_not_follow_fails() -> None:
    context = PythonContext(dag_file("return ['small', 'smal']"))
    with pytest.raises(Failure) as failed:
        run_code(context, operator="BranchPythonOperator")
    assert (failed.value.code, failed.value.facts["chosen"]) == ("task:branch-unknown", "smal")
    with pytest.raises(Failure) as failed:
        run_code(PythonContext(dag_file("return 5")), operator="BranchPythonOperator")
    assert failed.value.code == "task:python-wrong-result"


def test_a_short_circuit_skips_what_follows_if_its_function_says_no() -> None:
    no, yes = PythonContext(dag_file("return 0")), PythonContext(dag_file("return [1]"))
    circuit = "ShortCircuitOperator"
    assert run_code(yes, operator=circuit).skip == ""
    assert run_code(no, operator=circuit).skip == "all"
    direct = run_code(no, operator=circuit, ignore_downstream_trigger_rules=False)
    assert direct.skip == "direct"


# Logs


def test_what_is_printed_and_logged_are_lines_in_order_with_their_level() -> None:
    body = r"""
    print("one\ntwo")
    print("part", end=" ")
    logging.getLogger("my.thing").warning("careful: %s", 3)
    print("of a line")
    print("to stderr", file=sys.stderr)
    logging.debug("not shown")
    logging.error("wrong")
    ti.log.info("from ti")
    try:
        1 / 0
    except ZeroDivisionError:
        logging.exception("it failed")
    sys.stdout.write("no end")
    """
    context = PythonContext(dag_file(body, parameters="ti"))
    run_code(context, show_return_value_in_logs=False)
    assert context.lines[:8] == [
        ("info", "one"),
        ("info", "two"),
        ("warning", "careful: 3"),
        ("info", "part of a line"),
        ("warning", "to stderr"),
        ("error", "wrong"),
        ("info", "from ti"),
        ("error", "it failed"),
    ]
    assert context.lines[-2:] == [
        ("error", "ZeroDivisionError: division by zero"),
        ("info", "no end"),
    ]


def test_what_other_programs_print_is_logged_too() -> None:
    body = """
    subprocess.run(["echo", "from echo"], check=True)
    subprocess.run(["echo", "given on"], check=True, stdout=sys.stdout)
    os.write(1, "grüße\\n".encode())
    if os.fork() == 0:
        print("from a fork")
        os._exit(0)
    os.wait()
    """
    context = PythonContext(dag_file(body))
    run_code(context)
    assert context.texts[:4] == ["from echo", "given on", "grüße", "from a fork"]


def test_lines_are_shown_while_the_code_runs(tmp_path: Path) -> None:
    seen = tmp_path / "seen"

    class Watched(PythonContext):
        def flush(self) -> None:
            super().flush()
            if "early" in self.texts:
                seen.touch()

    wait = f"while not os.path.exists({str(seen)!r}): time.sleep(0.01)"
    context = Watched(dag_file(f"print('early')\n{wait}\nprint('late')"))
    context.on_log = context.events.append
    run_code(context)
    assert context.events.index("shown") < context.events.index("late")


def test_of_a_flood_of_lines_the_first_are_kept() -> None:
    context = PythonContext(dag_file("for number in range(30_000): print(number)\nreturn 1"))
    assert run_code(context).value == 1
    assert context.texts[:10_000] == [str(number) for number in range(10_000)]
    assert context.texts[10_000:] == [
        "More was logged than is kept; the rest is left out.",
        "Returned 1",
    ]


def test_of_a_flood_from_another_program_the_first_lines_are_kept() -> None:
    context = PythonContext(dag_file("subprocess.run(['seq', '200000'])"))
    run_code(context)
    assert len(context.lines) == 10_002


def test_a_long_line_is_cut_before_the_word_that_does_not_fit() -> None:
    secret = "s" * 300
    body = f"print('word ' * 1_980 + {secret!r})"
    context = PythonContext(dag_file(body))
    run_code(context)
    assert context.texts[0].startswith("word word")
    assert "s" not in context.texts[0].partition("…")[0]
    assert context.texts[0].endswith("characters more)")


def test_of_a_progress_bar_the_last_state_is_logged() -> None:
    body = r"""
    for done in range(101):
        print(f"\r{done} %", end="", file=sys.stderr)
    print(file=sys.stderr)
    """
    context = PythonContext(dag_file(body))
    run_code(context)
    assert context.texts[0] == "100 %"
