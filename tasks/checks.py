"""What is wrong with this installation's operators, for ``manage.py check``."""

from __future__ import annotations

from typing import Any

from django.core import checks

from tasks.operators import OPERATORS


def check_packages(**_: Any) -> list[checks.CheckMessage]:
    """patchbay.W002: a package that offers operators is broken. The others work."""
    return [
        checks.Warning(
            f"Operators of {problem.package} are missing: {problem.words}.",
            hint="Update or remove the package. DAGs that use its operators can't run until then.",
            id="patchbay.W002",
        )
        for problem in OPERATORS.problems
    ]
