#!/usr/bin/env python
"""Patchbay's command line."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "patchbay.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # What the person at the terminal can mend, in one line and without a traceback.
        sys.exit(f"Patchbay can't start: {error}")


if __name__ == "__main__":
    main()
