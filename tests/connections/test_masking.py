"""No text shows a secret, in whatever encoding it travels."""

from __future__ import annotations

import base64
import json
import logging
import sys
import threading
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest

from connections.masking import (
    Masker,
    encodings,
    is_secret_key_name,
    mask_secrets_in_use,
    named_secrets,
    redacted_text,
    secret_texts,
    secrets_in_use,
)
from connections.redaction import redacted_extra
from connections.types.base import ConnectionType, TypeField
from patchbay.logs import MaskingFormatter
from tests.connections.conftest import key_file

SECRET = 'tu/lip+7 "ä"\\n'
KEY = key_file()
PEM = KEY["private_key"]


def masker(*secrets: str) -> Masker:
    made = Masker()
    made.add(secrets)
    return made


@pytest.mark.parametrize(
    "encode",
    [
        str,
        repr,
        json.dumps,
        lambda text: json.dumps(text, ensure_ascii=False),
        quote,
        lambda text: quote(text, safe=""),
        quote_plus,
        lambda text: urlencode({"password": text}),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
        lambda text: f"  {text.strip()}  ",
    ],
)
def test_a_secret_is_masked_in_every_encoding(encode: Callable[[str], str]) -> None:
    for secret in (SECRET, PEM, "  padded secret\n"):
        text = f"before {encode(secret)} after"
        masked = masker(secret).text(text)
        assert "***" in masked
        assert masked.startswith("before")
        assert masked.endswith("after")
        for part in ("lip", PEM[40:80], "padded"):
            assert part not in masked


def test_every_line_of_a_key_is_masked_alone_and_its_frame_is_not() -> None:
    lines = PEM.strip().splitlines()
    masked = masker(PEM)
    for line in lines[1:-2]:
        for shown in (line, quote(line, safe=""), f"log: {line}\\"):
            assert line[5:40] not in masked.text(shown)
    assert masked.text(lines[0]) == lines[0] == "-----BEGIN PRIVATE KEY-----"
    escaped = masker(PEM.replace("\n", "\\n"))
    assert lines[5] not in escaped.text(f"got {lines[5]}")
    assert lines[5] not in escaped.text(PEM)


def test_a_short_value_is_left_because_it_would_mask_ordinary_words() -> None:
    assert masker("abc", "").text("abc abcd") == "abc abcd"
    assert masker("abcd").text("abc abcd") == "abc ***"
    assert not encodings("")


def test_the_longer_of_two_secrets_is_masked_whole() -> None:
    assert masker("tulip", "tulip-and-rose").text("tulip-and-rose, tulip") == "***, ***"
    late = masker("tulip")
    late.add({"tulip-and-rose"})
    late.add({"tulip"})
    assert late.text("tulip-and-rose") == "***"


def test_data_is_masked_at_any_depth_and_keeps_its_shape() -> None:
    data = {"a": ["x tulip", {"b": "tulip"}], "n": 5, "none": None, "t": ("tulip",), "ok": True}
    assert masker("tulip").data(data) == {
        "a": ["x ***", {"b": "***"}],
        "n": 5,
        "none": None,
        "t": ["***"],
        "ok": True,
    }


# What counts as secret


@pytest.mark.parametrize(
    "name", ["password", "API_KEY", "my_token", "x-Authorization", "aws_secret_access_key", "DSN"]
)
def test_a_name_that_contains_a_word_of_airflows_list_is_secret(name: str) -> None:
    assert is_secret_key_name(name)


@pytest.mark.parametrize("name", ["region", "project", "key_path", "timeout", "", "key"])
def test_another_name_is_not(name: str) -> None:
    assert not is_secret_key_name(name)


def test_of_a_key_file_the_private_key_is_secret_and_whose_it_is_is_not() -> None:
    for value in (KEY, json.dumps(KEY)):
        found = secret_texts(value)
        assert {KEY["private_key"], KEY["private_key_id"]} <= found
        assert not {KEY["client_email"], KEY["project_id"], KEY["token_uri"]} & found


