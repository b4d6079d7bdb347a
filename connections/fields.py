"""The model field that keeps a secret: encrypted at rest, decrypted only when it is read.

``django-encrypted-model-fields`` encrypts with a list of Fernet keys: the
first writes, all read. Its field hands back the ciphertext as the value when
no key fits, decrypts whole rows when a list is read, takes a value that looks
like a token for one, writes secrets in clear with ``dumpdata``, and encrypts
the text of an SQL expression. This subclass fails closed instead.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.expressions import Case, Value
from encrypted_model_fields.fields import EncryptedTextField

from connections.exceptions import SecretsUnreadable


@lru_cache(maxsize=8)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _crypter() -> MultiFernet:
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEY))


class Ciphertext:
    """A secret as the database holds it. It is never shown, also not by accident."""

    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token

    def decrypt(self) -> str:
        """Raise ``InvalidToken`` when no configured key fits."""
        return _crypter().decrypt(self.token.encode()).decode()

    def __repr__(self) -> str:
        return "<Ciphertext>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ciphertext) and other.token == self.token

    def __hash__(self) -> int:
        return hash(self.token)


class _SecretAttribute:
    """Decrypts when the attribute is read; the instance keeps only the ciphertext."""

    def __init__(self, field: SecretTextField) -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type | None = None) -> Any:
        if instance is None:
            return self
        name = self.field.attname
        if name not in instance.__dict__:
            instance.refresh_from_db(fields=[name])
        value = instance.__dict__[name]
        if not isinstance(value, Ciphertext):
            return value
        try:
            return value.decrypt()
        except (InvalidToken, UnicodeDecodeError):
            raise SecretsUnreadable(
                conn_id=getattr(instance, "conn_id", str(instance.pk)), field=name
            ) from None

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class SecretTextField(EncryptedTextField):  # type: ignore[misc]  # the library has no types
    """A text that only a configured key can read."""

    def contribute_to_class(self, cls: type[models.Model], name: str, **kwargs: Any) -> None:
        super().contribute_to_class(cls, name, **kwargs)
        setattr(cls, self.attname, _SecretAttribute(self))

    def from_db_value(self, value: str | None, *_: Any) -> Ciphertext | None:
        return None if value is None else Ciphertext(value)

    def to_python(self, value: Any) -> Any:
        """A text stays as it is, also one that looks like a token; a dump's value is unpacked."""
        if isinstance(value, dict) and set(value) == {"ciphertext"}:
            return Ciphertext(value["ciphertext"])
        return value

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if hasattr(value, "as_sql"):
            self._check_expression(value)
            return value
        if isinstance(value, Ciphertext):
            return value.token
        return None if value is None else _crypter().encrypt(str(value).encode()).decode()

    def value_from_object(self, obj: models.Model) -> Any:
        """Not decrypted: serializers and ``model_to_dict`` get no secret."""
        return obj.__dict__.get(self.attname)

    def value_to_string(self, obj: models.Model) -> Any:
        """What ``dumpdata`` writes: the ciphertext, marked as such by its shape."""
        value = self.value_from_object(obj)
        if value is None:
            return None
        return {"ciphertext": self.get_db_prep_save(value, None)}

    def get_lookup(self, lookup_name: str) -> Any:
        """Only ``isnull``: a comparison could never hold, and would send the secret in clear."""
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted: it can't be searched.")
        return super().get_lookup(lookup_name)

    def _check_expression(self, expression: Any) -> None:
        """Allow what ``bulk_update()`` builds, whose values are encrypted one by one."""
        if isinstance(expression, Value) and expression.output_field is self:
            return
        if isinstance(expression, Case):
            for case in expression.cases:
                self._check_expression(case.result)
            if isinstance(expression.default, Value) and expression.default.value is None:
                return
        raise FieldError(f"{self.name} is encrypted: it can't be set by an SQL expression.")
