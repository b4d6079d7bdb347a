"""Patchbay's own calls about connections, which Airflow has not: types, and what uses one."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router
from pydantic import BaseModel, Field

from access.bearer import Bearer
from access.paging import Limit, Offset, page_of
from access.problems import Refused, refusals
from access.rights import Right
from connections.api.reading import not_found, refuse_impossible
from connections.api.type_schemas import methods_of, schema_of
from connections.dependents import dependents_of
from connections.models import Connection
from connections.testing import can_test
from connections.types import TYPES
from connections.types.base import ConnectionType

router = Router(tags=["Connection types"])


class TypeResponse(BaseModel):
    """A connection type, in short."""

    conn_type: str
    label: str
    category: str
    description: str
    origin: str = Field(description="`patchbay`, `catalogue`, or the package that declares it.")
    can_test: bool = Field(description="Whether something here opens sessions of this type.")


class TypeCollection(BaseModel):
    """A page of types, by their names."""

    connection_types: list[TypeResponse]
    total_entries: int


class Method(BaseModel):
    """One way to authenticate."""

    name: str
    label: str
    help: str
    needs: list[str] = Field(description="The fields that choose it, and that it can't do without.")
    fields: list[str] = Field(description="The fields that belong to it.")


class WholeType(TypeResponse):
    """A connection type with all that it declares."""

    methods: list[Method]
    json_schema: dict[str, Any] = Field(
        description="JSON Schema of the body that creates a connection of this type."
    )


@router.get(
    "/connection-types",
    auth=Bearer(Right.SEE),
    summary="List connection types",
    response={200: TypeCollection, **refusals()},
)
def list_connection_types(
    request: HttpRequest, limit: Limit = 50, offset: Offset = 0
) -> dict[str, Any]:
    """Every type that is declared here. Connections of other types are kept, too."""
    names = sorted(TYPES)
    page = names[page_of(limit=limit, offset=offset)]
    return {
        "connection_types": [_shown(TYPES[name]) for name in page],
        "total_entries": len(names),
    }


@router.get(
    "/connection-types/{conn_type}",
    auth=Bearer(Right.SEE),
    summary="A connection type and its JSON Schema",
    response={200: WholeType, **refusals(404)},
)
def read_connection_type(request: HttpRequest, conn_type: str) -> dict[str, Any]:
    """Its methods of authentication and its fields; those that are secret are `writeOnly`."""
    declared = TYPES.get(conn_type)
    if declared is None:
        raise Refused(404, f"The connection type `{conn_type}` was not found")
    methods = methods_of(declared)
    return {**_shown(declared), "methods": methods, "json_schema": schema_of(declared)}


def _shown(declared: ConnectionType) -> dict[str, Any]:
    return {
        "conn_type": declared.name,
        "label": declared.label,
        "category": declared.category,
        "description": declared.description,
        "origin": declared.origin,
        "can_test": can_test(declared.name),
    }


class DependentResponse(BaseModel):
    """One thing that names the connection."""

    kind: str = Field(examples=["DAG"])
    name: str
    url: str = Field(description="Its page.")


class DependentCollection(BaseModel):
    """A page of what names the connection."""

    dependents: list[DependentResponse]
    total_entries: int


@router.get(
    "/connections/{connection_id}/used-by",
    auth=Bearer(Right.SEE),
    summary="What uses a connection",
    response={200: DependentCollection, **refusals(404)},
    tags=["Connections"],
)
def list_dependents(
    request: HttpRequest, connection_id: str, limit: Limit = 50, offset: Offset = 0
) -> dict[str, Any]:
    """What would miss the connection if it were deleted."""
    refuse_impossible(connection_id)
    if not Connection.objects.filter(conn_id=connection_id).exists():
        raise not_found(connection_id)
    found = dependents_of([connection_id])[connection_id]
    page = found[page_of(limit=limit, offset=offset)]
    return {
        "dependents": [{"kind": each.kind, "name": each.name, "url": each.url} for each in page],
        "total_entries": len(found),
    }
