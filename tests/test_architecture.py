"""Who may import whom: the table of docs/architecture.md, held against the code."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
OURS = ("access", "connections", "patchbay", "tasks")
LINES_A_FILE, LINES_A_FUNCTION = 400, 60

#: module (or package, with all in it) -> what of ours it may import. The most exact name counts.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "access": ("access",),
    "connections.exceptions": (),
    "connections.masking": ("connections.exceptions",),
    "connections.types": ("connections.types", "connections.exceptions"),
    "connections.types.providers": ("connections.types", "connections.masking"),
    "connections.fields": ("connections.exceptions",),
    "connections.models": ("connections.fields", "connections.types", "connections.exceptions"),
    "connections.hooks": ("connections.hooks", "connections.types", "connections.exceptions"),
    "connections.diagnosis": (),
    "connections.dependents": (),
    "connections.validation": (
        "access.moments",
        "connections.exceptions",
        "connections.models",
        "connections.types",
        "connections.masking",
    ),
    "connections.uri": ("connections.exceptions", "connections.types"),
    "connections.from_environment": (
        "connections.exceptions",
        "connections.types",
        "connections.uri",
    ),
    "connections.redaction": (
        "connections.exceptions",
        "connections.masking",
        "connections.types",
        "connections.validation",
    ),
    "connections.services": (
        "access",
        "connections.dependents",
        "connections.exceptions",
        "connections.from_environment",
        "connections.masking",
        "connections.models",
        "connections.redaction",
        "connections.rows",
        "connections.types",
        "connections.validation",
    ),
    "connections": ("access", "connections"),
    "tasks.task_order": (),
    "tasks.spec": ("tasks.task_order",),
    "tasks.schedules.cron": (),
    "tasks.schedules.timetable": ("tasks.schedules.cron", "tasks.spec"),
    "tasks.schedules.planning": ("tasks.models", "tasks.spec", "tasks.schedules.timetable"),
    "tasks.states": (),
    "tasks.exceptions": ("connections.exceptions",),
    "tasks.presentation.tracker": ("tasks.states",),
    "tasks.operators": ("tasks.operators", "connections.exceptions", "connections.hooks"),
    "tasks.operators.python": ("tasks.operators", "tasks.python", "connections.exceptions"),
    "tasks.python": (
        "tasks.python",
        "tasks.dagfiles.process",
        "tasks.operators.base",
        "connections.diagnosis",
        "connections.exceptions",
    ),
    # The child's side: what it needs of ``connections`` it imports when the code asks for it.
    "tasks.python.inside": (
        "tasks.python.inside",
        "tasks.python.lines",
        "tasks.python.protocol",
        "tasks.dagfiles",
    ),
    "tasks.dagfiles.sync": (
        "tasks.dag_versions",
        "tasks.dagfiles",
        "tasks.models",
        "tasks.schedules.planning",
    ),
    "tasks.dagfiles": ("tasks.schedules.cron", "tasks.dagfiles", "tasks.operators", "tasks.spec"),
    "tasks.models": ("tasks.spec", "tasks.states"),
    "tasks.live": ("tasks.models",),
    # What moves task instances. It is told what to do, and never asks a service for more.
    "tasks.engine": (
        "connections.database",
        "connections.diagnosis",
        "connections.exceptions",
        "connections.from_environment",
        "connections.hooks",
        "connections.masking",
        "connections.models",
        "connections.rows",
        "connections.services",
        "connections.types",
        "tasks.engine",
        "tasks.exceptions",
        "tasks.live",
        "tasks.models",
        "tasks.operators",
        "tasks.spec",
        "tasks.states",
    ),
    "tasks.engine.trigger_rules": ("tasks.spec",),
    "tasks.engine.row_locks": (),
    "tasks.engine.database_time": (),
    "tasks.engine.leases": (
        "tasks.engine.database_time",
        "tasks.engine.row_locks",
        "tasks.exceptions",
        "tasks.models",
        "tasks.states",
    ),
    "tasks.engine.steps": (
        "connections.database",
        "connections.diagnosis",
        "tasks.models",
        "tasks.states",
    ),
    "tasks.tasks": (
        "connections.messages",
        "tasks.dagfiles.sync",
        "tasks.engine",
        "tasks.models",
        "tasks.states",
    ),
    "tasks": ("access", "connections", "tasks", "patchbay.templatetags"),
    "patchbay.help": (
        "access",
        "connections.models",
        "connections.types",
        "patchbay.help",
        "patchbay.templatetags",
    ),
    # `make run` uses the standard library alone; what it seeds and loads is its own affair.
    "patchbay.local": ("access", "connections", "patchbay.environment", "patchbay.local"),
    "patchbay": ("access", "connections", "patchbay", "tasks"),
}
#: Nobody imports these but Django and their own kind.
DOORS = ("views", "urls", "api", "admin", "forms", "management")


def modules() -> list[Path]:
    return [
        path
        for name in OURS
        for path in sorted((REPOSITORY / name).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def name_of(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """The modules of ours that a file imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {_module_or_name(node.module, alias.name) for alias in node.names}
    return {name for name in found if name.split(".")[0] in OURS}


