"""The tables of docs/access.md say what access/rights.py says."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.contrib.auth.models import Group

from access.forms import ROLE_WORDS, SCOPE_WORDS
from access.rights import ROLES, SCOPES, WORDS, Right
from tests.roles import user_of
from tests.test_docs import rows_of


def test_the_table_of_roles_is_the_one_that_holds() -> None:
    rows = {row[0]: row[1:] for row in rows_of("access.md")}
    assert rows["right"] == list(ROLES)
    for right in Right:
        held = ["yes" if right in rights else "no" for rights in ROLES.values()]
        assert rows[WORDS[right]] == held


def test_every_scope_and_every_role_has_words() -> None:
    rows = {row[0] for row in rows_of("access.md")}
    assert set(SCOPES) <= rows
    assert set(SCOPE_WORDS) == set(SCOPES)
    assert set(ROLE_WORDS) == set(ROLES)


def test_each_role_holds_all_that_the_one_before_it_holds() -> None:
    held = list(ROLES.values())
    assert all(less < more for less, more in pairwise(held))


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_the_groups_that_the_migration_made_hold_these_rights_and_no_others(role: str) -> None:
    user = user_of(role)
    assert {right for right in Right if user.has_perm(right)} == ROLES[role]
    others = user.get_all_permissions() - set(Right)
    assert bool(others) == (role == "Admin")
    assert Group.objects.filter(name__in=ROLES).count() == len(ROLES)
