"""The operators by name: Patchbay's own, those of packages, and all that can be wrong with one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks

from tasks.dagfiles import process
from tasks.dagfiles.parser import parse_file
from tasks.operators import OPERATORS, Registry
from tasks.operators.packages import GROUP
from tasks.operators.soundness import wrong_declaration

ROOT = Path(__file__).parent.parent.parent
ACME = ROOT / "tests" / "packages" / "acme_operators"
DAG_FILE = """
from airflow import DAG
from airflow.providers.acme.operators.reports import AcmeReportOperator

with DAG("reports"):
    AcmeReportOperator(task_id="make", report="{{ ds }}")
"""
MADE = """
from tasks.operators.base import Argument, Operator
def made(name, *arguments, **attributes):
    body = {"name": name, "import_paths": ("airflow.acme",), "arguments": arguments,
            "execute": lambda *_: None, **attributes}
    return type(name, (Operator,), body)
A = Argument
"""

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package of one module, as a wheel would be unpacked."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(name: str, code: str) -> None:
        module = name.replace("-", "_")
        monkeypatch.delitem(sys.modules, module, raising=False)
        (tmp_path / f"{module}.py").write_text(code, encoding="utf-8")
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\nit = {module}:OPERATORS\n")

    return put


@pytest.fixture
def read_anew() -> Iterator[None]:
    """``OPERATORS`` of this process reads the packages when it is next asked, and afterwards."""
    vars(OPERATORS).pop("_found", None)
    yield
    vars(OPERATORS).pop("_found", None)


@pytest.fixture(scope="session")
def acme_operators(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that pip installed the example package into, from a copy of its source."""
    folder = tmp_path_factory.mktemp("acme_operators")
    source = shutil.copytree(ACME, folder / "source")
    site = folder / "site"
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    command = [sys.executable, "-m", "pip", "install", *offline, "--target", str(site)]
    subprocess.run([*command, str(source)], check=True, capture_output=True, timeout=100)
    return site


# Our own


@pytest.mark.parametrize("name", OPERATORS.own)
def test_every_operator_of_ours_is_declared_soundly(name: str) -> None:
    declared = OPERATORS.own[name]
    assert wrong_declaration(declared) == ""
    assert declared.summary
    assert declared.category != "Other"
    assert (declared.__doc__ or "").strip()


def test_every_module_of_operators_is_in_the_registry() -> None:
    folder = ROOT / "tasks" / "operators"
    declaring = {
        path.stem for path in folder.glob("*.py") if "\nOPERATORS_HERE" in path.read_text()
    }
    assert {operator.__module__.rpartition(".")[2] for operator in OPERATORS.own.values()} == (
        declaring
    )


