"""How pages say lengths of time."""

from __future__ import annotations

import pytest

from patchbay.templatetags.patchbay import duration, span


@pytest.mark.parametrize(
    ("seconds", "measured", "chosen"),
    [
        (0.25, "250 ms", "250 ms"),
        (10, "10.0 s", "10 s"),
        (12.5, "12.5 s", "12.5 s"),
        (300, "5 min 0 s", "5 min"),
        (320, "5 min 20 s", "5 min 20 s"),
        (600, "10 min 0 s", "10 min"),
        (3_600, "1 h 0 min", "1 h"),
        (5_400, "1 h 30 min", "1 h 30 min"),
    ],
)
def test_what_was_measured_is_exact_and_what_was_chosen_is_short(
    seconds: float, measured: str, chosen: str
) -> None:
    assert (duration(seconds), span(seconds)) == (measured, chosen)
