"""Somebody can always manage users, also when two Admins act at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from access.audit import Actor
from access.roles import active_admins
from access.users import Refused, change_role, delete_user, set_active
from tests.roles import user_of

BY = Actor("tester")
ACTS: dict[str, Callable[[Any], None]] = {
    "demote": lambda user: change_role(user, "Viewer", actor=BY),
    "deactivate": lambda user: set_active(user, is_active=False, actor=BY),
    "delete": lambda user: delete_user(user, actor=BY),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_go_at_once_one_stays(act: Callable[[Any], None]) -> None:
    both = [user_of("Admin", name) for name in ("ann", "bob")]
    start, refused = threading.Barrier(2), list[str]()

    def go(user: Any) -> None:
        start.wait()
        try:
            act(user)
        except Refused as error:
            refused.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=(user,)) for user in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert active_admins().count() == 1
    assert len(refused) == 1


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.django_db
def test_a_superuser_is_an_admin_who_may_be_the_last(act: Callable[[Any], None]) -> None:
    root, ann = user_of("", "root"), user_of("Admin", "ann")
    root.is_superuser = True
    root.save()
    act(ann)
    with pytest.raises(Refused):
        act(root)
    assert active_admins().get() == root
