"""Connections of every kind that is allowed, for tests of round trips."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from connections.validation import Draft

#: Anything that can be stored: no NUL, no half of a surrogate pair.
ANY_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
ODD_TEXTS = st.sampled_from(
    (
        "p@ss:w/rd#?&=+%;",
        "100%",
        "%41",
        "%zz",
        "line\nbreak\r\n\ttab",
        " leading and trailing ",
        "5",
        "007",
        "1e5",
        "1_000",
        "12:30:45",
        "0x1F",
        "true",
        "yes",
        "null",
        "~",
        "NaN",
        "-.inf",
        "2020-01-01",
        "<<",
        "=",
        "*alias",
        "&anchor",
        "!tag",
        "# comment",
        "- item",
        "a: b",
        "'single'",
        '"double"',
        "{}",
        '{"conn_type": "http"}',
        "[1, 2]",
        "\\n",
        "$HOME `id`",
        "\x7f\x85\u2028\ufeff",
        "Grüße, 世界 😀",
        "://",
    )
)
TEXTS = st.one_of(ODD_TEXTS, ANY_TEXT, st.just(""))
HOSTS = st.one_of(
    TEXTS,
    st.sampled_from(
        (
            "db.example.com",
            "DB.Example.COM",
            "Ärger.example.com",
            "::1",
            "[fe80::1%25eth0]",
            "https://Host.example.com/Path",
            "http://h:8080",
            "k8s://h",
            "S3://Bucket",
            "://",
            "https://",
            "a://b://c",
            "user:pw@host",
        )
    ),
)
SCALARS = st.one_of(
    TEXTS,
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)
NAMES = st.one_of(
    st.sampled_from(("__extra__", "", "project", "password", "Odd Key", "a=b&c", "ключ", "5")),
    TEXTS,
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
EXTRAS = st.dictionaries(NAMES, st.one_of(TEXTS, VALUES), max_size=4)
TYPES = st.sampled_from(
    ("generic", "unheard_of", "my-type", "My_Type", "postgresql", "5g", "a", "https", "ünknown")
)
CONN_IDS = st.from_regex(r"[\w.-]{1,20}", fullmatch=True).filter(lambda text: text.strip("."))
MOMENTS = st.one_of(
    st.none(), st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
)


@st.composite
def drafts(draw: st.DrawFn, *, conn_id: str | None = None) -> Draft:
    return Draft(
        conn_id=conn_id or draw(CONN_IDS),
        conn_type=draw(TYPES),
        description=draw(TEXTS),
        host=draw(HOSTS),
        schema=draw(TEXTS),
        login=draw(TEXTS),
        password=draw(TEXTS),
        port=draw(st.one_of(st.none(), st.integers(1, 65_535))),
        extra=draw(EXTRAS),
        is_disabled=draw(st.booleans()),
        expires_at=draw(MOMENTS),
        max_sessions=draw(st.none() | st.integers(1, 10_000)),
    )