def _module_or_name(module: str, name: str) -> str:
    path = REPOSITORY.joinpath(*module.split("."), name)
    is_module = path.with_suffix(".py").exists() or path.is_dir()
    return f"{module}.{name}" if is_module else module


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_imports_only_what_the_table_allows(path: Path) -> None:
    name = name_of(path)
    rule = max((rule for rule in MAY_IMPORT if is_within(name, rule)), key=len)
    allowed = (*MAY_IMPORT[rule], rule)
    wrong = [
        imported
        for imported in imports_of(path)
        if not any(is_within(imported, package) for package in allowed)
    ]
    assert not wrong, f"{name} (rule {rule!r}) imports {wrong}"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_nobody_imports_a_door(path: Path) -> None:
    name = name_of(path)
    if any(door in name.split(".") for door in DOORS):
        return
    wrong = [imported for imported in imports_of(path) if set(imported.split(".")) & set(DOORS)]
    assert not wrong, f"{name} imports {wrong}"


def test_connections_never_imports_tasks() -> None:
    for path in modules():
        if name_of(path).startswith("connections"):
            assert not [name for name in imports_of(path) if is_within(name, "tasks")]


def test_the_web_process_does_not_load_googles_libraries() -> None:
    program = (
        "import sys, patchbay.asgi; "
        "import patchbay.urls; "
        "late = ('google.', 'grpc', 'duckdb', 'pymysql'); "
        "print([name for name in sys.modules if name.startswith(late)])"
    )
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_no_file_and_no_function_is_too_long() -> None:
    for path in [
        *modules(),
        *(REPOSITORY / "tests").rglob("*.py"),
        *(REPOSITORY / "bench").glob("*.py"),
    ]:
        text = path.read_text()
        assert text.count("\n") <= LINES_A_FILE, f"{path} is too long"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= LINES_A_FUNCTION, f"{path}: {node.name} is too long"


def test_exception_is_caught_in_few_places() -> None:
    """Where whatever comes must be told or cleaned up after; each says why at its place."""
    allowed = {
        # A third party's code, which must not stop the start.
        "connections.trial",
        "connections.types.packages",
        "patchbay.environment",
        "patchbay.local.product",
        "patchbay.local.supervisor",
        "tasks.dagfiles.authoring.hooks",
        "tasks.dagfiles.loader",
        "tasks.dagfiles.problems",
        "tasks.engine.beginning",
        "tasks.engine.execution",
        "tasks.engine.guarding",
        "tasks.engine.leases",
        "tasks.engine.runner",
        "tasks.operators.packages",
        "tasks.python.inside.main",
        "tasks.python.inside.raised",
        "tasks.python.inside.sessions",
    }
    found = {
        name_of(path)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException"))
    }
    assert found <= allowed, found - allowed


def test_no_two_test_files_have_one_name() -> None:
    """pytest would take them for one module."""
    names = [path.name for path in (REPOSITORY / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names)), {name for name in names if names.count(name) > 1}
