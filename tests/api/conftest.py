from __future__ import annotations

import pytest

from tests.api.calls import Caller


@pytest.fixture
def admin(db: None) -> Caller:
    return Caller("Admin")
