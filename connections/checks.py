"""What is wrong with this installation's connections, for ``manage.py check``."""

from __future__ import annotations

from typing import Any

from django.core import checks

from connections.types import TYPES

#: The tag of the checks of packages: the ones that a command makes before it begins. All the
#: others load every page and call first, which takes most of a second.
PACKAGES = "packages"


def check_packages(**_: Any) -> list[checks.CheckMessage]:
    """patchbay.W001: a package that offers connection types is broken. The others work."""
    return [
        checks.Warning(
            f"Connection types of {problem.package} are missing: {problem.words}.",
            hint="Update or remove the package. Connections of its types are kept as they are.",
            id="patchbay.W001",
        )
        for problem in TYPES.problems
    ]
