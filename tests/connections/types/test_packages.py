"""Types of other packages: one that is really installed, and all that can be wrong with one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.urls import reverse

from access.audit import Actor
from access.models import AuditEvent
from connections.exceptions import InvalidConnection
from connections.hooks import hook_for
from connections.masking import MASK
from connections.models import Connection
from connections.redaction import redacted_extra
from connections.services import create_connection, get_connection, secrets_of
from connections.types import TYPES
from connections.types.registry import Registry
from connections.validation import Draft
from tests.connections.types.conftest import Install

GROUP = "patchbay.connection_types"
ANN = Actor("ann")
ROOT = Path(__file__).parent.parent.parent.parent
MADE = """
from connections.types.base import ConnectionType, TypeField
def made(name, *fields, **more):
    return ConnectionType(name, name.title(), "SaaS", "", fields, **more)
"""


def draft(**extra: object) -> Draft:
    return Draft("reports", "acme_reports", host="r.acme.example", extra=extra)


def test_a_new_process_finds_the_type_of_an_installed_package(acme: Path) -> None:
    program = (
        "import sys; from connections.types import TYPES; declared = TYPES['acme_reports']; "
        "print(declared.origin, [field.name for field in declared.fields], len(TYPES), "
        "TYPES.problems, 'acme_types.hook' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(acme)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    expected = "acme-types ['host', 'region', 'api_pass'] 146 () False"
    assert answer.stdout.strip() == expected


@pytest.mark.usefixtures("acme_is_installed")
def test_its_fields_are_on_the_form_page(admin_client: Client) -> None:
    page = admin_client.get(reverse("connection-new"), {"type": "acme_reports"})
    assert page.status_code == 200
    text = page.content.decode()
    for words in ('name="host"', 'name="region"', 'name="api_pass"', "Server", "acme-north"):
        assert words in text


@pytest.mark.usefixtures("acme_is_installed")
def test_a_connection_of_it_is_checked_stored_masked_and_used(db: None) -> None:
    with pytest.raises(InvalidConnection) as error:
        create_connection(draft(region="elsewhere"), actor=ANN)
    assert error.value.errors == {"region": "A region of Acme's, for example acme-north."}
    assert not Connection.objects.exists()
    create_connection(draft(region="acme-north", api_pass="tulip-7"), actor=ANN)
    loaded = get_connection("reports")
    assert loaded.extra == {"region": "acme-north", "api_pass": "tulip-7"}
    assert secrets_of(loaded) == {"tulip-7"}
    declared = TYPES["acme_reports"]
    shown = redacted_extra(declared, loaded.extra)
    assert shown == {"region": "acme-north", "api_pass": MASK}
    hook = hook_for(loaded)
    session = hook.open()
    assert session.identity == "reader of r.acme.example"
    assert hook.sample_call(session) == "r.acme.example would answer reader of r.acme.example."
    hook.close(session)


def test_without_the_package_its_connection_is_kept_as_it_is(
    db: None, acme_is_installed: None
) -> None:
    create_connection(draft(api_pass="tulip-7"), actor=ANN)
    assert Connection.objects.get().type.is_known
    vars(TYPES).pop("_found")
    sys.path.remove(next(path for path in sys.path if path.endswith("/site")))
    kept = Connection.objects.get()
    assert not kept.type.is_known
    assert kept.type.label == "acme_reports (unknown type)"
    assert kept.load().extra == {"api_pass": "tulip-7"}
    assert AuditEvent.objects.count() == 1


def test_an_entry_point_gives_a_type_several_or_a_function_of_them(
    install: Install, registry: Registry
) -> None:
    install("one", MADE + "TYPES = made('one')", group=GROUP)
    install("two", MADE + "TYPES = [made('two'), made('three')]", group=GROUP)
    install("four", MADE + "def TYPES():\n    yield made('four')", group=GROUP)
    install("five", MADE + "def TYPES():\n    return made('five')", group=GROUP)
    assert registry.problems == ()
    assert {name: registry[name].origin for name in ("one", "two", "three", "four", "five")} == {
        "one": "one",
        "two": "two",
        "three": "two",
        "four": "four",
        "five": "five",
    }


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("TYPES = (", "SyntaxError: '(' was never closed"),
        ("", "AttributeError: module 'acme_broken' has no attribute 'TYPES'"),
        ("TYPES = 5", "TypeError: 'int' object is not iterable"),
        ("TYPES = ['text']", "it gives a str, which is no ConnectionType"),
        ("def TYPES(): return 1 / 0", "ZeroDivisionError: division by zero"),
        ("def TYPES():\n    yield made('x')\n    raise OSError('no disk')", "OSError: no disk"),
        (
            "TYPES = made('x', TypeField('a', 'A'), TypeField('a', 'B'))",
            "x: the field a is declared twice",
        ),
        ("TYPES = made('x', TypeField('a', 'A', kind='colour'))", "x.a: there is no kind colour"),
        ("TYPES = made('x', TypeField('a', 'A', group='top'))", "x.a: there is no group top"),
        (
            "TYPES = made('x', TypeField('a', 'A', kind='secret'))",
            "x.a: a field of the kind secret is secret",
        ),
        ("TYPES = made('x', None)", "AttributeError: 'NoneType' object has no attribute 'name'"),
    ],
    ids=range(12),
)
def test_a_broken_package_is_told_and_stops_nothing(
    install: Install, registry: Registry, code: str, words: str
) -> None:
    install("acme-broken", MADE + code, group=GROUP)
    install("acme-fine", MADE + "TYPES = made('fine')", group=GROUP)
    (problem,) = registry.problems
    assert problem.package == "acme-broken"
    assert problem.words.startswith(words)
    assert "fine" in registry
    assert "x" not in registry
    assert set(registry) >= set(TYPES)


def test_a_first_class_type_is_never_replaced_but_an_entry_of_the_catalogue_is(
    install: Install, registry: Registry
) -> None:
    install("acme-a", MADE + "TYPES = [made('http'), made('salesforce'), made('x')]", group=GROUP)
    install("acme-b", MADE + "TYPES = made('x')", group=GROUP)
    assert registry["http"].origin == "patchbay"
    assert registry["salesforce"].origin == "acme-a"
    assert registry["x"].origin == "acme-a"
    assert [(each.package, each.words) for each in registry.problems] == [
        ("acme-a", "the type http is declared by patchbay already"),
        ("acme-b", "the type x is declared by acme-a already"),
    ]


def test_the_words_of_a_problem_are_not_endless(install: Install, registry: Registry) -> None:
    install("acme-loud", "raise ValueError('x' * 10_000)", group=GROUP)
    assert len(registry.problems[0].words) == 300


def test_a_system_check_tells_what_is_broken(install: Install) -> None:
    assert not [each for each in run_checks() if each.id == "patchbay.W001"]
    install("acme-broken-too", "import no_such_module", group=GROUP)
    vars(TYPES).pop("_found", None)
    try:
        (found,) = [each for each in run_checks() if each.id == "patchbay.W001"]
    finally:
        vars(TYPES).pop("_found")
    assert found.msg == (
        "Connection types of acme-broken-too are missing: "
        "ModuleNotFoundError: No module named 'no_such_module'."
    )
    assert found.hint
    assert "kept as they are" in found.hint
