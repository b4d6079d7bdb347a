"""What the database holds of a secret, and who can read it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings as django_settings
from django.db.models import F
from django.forms import model_to_dict

from connections.exceptions import SecretsUnreadable
from connections.fields import Ciphertext
from connections.models import Connection
from tests.connections.conftest import SECRET, tokens

pytestmark = pytest.mark.django_db


def fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in django_settings.FIELD_ENCRYPTION_KEY])


def test_the_database_holds_a_token_and_not_the_text(stored: Connection) -> None:
    login, password, extra = tokens()
    assert login is None
    assert SECRET not in password
    assert password.startswith("gAAAA")
    assert fernet().decrypt(password).decode() == SECRET
    assert fernet().decrypt(extra).decode() == '{"project": "acme-reports"}'


@pytest.mark.parametrize(
    "text",
    [
        "Grüße, 日本語, 🔑",
        "line\nline\r\nline\rend\n",
        "\t leading and trailing \n",
        "x" * 100_000,
        "\\n is two characters",
        "***",
        "None",
    ],
    ids=["unicode", "newlines", "spaces", "100 kB", "backslash", "stars", "a word"],
)
def test_a_text_comes_back_byte_for_byte(stored: Connection, text: str) -> None:
    stored.password = text
    stored.save()
    assert Connection.objects.get().password == text


def test_none_and_an_empty_text_are_kept_apart(stored: Connection) -> None:
    Connection.objects.create(conn_id="empty", conn_type="x", login="", password=None)
    empty = Connection.objects.get(conn_id="empty")
    assert empty.login == ""
    assert empty.password is None
    assert tokens("empty")[0].startswith("gAAAA")
    assert tokens("empty")[1] is None
    nothing = Connection.objects.filter(password__isnull=True)
    assert [row.conn_id for row in nothing] == ["empty"]
    assert list(Connection.objects.filter(password__isnull=False)) == [stored]


def test_a_value_that_looks_like_a_token_is_stored_and_read_as_it_is(stored: Connection) -> None:
    lookalike = fernet().encrypt(b"inner").decode()
    stored.password = lookalike
    assert stored.password == lookalike
    stored.full_clean()
    stored.save()
    assert Connection.objects.get().password == lookalike
    assert tokens()[1] != lookalike


def test_the_first_key_writes_and_every_key_reads(stored: Connection, settings: Any) -> None:
    old = settings.FIELD_ENCRYPTION_KEY[0]
    new = Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEY = [new, old]
    again = Connection.objects.get()
    assert again.password == SECRET
    again.password = "rotated"
    again.save()
    _, password, extra = tokens()
    assert Fernet(new).decrypt(password) == b"rotated"
    assert Fernet(old).decrypt(extra) == b'{"project": "acme-reports"}'


def test_a_list_of_a_thousand_rows_decrypts_nothing(db: None, decryptions: list[str]) -> None:
    Connection.objects.bulk_create(
        Connection(conn_id=f"c{number}", conn_type="x", password="p", extra="{}")
        for number in range(1000)
    )
    rows = list(Connection.objects.all())
    assert len(rows) == 1000
    assert not decryptions
    assert rows[7].password == "p"
    assert len(decryptions) == 1


# A key that was lost


def test_a_lost_key_is_an_error_that_names_connection_and_field(
    stored: Connection, lose_keys: Callable[[], None]
) -> None:
    lose_keys()
    with pytest.raises(SecretsUnreadable) as error:
        _ = Connection.objects.get().password
    assert error.value.code == "connection:secrets-unreadable"
    assert error.value.facts == {"conn_id": "my_gcp_conn", "field": "password"}
    assert SECRET not in repr(error.value)
    assert tokens()[1] not in repr(error.value)


def change_and_save(row: Connection) -> None:
    row.description = "changed"
    row.save()


def save_one_field(row: Connection) -> None:
    row.description = "changed"
    row.save(update_fields=["description"])


def bulk_update_another_field(row: Connection) -> None:
    row.description = "changed"
    Connection.objects.bulk_update([row], ["description"])


def update_another_field(row: Connection) -> None:
    Connection.objects.update(description="changed")


def update_or_create(row: Connection) -> None:
    Connection.objects.update_or_create(conn_id=row.conn_id, defaults={"description": "changed"})


def refresh_and_save(row: Connection) -> None:
    row.refresh_from_db()
    change_and_save(row)


@pytest.mark.parametrize(
    "act",
    [
        change_and_save,
        save_one_field,
        bulk_update_another_field,
        update_another_field,
        update_or_create,
        refresh_and_save,
    ],
)
def test_saving_other_columns_leaves_what_cannot_be_read_as_it_is(
    stored: Connection, lose_keys: Callable[[], None], act: Callable[[Connection], None]
) -> None:
    before = tokens()
    lose_keys()
    act(Connection.objects.get())
    assert Connection.objects.get().description == "changed"
    assert tokens() == before


def test_saving_unchanged_writes_the_very_same_tokens(stored: Connection) -> None:
    before = tokens()
    assert stored.password == SECRET
    stored.save()
    assert tokens() == before


def test_bulk_update_of_an_unreadable_secret_changes_nothing(
    stored: Connection, lose_keys: Callable[[], None]
) -> None:
    before = tokens()
    lose_keys()
    with pytest.raises(SecretsUnreadable):
        Connection.objects.bulk_update([Connection.objects.get()], ["password"])
    assert tokens() == before


def test_a_secret_that_cannot_be_read_can_be_replaced(
    stored: Connection, lose_keys: Callable[[], None]
) -> None:
    extra = tokens()[2]
    lose_keys()
    row = Connection.objects.get()
    row.password = "new"
    row.save()
    assert Connection.objects.get().password == "new"
    assert tokens()[2] == extra


# How instances are read and copied


def test_a_deferred_secret_is_fetched_when_it_is_read(
    stored: Connection, django_assert_num_queries: Any
) -> None:
    row = Connection.objects.defer("password").get()
    with django_assert_num_queries(1):
        assert row.password == SECRET
    with django_assert_num_queries(0):
        assert row.password == SECRET
    only = Connection.objects.only("conn_id").get()
    only.save()
    assert Connection.objects.get().password == SECRET


def test_a_refresh_decrypts_nothing_and_shows_what_is_stored_now(
    stored: Connection, decryptions: list[str]
) -> None:
    Connection.objects.update(password="newer", description="newer")
    stored.refresh_from_db()
    assert stored.description == "newer"
    assert not decryptions
    assert stored.password == "newer"
    Connection.objects.update(password="newest")
    stored.refresh_from_db(fields=["password"])
    assert stored.password == "newest"


@pytest.mark.parametrize("how", ["get", "in_bulk", "get_or_create", "iterator", "for_update"])
def test_every_way_to_read_gives_the_secret(stored: Connection, how: str) -> None:
    rows = Connection.objects
    found: dict[str, Callable[[], Any]] = {
        "get": rows.get,
        "in_bulk": lambda: rows.in_bulk([stored.pk])[stored.pk],
        "get_or_create": lambda: rows.get_or_create(conn_id=stored.conn_id)[0],
        "iterator": lambda: next(rows.iterator()),
        "for_update": lambda: rows.select_for_update().get(),
    }
    assert found[how]().password == SECRET


def test_every_way_to_make_a_row_encrypts(db: None) -> None:
    rows = Connection.objects
    rows.create(conn_id="a", conn_type="x", password=SECRET)
    rows.get_or_create(conn_id="b", defaults={"conn_type": "x", "password": SECRET})
    rows.update_or_create(conn_id="c", defaults={"conn_type": "x", "password": SECRET})
    rows.bulk_create([Connection(conn_id="d", conn_type="x", password=SECRET)])
    rows.bulk_create(
        [Connection(conn_id="a", conn_type="x", password=SECRET + "2")],
        update_conflicts=True,
        unique_fields=["conn_id"],
        update_fields=["password"],
    )
    for conn_id in "abcd":
        assert tokens(conn_id)[1].startswith("gAAAA")
    assert [row.password for row in rows.all()] == [SECRET + "2", SECRET, SECRET, SECRET]


def test_a_copy_of_an_instance_keeps_its_secrets(stored: Connection) -> None:
    stored.pk = None
    stored._state.adding = True
    stored.conn_id = "copy"
    stored.save()
    assert Connection.objects.get(conn_id="copy").password == SECRET


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_clone_in_memory_reads_the_secret_and_does_not_carry_it_in_clear(
    stored: Connection, clone: Callable[[Connection], Connection]
) -> None:
    assert clone(stored).password == SECRET
    assert SECRET.encode() not in pickle.dumps(stored)


def test_nothing_that_shows_an_instance_shows_its_secret() -> None:
    row = Connection(conn_id="a", conn_type="x", password=SECRET, login=SECRET, extra=SECRET)
    row.save()
    read = Connection.objects.get()
    assert read.password == SECRET
    read.refresh_from_db()
    assert read.password == SECRET
    values = Connection.objects.values("password", "login", "extra")
    listed = Connection.objects.values_list("password", flat=True)
    for instance in (row, read):
        shown = [str(instance), repr(instance), str(vars(instance)), str(model_to_dict(instance))]
        for text in [*shown, str(list(values)), repr(list(listed)), f"{listed[0]}"]:
            assert SECRET not in text
            assert SECRET[:6] not in text
    assert listed[0] == Ciphertext(tokens("a")[1])
    assert "password" in model_to_dict(read)


def test_the_order_by_a_secret_is_harmless(stored: Connection) -> None:
    assert list(Connection.objects.order_by("password", F("extra").desc())) == [stored]


def test_the_migration_names_the_field_without_keys_or_lengths() -> None:
    name, path, args, kwargs = Connection._meta.get_field("password").deconstruct()
    assert (name, path, args) == ("password", "connections.fields.SecretTextField", [])
    assert kwargs == {"blank": True, "null": True}


def test_a_field_that_is_not_text_is_stored_as_its_text(stored: Connection) -> None:
    stored.password = 7  # type: ignore[assignment]
    stored.save()
    assert Connection.objects.get().password == "7"