def test_of_another_secret_object_every_text_is_secret() -> None:
    value = {"user": "u-tulip", "more": ["m-tulip", {"deep": "d-tulip"}], "pin": 123456, "n": 1}
    assert secret_texts(value) == {"u-tulip", "m-tulip", "d-tulip", "123456"}
    assert secret_texts('["l-tulip"]') == {'["l-tulip"]', "l-tulip"}
    assert secret_texts(True) == secret_texts(None) == set()
    assert secret_texts("{" * 10_000) == {"{" * 10_000}


def test_in_open_data_only_what_stands_under_a_secret_name_is_secret() -> None:
    data = {"region": "EU", "list": [{"password": "p-tulip"}], "text": '{"token": "t-tulip"}'}
    assert named_secrets(data) == {"p-tulip", "t-tulip"}


# In use by this process


def test_secrets_are_masked_while_they_are_in_use_and_as_long_as_anybody_uses_them() -> None:
    assert mask_secrets_in_use("tulip") == "tulip"
    with secrets_in_use({"tulip"}):
        with secrets_in_use({"tulip", "rose-7"}):
            assert mask_secrets_in_use("tulip rose-7") == "*** ***"
        assert mask_secrets_in_use("tulip rose-7") == "*** rose-7"
    assert mask_secrets_in_use("tulip") == "tulip"


def test_an_error_inside_the_block_ends_the_use_too() -> None:
    with pytest.raises(RuntimeError), secrets_in_use({"tulip"}):
        raise RuntimeError
    assert mask_secrets_in_use("tulip") == "tulip"


def test_what_one_thread_uses_every_thread_masks() -> None:
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with secrets_in_use({"tulip"}):
            inside.set()
            leave.wait(10)

    def come_and_go() -> None:
        for _ in range(200):
            with secrets_in_use({"tulip", "rose-7"}):
                assert mask_secrets_in_use("a tulip") == "a ***"

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(10)
    others = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join()
    assert mask_secrets_in_use("tulip rose-7") == "*** rose-7"
    leave.set()
    holder.join()
    assert mask_secrets_in_use("tulip") == "tulip"


def test_the_log_masks_arguments_and_tracebacks() -> None:
    try:
        raise ValueError(f"refused {PEM}")
    except ValueError:
        record = logging.LogRecord(
            "x", logging.ERROR, "f.py", 1, "sent %s to %r", ("tulip", ["tulip"]), sys.exc_info()
        )
    with secrets_in_use({"tulip", PEM}):
        line = MaskingFormatter("%(levelname)s %(message)s").format(record)
    assert line.startswith("ERROR sent *** to ['***']")
    assert "ValueError: refused ***" in line
    assert "tulip" not in line
    assert PEM[40:80] not in line


# For showing


def test_extras_are_redacted_by_declaration_first_and_then_by_name() -> None:
    extra = {
        "client_secret": "cs",
        "declared_plain_token": "shown: its type says that it is no secret",
        "project": "acme-reports",
        "api_key": {"a": 1},
        "deep": [{"password": None, "region": "EU"}],
        "text": '{"token": "t"}',
        "list": "[1, 2]",
    }
    fields = (
        TypeField("client_secret", "Client secret", kind="secret", secret=True),
        TypeField("declared_plain_token", "Plain token"),
        TypeField("project", "Project"),
    )
    declared = ConnectionType("tulips", "Tulips", "Other", "", fields)
    assert redacted_extra(declared, extra) == {
        "client_secret": "***",
        "declared_plain_token": "shown: its type says that it is no secret",
        "project": "acme-reports",
        "api_key": "***",
        "deep": [{"password": "***", "region": "EU"}],
        "text": "***",
        "list": "[1, 2]",
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a":1}', '{"a":1}'),
        ("", ""),
        ("{broken", "{broken"),
        ('[{"token": "t"}]', '[\n  {\n    "token": "***"\n  }\n]'),
        ('{"region": "EU", "password": "x", oops', '{"region": "EU", "password…'),
        ("{'API_KEY': 'x'}", "{'API_KEY…"),
        ("[" * 100_000, "[" * 100_000),
    ],
    ids=range(7),
)
def test_json_that_was_typed_is_shown_without_its_secrets(text: str, shown: str) -> None:
    assert redacted_text(text) == shown
