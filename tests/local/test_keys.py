"""The keys: made once and privately, checked at each start, never shown."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from patchbay.local.errors import LocalError
from patchbay.local.keys import Keys, new_fernet_key, prepare_keys


@pytest.fixture
def warnings() -> list[str]:
    return []


def prepare(folder: Path, warnings: list[str]) -> Keys:
    return prepare_keys(folder / "keys", database=folder / "patchbay.sqlite3", warn=warnings.append)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_keys_are_made_private_whatever_the_umask_is(
    tmp_path: Path, warnings: list[str]
) -> None:
    before = os.umask(0)
    try:
        keys = prepare(tmp_path, warnings)
    finally:
        os.umask(before)
    assert mode(tmp_path / "keys") == 0o700
    assert mode(keys.secret_key) == mode(keys.field_encryption_keys) == 0o600
    Fernet(keys.field_encryption_keys.read_text().strip())
    assert len(keys.secret_key.read_text().strip()) >= 50
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == [
        "field_encryption_keys",
        "secret_key",
    ]
    assert warnings == []


def test_a_second_start_keeps_the_keys(tmp_path: Path, warnings: list[str]) -> None:
    keys = prepare(tmp_path, warnings)
    before = keys.field_encryption_keys.read_text(), keys.secret_key.read_text()
    prepare(tmp_path, warnings)
    assert (keys.field_encryption_keys.read_text(), keys.secret_key.read_text()) == before


def test_several_keys_one_a_line_are_taken(tmp_path: Path, warnings: list[str]) -> None:
    keys = prepare(tmp_path, warnings)
    text = f"{new_fernet_key()}\n\n{new_fernet_key()}"
    keys.field_encryption_keys.write_text(text)
    prepare(tmp_path, warnings)
    assert keys.field_encryption_keys.read_text() == text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"\n \n", "it is empty"),
        (b"not a key\n", "line 1 is not a Fernet key"),
        (b"A" * 43 + b"\n", "line 1 is not a Fernet key"),
        (b"A" * 43 + b"=\nA\n", "line 2 is not a Fernet key"),
        (b"+" * 43 + b"=\n", "line 1 is not a Fernet key"),
        (b"\xff\xfe\x00", "it is not text"),
    ],
)
def test_a_corrupt_encryption_key_is_refused_and_left_as_it_is(
    tmp_path: Path, warnings: list[str], content: bytes, words: str
) -> None:
    keys = prepare(tmp_path, warnings)
    keys.field_encryption_keys.write_bytes(content)
    with pytest.raises(LocalError, match=words) as raised:
        prepare(tmp_path, warnings)
    assert str(keys.field_encryption_keys) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert keys.field_encryption_keys.read_bytes() == content


def test_a_refusal_does_not_show_the_key(tmp_path: Path, warnings: list[str]) -> None:
    keys = prepare(tmp_path, warnings)
    keys.field_encryption_keys.write_text("cut-short-secret")
    with pytest.raises(LocalError) as raised:
        prepare(tmp_path, warnings)
    assert "cut-short-secret" not in str(raised.value)


def test_a_secret_key_that_is_too_short_is_refused(tmp_path: Path, warnings: list[str]) -> None:
    keys = prepare(tmp_path, warnings)
    keys.secret_key.write_text("short")
    with pytest.raises(LocalError, match="secret_key is corrupt"):
        prepare(tmp_path, warnings)
    assert keys.secret_key.read_text() == "short"


def test_a_key_that_can_not_be_read_is_refused(tmp_path: Path, warnings: list[str]) -> None:
    (tmp_path / "keys" / "secret_key").mkdir(parents=True)
    with pytest.raises(LocalError, match="secret_key can't be read: Is a directory"):
        prepare(tmp_path, warnings)


def test_a_key_that_others_can_read_is_closed_to_them_with_a_warning(
    tmp_path: Path, warnings: list[str]
) -> None:
    keys = prepare(tmp_path, warnings)
    keys.field_encryption_keys.chmod(0o644)
    prepare(tmp_path, warnings)
    assert mode(keys.field_encryption_keys) == 0o600
    assert warnings == [f"Others could read {keys.field_encryption_keys}; its mode is 0600 now."]


def test_a_lost_encryption_key_is_not_replaced_while_there_is_a_database(
    tmp_path: Path, warnings: list[str]
) -> None:
    keys = prepare(tmp_path, warnings)
    (tmp_path / "patchbay.sqlite3").touch()
    keys.field_encryption_keys.unlink()
    with pytest.raises(LocalError, match="put it back, or move the database away"):
        prepare(tmp_path, warnings)
    assert not keys.field_encryption_keys.exists()
