"""The model field that keeps a secret: encrypted at rest, decrypted only when it is read.

``django-encrypted-model-fields`` encrypts with a list of Fernet keys: the
first writes, all read. Its field hands back the ciphertext as the value when
no key fits, decrypts whole rows when a list is read, takes a value that looks
like a token for one, writes secrets in clear with ``dumpdata``, and encrypts
the text of an SQL expression. This subclass fails closed instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.expressions import Case, Value
from django.db.models.functions import Cast
from encrypted_model_fields.fields import EncryptedTextField

from connections.exceptions import SecretsUnreadable

if TYPE_CHECKING:
    _TextField = models.TextField[str | None, str | None]
else:
    _TextField = EncryptedTextField  # the library has no types


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

    @classmethod
    def of(cls, text: str) -> Ciphertext:
        return cls(_crypter().encrypt(text.encode()).decode())

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
    """Encrypts when the attribute is set, and decrypts when it is read.

    So no instance holds a secret in clear, and an instance that is saved again
    writes the very ciphertext that it read.
    """

    def __init__(self, field: SecretTextField) -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value = self.field.stored(instance)
        if not isinstance(value, Ciphertext):
            return value
        try:
            return value.decrypt()
        except (InvalidToken, UnicodeDecodeError):
            raise SecretsUnreadable(
                conn_id=getattr(instance, "conn_id", str(instance.pk)), field=self.field.name
            ) from None

    def __set__(self, instance: models.Model, value: Any) -> None:
        is_kept = value is None or isinstance(value, Ciphertext) or _is_expression(value)
        instance.__dict__[self.field.attname] = value if is_kept else Ciphertext.of(str(value))


class SecretTextField(_TextField):
    """A text that only a configured key can read."""

    def contribute_to_class(self, cls: type[models.Model], name: str, *args: Any) -> None:
        super().contribute_to_class(cls, name, *args)
        setattr(cls, self.attname, _SecretAttribute(self))

    def stored(self, instance: models.Model) -> Any:
        """The ``Ciphertext`` or ``None`` that ``instance`` holds; fetched if it was deferred."""
        if self.attname not in instance.__dict__:
            rows = type(instance)._base_manager.using(instance._state.db).filter(pk=instance.pk)
            instance.__dict__[self.attname] = rows.values_list(self.attname, flat=True).get()
        return instance.__dict__[self.attname]

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        return self.stored(model_instance)

    def from_db_value(self, value: str | None, *_: Any) -> Ciphertext | None:
        return None if value is None else Ciphertext(value)

    def to_python(self, value: Any) -> Any:
        """A text stays as it is, also one that looks like a token; a dump's value is unpacked."""
        if isinstance(value, dict) and set(value) == {"ciphertext"}:
            return Ciphertext(value["ciphertext"])
        return value

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if _is_expression(value):
            if not self._encrypts(value):
                raise FieldError(f"{self.name} is encrypted: it can't be set by an SQL expression.")
            return value
        if value is None:
            return None
        return (value if isinstance(value, Ciphertext) else Ciphertext.of(str(value))).token

    def value_from_object(self, obj: models.Model) -> Any:
        """Not decrypted: serializers and ``model_to_dict`` get no secret."""
        return self.stored(obj)

    def value_to_string(self, obj: models.Model) -> Any:
        """What ``dumpdata`` writes: the ciphertext, marked as such by its shape."""
        token = self.get_db_prep_save(self.stored(obj), None)
        return None if token is None else {"ciphertext": token}

    def get_lookup(self, lookup_name: str) -> Any:
        """Only ``isnull``: a comparison could never hold, and would send the secret in clear."""
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted: it can't be searched.")
        return super().get_lookup(lookup_name)

    def _encrypts(self, expression: Any) -> bool:
        """Whether it is what ``bulk_update()`` builds, whose values are encrypted one by one."""
        if not isinstance(expression, Value | Cast | Case) or expression.output_field is not self:
            return False
        if isinstance(expression, Cast):
            return all(map(self._encrypts, expression.get_source_expressions()))
        if isinstance(expression, Case):
            default = expression.default
            is_null_else = isinstance(default, Value) and default.value is None
            return is_null_else and all(self._encrypts(case.result) for case in expression.cases)
        return True


class SecretModel(models.Model):
    """A model with secret fields, which ``refresh_from_db()`` doesn't decrypt either."""

    class Meta:
        abstract = True

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: Any = None,
    ) -> None:
        secret = {
            field.attname
            for field in self._meta.concrete_fields
            if isinstance(field, SecretTextField)
        }
        for name in secret if fields is None else secret.intersection(fields):
            # Django leaves alone what was deferred; it is fetched when it is read.
            self.__dict__.pop(name, None)
        others = None if fields is None else [name for name in fields if name not in secret]
        super().refresh_from_db(using, others, from_queryset)


def _is_expression(value: Any) -> bool:
    return hasattr(value, "resolve_expression") or hasattr(value, "as_sql")