def test_the_declarations_are_read_without_a_library_of_anybody_and_without_packages() -> None:
    """Each DAG file is read in a process of its own, which must start fast."""
    program = (
        "import sys; known = set(sys.modules); import tasks.operators; "
        "tops = {name.partition('.')[0] for name in set(sys.modules) - known}; "
        "ours = {'tasks', 'connections'}; "
        "print(tops - ours - sys.stdlib_module_names, 'importlib.metadata' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert answer.stdout.strip() == "set() False"


# Of packages


@pytest.fixture
def acme_is_installed(
    acme_operators: Path, monkeypatch: pytest.MonkeyPatch, read_anew: None
) -> None:
    monkeypatch.syspath_prepend(str(acme_operators))


@pytest.mark.usefixtures("acme_is_installed")
def test_an_operator_of_an_installed_package_is_there() -> None:
    found = OPERATORS["AcmeReportOperator"]
    assert found.category == "Acme"
    assert OPERATORS.problems == ()
    assert list(OPERATORS)[-1] == "AcmeReportOperator"
    assert len(OPERATORS) == len(OPERATORS.own) + 1

    class Session:
        identity = "https://reports.acme.example"

    class Context:
        logged: list[str] = []

        def log(self, text: str) -> None:
            self.logged.append(text)

    context: Any = Context()
    found.check({"report": "sales", "form": "csv"})
    result = found({"report": "sales", "form": "csv"}).execute(Session(), context)
    assert result is not None
    assert result.value == "https://reports.acme.example/sales.csv"


@pytest.mark.usefixtures("acme_is_installed")
def test_a_dag_file_may_use_an_operator_of_a_package(
    acme_operators: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is read in a new process, which looks the package up by itself."""
    monkeypatch.setitem(process._OWN_ENVIRONMENT, "PYTHONPATH", str(acme_operators))
    path = tmp_path / "one.py"
    path.write_text(DAG_FILE)
    parsed = parse_file(path, folder=tmp_path)
    assert parsed.problem is None
    [task] = parsed.dags[0].spec.tasks
    assert (task.operator, task.conn_id) == ("AcmeReportOperator", "acme_default")


def test_a_package_is_looked_up_only_for_what_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble() -> None:
        raise AssertionError("looked up")

    monkeypatch.setattr("tasks.operators.packages.offers", stumble)
    registry = Registry()
    assert registry["EmptyOperator"].name == "EmptyOperator"
    assert registry.own
    with pytest.raises(AssertionError, match="looked up"):
        registry["AcmeReportOperator"]


def test_what_nobody_has_is_not_there() -> None:
    with pytest.raises(KeyError):
        OPERATORS["NoSuchOperator"]
    assert "NoSuchOperator" not in OPERATORS


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("OPERATORS = (", "SyntaxError: '(' was never closed"),
        ("", "AttributeError: module 'acme_broken' has no attribute 'OPERATORS'"),
        ("OPERATORS = 5", "TypeError: 'int' object is not iterable"),
        ("OPERATORS = ['text']", "it gives 'text', which is no Operator"),
        ("OPERATORS = dict", "it gives <class 'dict'>, which is no Operator"),
        ("raise SystemError('x' * 999)", "SystemError: xxx"),
        ("OPERATORS = made('X', execute=Operator.execute)", "X: it has no execute"),
        ("OPERATORS = made('two words')", "two words: its name 'two words' is no name of a class"),
        ("OPERATORS = made('X', cancels='')", "X: it doesn't say in cancels what a cancel does"),
        ("OPERATORS = made('X', summary=None)", "X: its summary is no text"),
        ("OPERATORS = made('X', import_paths='a.b')", "X: its import_paths is no tuple of modules"),
        ("OPERATORS = made('X', import_paths=('a b',))", "X: its import path 'a b' is no name"),
        ("OPERATORS = made('X', A('a'), A('a'))", "X: the argument a is declared twice"),
        ("OPERATORS = made('X', A('task_id'))", "X: the argument task_id: every task has it"),
        ("OPERATORS = made('X', A('a b'))", "X: the argument a b: its name can't be given"),
        ("OPERATORS = made('X', A('a', kind='colour'))", "X: the argument a: there is no kind"),
        ("OPERATORS = made('X', A('a', default=5))", "X: the argument a: its default 5 is not of"),
        (
            "OPERATORS = made('X', A('a', kind='integer', default=True))",
            "X: the argument a: its default True is not of the kind integer",
        ),
        (
            "OPERATORS = made('X', A('a', default='c', choices=('a', 'b')))",
            "X: the argument a: its default 'c' is none of its choices",
        ),
        (
            "OPERATORS = made('X', A('a', required=True, default='c'))",
            "X: the argument a: what is required has no default",
        ),
        (
            "OPERATORS = made('X', connection_argument='c', connection_types=('http',))",
            "X: its connection_argument c is no argument of it",
        ),
        (
            "OPERATORS = made('X', A('c', kind='json'), connection_argument='c')",
            "X: the argument c names a connection, and is no text",
        ),
        (
            "OPERATORS = made('X', A('c'), connection_argument='c', default_conn_id='d')",
            "X: the default of c isn't its default_conn_id",
        ),
        (
            "OPERATORS = made('X', A('c', required=True), connection_argument='c')",
            "X: it says of no type of connections that it fits",
        ),
        (
            "OPERATORS = made('X', connection_types=('http',))",
            "X: it has types of connections, and no connection_argument",
        ),
        ("OPERATORS = made('X', None)", "AttributeError: 'NoneType' object has no attribute"),
    ],
    ids=range(27),
)
def test_a_broken_package_is_told_and_stops_nothing(
    install: Install, code: str, words: str
) -> None:
    install("acme-broken", MADE + code)
    install("acme-fine", MADE + "OPERATORS = (made('FineOperator'), made('OtherOperator'))")
    registry = Registry()
    (problem,) = registry.problems
    assert problem.package == "acme-broken"
    assert problem.words.startswith(words)
    assert len(problem.words) <= 300
    assert set(registry) == {*OPERATORS.own, "FineOperator", "OtherOperator"}


def test_an_operator_of_ours_is_never_replaced_and_the_first_package_counts(
    install: Install,
) -> None:
    install("acme-b", MADE + "OPERATORS = made('XOperator', category='B')")
    install("acme-a", MADE + "OPERATORS = [made('EmptyOperator'), made('XOperator', category='A')]")
    registry = Registry()
    assert registry["EmptyOperator"] is OPERATORS["EmptyOperator"]
    assert registry["XOperator"].category == "A"
    assert [(each.package, each.words) for each in registry.problems] == [
        ("acme-a", "the operator EmptyOperator is declared by Patchbay already"),
        ("acme-b", "the operator XOperator is declared by acme-a already"),
    ]


@pytest.mark.usefixtures("read_anew")
def test_a_system_check_tells_what_is_broken(install: Install) -> None:
    assert not [each for each in run_checks() if each.id == "patchbay.W002"]
    vars(OPERATORS).pop("_found")
    install("acme-broken-too", "import no_such_module")
    (found,) = [each for each in run_checks() if each.id == "patchbay.W002"]
    assert found.msg == (
        "Operators of acme-broken-too are missing: "
        "ModuleNotFoundError: No module named 'no_such_module'."
    )
    assert found.hint


def test_where_our_modules_are_hidden_a_package_gets_those_that_are_there(
    acme_operators: Path, tmp_path: Path
) -> None:
    """As in the process that reads a DAG file, which may have a ``tasks`` of its own beside it."""
    (tmp_path / "tasks.py").write_text("OWN = True\n")
    program = (
        "import sys; from tasks.operators import operators_of_packages; "
        "from tasks.operators.base import Operator; "
        "[sys.modules.pop(name) for name in list(sys.modules) if name.split('.')[0] == 'tasks']; "
        f"sys.path[0:1] = [{str(tmp_path)!r}, {str(acme_operators)!r}]; import tasks; "
        "[found] = operators_of_packages(); "
        "print(found.name, issubclass(found, Operator), sys.modules['tasks'].OWN, "
        "[name for name in sys.modules if name.startswith(('acme', 'tasks.', 'connections'))])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert answer.stdout.strip() == "AcmeReportOperator True True []", answer.stderr
