"""The stored connection."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone

from connections.fields import SecretModel, SecretTextField
from connections.types import type_of
from connections.types.base import ConnectionType, LoadedConnection

#: The rule of Airflow's REST API, taken everywhere (docs/adr/0004-conn-id.md).
CONN_ID_PATTERN = r"^[\w.-]+\Z"
CONN_ID_MAX_LENGTH = 200
MOST_SESSIONS = 10_000


class Connection(SecretModel):
    """Where and how to reach a service, named by ``conn_id``.

    ``login``, ``password``, ``schema`` and ``extra`` are encrypted (a schema is
    no secret, but some types keep one there); ``extra`` is the text of a JSON
    object. ``version`` grows by one with every saved change, and a run records
    which one it used. ``max_sessions`` is how many tasks may have a session of it
    at once; null for any number. ``secret_facts`` says for each secret that is set when, by
    whom and in which version: it is all that pages show.
    """

    conn_id = models.CharField(
        "connection ID",
        max_length=CONN_ID_MAX_LENGTH,
        unique=True,
        validators=[
            RegexValidator(CONN_ID_PATTERN, "Only letters, digits, dashes, dots and underscores.")
        ],
    )
    conn_type = models.CharField("type", max_length=500)
    description = models.TextField(blank=True)
    host = models.CharField(max_length=500, blank=True)
    schema = SecretTextField(blank=True, null=True)
    login = SecretTextField(blank=True, null=True)
    password = SecretTextField(blank=True, null=True)
    port = models.PositiveIntegerField(
        blank=True, null=True, validators=[MaxValueValidator(65_535)]
    )
    extra = SecretTextField(blank=True, null=True)
    secret_facts = models.JSONField(default=dict, editable=False)
    #: What the list shows of the target: host, or the project; never a secret.
    target = models.CharField(max_length=500, blank=True, editable=False)
    team = models.CharField(max_length=100, blank=True)
    expires_at = models.DateTimeField(blank=True, null=True)
    is_disabled = models.BooleanField("disabled", default=False)
    max_sessions = models.PositiveIntegerField(
        "sessions at once",
        blank=True,
        null=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_SESSIONS)],
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )

    class Meta:
        ordering: ClassVar = ["conn_id"]
        permissions: ClassVar = [
            ("test_connection", "Can test connections"),
            ("import_connection", "Can import connections"),
            ("export_connection", "Can export connections, their secrets redacted"),
            ("export_secrets", "Can export connections with their secrets"),
        ]
        indexes: ClassVar = [
            # All that the list counts by, so that it needn't read the wide rows for that.
            models.Index(
                fields=["conn_type", "team", "is_disabled", "expires_at", "version", "id"],
                name="connection_list",
            )
        ]

    def __str__(self) -> str:
        return self.conn_id

    @property
    def type(self) -> ConnectionType:
        return type_of(self.conn_type)

    @property
    def type_label(self) -> str:
        return self.type.label

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    def load(self) -> LoadedConnection:
        """Decrypt. Raise ``SecretsUnreadable`` when no configured key fits."""
        return replace(
            self.load_plain(),
            schema=self.schema or "",
            login=self.login or "",
            password=self.password or "",
            extra=json.loads(self.extra) if self.extra else {},
        )

    def load_plain(self) -> LoadedConnection:
        """What of it lies in clear, for one that can't be decrypted."""
        return LoadedConnection(
            conn_id=self.conn_id,
            conn_type=self.conn_type,
            description=self.description,
            host=self.host,
            port=self.port,
            max_sessions=self.max_sessions,
            version=self.version,
        )


class ConnectionTestState(models.TextChoices):
    """Airflow's states of a connection test."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


class ConnectionTest(SecretModel):
    """One test of a connection, on a worker.

    ``connection`` and ``version`` say what was tested; both are empty for a
    draft that isn't saved, which travels encrypted in ``draft`` and is dropped
    at the end. ``stages`` holds what was tried: name, state, words, seconds.
    ``digest`` is the SHA-256 of the token by which who asked may ask again.
    """

    connection = models.ForeignKey(
        Connection, models.CASCADE, null=True, related_name="tests", editable=False
    )
    version = models.PositiveIntegerField(null=True, editable=False)
    conn_id = models.CharField(max_length=CONN_ID_MAX_LENGTH, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    draft = SecretTextField(blank=True, null=True, editable=False)
    state = models.CharField(
        max_length=10,
        choices=ConnectionTestState.choices,
        default=ConnectionTestState.PENDING,
        editable=False,
    )
    code = models.CharField(max_length=100, blank=True, editable=False)
    message = models.TextField(blank=True, editable=False)
    stages = models.JSONField(default=list, editable=False)
    worker = models.CharField(max_length=200, blank=True, editable=False)
    requested_by = models.CharField(max_length=150, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]
        indexes: ClassVar = [
            # All that tells a connection's health: connections/health.py.
            models.Index(
                fields=["connection", "-created_at", "version", "state", "code"],
                name="connection_health",
            )
        ]

    def __str__(self) -> str:
        return f"test of {self.conn_id}, {self.state}"

    @property
    def is_done(self) -> bool:
        return self.state in (ConnectionTestState.SUCCESS, ConnectionTestState.FAILED)

    @property
    def failed_stage(self) -> dict[str, Any] | None:
        """Where it failed, or ``None`` if it didn't or wasn't begun."""
        return next((stage for stage in self.stages if stage["state"] == "failed"), None)


class ParkedText(SecretModel):
    """A text with secrets that waits, encrypted, for the next click of whoever sent it.

    A page can ask "Import these?" without sending the file back to the browser.
    ``digest`` is the SHA-256 of the handle that the page holds instead.
    """

    digest = models.CharField(max_length=64, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", editable=False
    )
    purpose = models.CharField(max_length=30, editable=False)
    text = SecretTextField(editable=False)
    created_at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)

    def __str__(self) -> str:
        return f"{self.purpose} of {self.user}"
