"""A connection that expires."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections.exceptions import ConnectionFailure
from connections.models import Connection
from connections.services import get_connection

pytestmark = pytest.mark.django_db
FORM = {"method": "default", "project": "acme-reports", "description": ""}


def test_the_form_sets_when_a_connection_expires(admin_client: Client, connect: Any) -> None:
    connect(project="acme-reports")
    form = {**FORM, "version": "1", "expires_at": "2999-01-31 18:00"}
    answer = admin_client.post("/connections/my_gcp_conn/edit/", form)
    assert answer.status_code == 302
    stored = Connection.objects.get()
    assert stored.expires_at is not None
    assert stored.expires_at.isoformat() == "2999-01-31T18:00:00+00:00"
    assert stored.version == 2
    page = admin_client.get("/connections/my_gcp_conn/edit/").content.decode()
    assert "2999-01-31 18:00:00" in page


def test_what_is_no_date_is_refused_at_its_field(admin_client: Client, connect: Any) -> None:
    connect(project="acme-reports")
    form = {**FORM, "version": "1", "expires_at": "soon"}
    answer = admin_client.post("/connections/my_gcp_conn/edit/", form)
    assert answer.status_code == 422
    assert "for example 2027-01-31 18:00" in answer.content.decode()
    assert Connection.objects.get().version == 1


def test_an_expired_connection_is_not_given_to_a_task(connect: Any) -> None:
    connect(project="acme-reports")
    now = timezone.now()
    Connection.objects.update(expires_at=now + timedelta(hours=1))
    assert get_connection("my_gcp_conn").conn_id == "my_gcp_conn"
    Connection.objects.update(expires_at=now - timedelta(seconds=1))
    with pytest.raises(ConnectionFailure) as failure:
        get_connection("my_gcp_conn")
    assert failure.value.code == "connection:expired"
