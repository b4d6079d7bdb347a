"""What a run may be given: checked against the schemas, and asked for by a form."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tasks.models import DagRun
from tasks.params import ParamsRefused, checked_params
from tasks.spec import DagSpec
from tasks.views.param_fields import fields_of
from tests.tasks.dag_world import save, task

PARAMS = {"day": "2026-01-31", "rows": 10, "mode": "full", "deep": True, "more": {"a": [1]}}
SCHEMAS: dict[str, Any] = {
    "day": {"type": "string", "format": "date", "title": "Day", "description": "Which day."},
    "rows": {"type": "integer", "minimum": 1, "maximum": 100},
    "mode": {"enum": ["full", "delta", 3], "values_display": {"full": "All of it"}},
    "at": {"type": ["null", "string"], "format": "date-time"},
}
GOOD = {
    "with_params": "1",
    "param-day": "2026-02-01",
    "param-rows": "7",
    "param-mode": "3",
    "param-more": '{"b": 2}',
    "param-at": "2026-02-01T10:00",
}


def spec(**more: Any) -> DagSpec:
    return DagSpec("asked", (task("a"),), **{"params": PARAMS, "param_schemas": SCHEMAS, **more})


def test_the_params_of_a_run_are_the_defaults_with_its_conf_over_them() -> None:
    found = checked_params(spec(), {"rows": 5, "at": None, "else": 1})
    assert found == {**PARAMS, "rows": 5, "at": None, "else": 1}


@pytest.mark.parametrize(
    ("conf", "name", "words"),
    [
        ({"rows": "5"}, "rows", "a whole number"),
        ({"rows": 0}, "rows", "at least 1"),
        ({"rows": 101}, "rows", "at most 100"),
        ({"rows": True}, "rows", "a whole number"),
        ({"day": "yesterday"}, "day", "a date such as"),
        ({"mode": "frob"}, "mode", 'one of "full", "delta", 3'),
        ({"at": "2026-01-31T10:00:00"}, "at", "a moment such as"),
        ({"at": 5}, "at", "null or a text"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_words(
    conf: dict[str, Any], name: str, words: str
) -> None:
    with pytest.raises(ParamsRefused) as caught:
        checked_params(spec(), {"at": None, **conf})
    assert words in caught.value.errors[name]
    assert name in str(caught.value)


def test_a_param_without_a_default_must_be_given() -> None:
    with pytest.raises(ParamsRefused, match="at: A value is needed"):
        checked_params(spec(), {})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "frob"},
        {"pattern": "("},
        {"$ref": "http://127.0.0.1:9/x.json"},
        {"$ref": "#"},
        {"$ref": "#/nowhere"},
    ],
)
def test_a_schema_that_cannot_be_used_is_told_and_nothing_is_fetched(
    schema: dict[str, Any],
) -> None:
    with pytest.raises(ParamsRefused, match="Its schema in the DAG file can’t be used"):
        checked_params(spec(params={"x": 1}, param_schemas={"x": schema}), {})


def test_a_wrong_value_inside_an_object_is_named_by_its_place() -> None:
    schema = {"properties": {"n": {"items": {"type": "integer"}}}}
    with pytest.raises(ParamsRefused, match=r"x: n\.1: Must be a whole number"):
        checked_params(spec(params={}, param_schemas={"x": schema}), {"x": {"n": [1, "2"]}})


def test_each_param_is_a_field_by_its_schema_or_its_default() -> None:
    kinds = {field.name: field.kind for field in fields_of(spec())}
    assert kinds == {
        "day": "date",
        "rows": "number",
        "mode": "select",
        "deep": "checkbox",
        "more": "json",
        "at": "datetime-local",
    }


@pytest.mark.django_db
def test_the_form_makes_a_run_with_values_of_the_right_types(admin_client: Client) -> None:
    save(spec())
    html = admin_client.get("/dags/asked/trigger/").content.decode()
    assert "All of it" in html
    assert "Which day." in html
    answer = admin_client.post("/dags/asked/trigger/", {**GOOD, "conf": '{"else": 1}'})
    run = DagRun.objects.get()
    assert answer.headers["Location"] == f"/runs/{run.pk}/"
    assert run.conf == {
        "day": "2026-02-01",
        "rows": 7,
        "mode": 3,
        "deep": False,
        "more": {"b": 2},
        "at": "2026-02-01T10:00:00+00:00",
        "else": 1,
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "words", "kept"),
    [
        ({"param-rows": "many"}, "Must be a whole number.", 'value="many"'),
        ({"param-rows": "0"}, "Must be at least 1.", 'value="0"'),
        ({"param-more": "{"}, "line 1, column 2", ">{</textarea>"),
        ({"param-day": "2026-02-31"}, "a date such as", 'value="2026-02-31"'),
        ({"param-at": "soon"}, "a date with a time", 'value="soon"'),
        ({"param-mode": '"frob"'}, "one of", "All of it"),
        ({"conf": "["}, "conf is not JSON", ">[</textarea>"),
        ({"conf": '{"rows": 5}'}, "There is a field for rows above.", 'value="7"'),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_no_run_is_made(
    admin_client: Client, change: dict[str, str], words: str, kept: str
) -> None:
    save(spec())
    answer = admin_client.post("/dags/asked/trigger/", {**GOOD, **change})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert words in html
    assert kept in html
    assert 'aria-invalid="true"' in html
    assert not DagRun.objects.exists()


@pytest.mark.django_db
def test_a_trigger_at_once_of_a_dag_that_needs_a_value_leads_to_the_form(
    admin_client: Client,
) -> None:
    save(spec())
    answer = admin_client.post("/dags/asked/trigger/")
    assert answer.status_code == 422
    assert "A value is needed." in answer.content.decode()
    assert not DagRun.objects.exists()


@pytest.mark.django_db
def test_a_conf_that_breaks_a_schema_is_refused_without_the_form(admin_client: Client) -> None:
    save(spec())
    answer = admin_client.post("/dags/asked/trigger/", {"conf": '{"rows": 500, "else": 1}'})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "Must be at most 100." in html
    assert 'value="500"' in html
    assert "&quot;else&quot;: 1" in html
    assert not DagRun.objects.exists()
