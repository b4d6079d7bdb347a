"""Looks whether the words of a failure of a database are whole, and hold no secret."""

from __future__ import annotations

from connections.diagnosis import CATALOGUE, explain
from connections.exceptions import Failure


def assert_words(failure: Failure) -> None:
    assert failure.code in CATALOGUE
    words = explain(failure.code, failure.facts)
    for text in (words.short, words.happened, words.cause, words.remedy):
        assert text
        # What a fact that is missing shows as.
        assert "?" not in text.replace("? or :name", "")
    assert "s3cret" not in f"{failure.facts} {failure.vendor_message}"
