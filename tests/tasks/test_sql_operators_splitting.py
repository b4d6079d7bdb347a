"""A text of SQL is split into statements, and into nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.operators.sql_splitting import statements_in

DIALECTS = ("postgres", "mysql", "sqlite")
PLAIN = st.sampled_from(
    ["SELECT 1", "SELECT ';'", "SELECT 'it''s; so'", "UPDATE a SET b = 2 /* ; */", 'DROP ";"']
)


@pytest.mark.parametrize("dialect", DIALECTS)
@given(statements=st.lists(PLAIN), between=st.sampled_from([";", ";\n", " ; -- x;\n", ";;\n;"]))
def test_statements_that_are_joined_come_apart_again(
    dialect: str, statements: list[str], between: str
) -> None:
    found = statements_in(between.join(statements), dialect)
    # A comment that stands between two belongs to the second.
    assert [each.removeprefix("-- x;\n") for each in found] == statements


@pytest.mark.parametrize("dialect", DIALECTS)
@given(text=st.text(alphabet="a;'\"`$[]-/*\\\n#E ", max_size=40))
def test_nothing_but_semicolons_and_comments_is_lost(dialect: str, text: str) -> None:
    kept = "".join(statements_in(text, dialect))
    left = iter(text)
    assert all(sign in left for sign in kept)


@pytest.mark.parametrize(
    ("dialect", "text", "count"),
    [
        ("postgres", "DO $$ BEGIN a; b; END $$; SELECT 1", 2),
        ("postgres", "SELECT $x$ ; $$ ; $x$; SELECT $1", 2),
        ("postgres", r"SELECT E'\';'; SELECT 2", 2),
        ("postgres", r"SELECT '\'; SELECT 2", 2),
        ("postgres", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END; X", 2),
        ("postgres", "BEGIN; SELECT 1; END; COMMIT", 4),
        ("mysql", r"SELECT '\';'; SELECT 2", 2),
        ("mysql", "SELECT `;`; # a;\nSELECT 5--3; SELECT 2", 3),
        (
            "mysql",
            "CREATE PROCEDURE p() BEGIN IF a THEN b; ELSE c; END IF; "
            "WHILE a DO b; END WHILE; CASE a WHEN 1 THEN b; END CASE; END; CALL p()",
            2,
        ),
        (
            "sqlite",
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET c = CASE WHEN 1 THEN 2 END; "
            "DELETE FROM d; END; SELECT 1",
            2,
        ),
        ("sqlite", "SELECT [;]; SELECT `;`", 2),
        ("sqlite", "SELECT 'no end; SELECT 2", 1),
        ("sqlite", "/* no end; SELECT 2", 0),
    ],
)
def test_what_holds_a_semicolon_stays_whole(dialect: str, text: str, count: int) -> None:
    assert len(statements_in(text, dialect)) == count
