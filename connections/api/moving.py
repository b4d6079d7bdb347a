"""Import and export over the API, and Airflow's default connections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Query, Router, Status
from pydantic import BaseModel, ConfigDict, Field

from access.bearer import Bearer, demand
from access.problems import Refused, refusals
from access.rights import Right, caller_of
from connections import portability
from connections.api.reading import not_found
from connections.api.routing import airflow
from connections.defaults import create_default_connections
from connections.models import Connection

router = Router(tags=["Import and export"])

FileFormat = Literal["json", "yaml", "env"]
Existing = Literal["fail", "skip", "overwrite"]
#: The media type of each format of a file.
MEDIA_TYPES = {"json": "application/json", "yaml": "application/yaml", "env": "text/plain"}
#: A file named in full never needs more of them.
MOST_NAMED = 10_000


@airflow.post(
    "/defaults",
    auth=Bearer(Right.WRITE_CONNECTIONS),
    summary="Create Airflow's default connections",
    response={204: None, **refusals()},
)
def create_defaults(request: HttpRequest) -> Status[None]:
    """Those that aren't there yet; none that is there changes."""
    create_default_connections(caller_of(request).actor)
    return Status(204, None)


class ChangeResponse(BaseModel):
    """What an import does, or would do, with one connection."""

    connection_id: str
    kind: str = Field(description="`added`, `changed`, `same`, `skipped` or `refused`.")
    fields: list[str] = Field(description="The names of the fields that change.")
    reason: str = Field(description="Why it is refused or skipped.")
    warning: str = Field(description="What may not work in one that is taken as it is.")


class ImportResponse(BaseModel):
    """What became of an import, connection by connection."""

    written: bool = Field(description="False for a dry run, and for an import that is refused.")
    changes: list[ChangeResponse]
    total_entries: int


@router.post(
    "/import",
    auth=Bearer(Right.IMPORT_CONNECTIONS),
    summary="Import a file",
    response={200: ImportResponse, 409: ImportResponse, **refusals(413)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                media: {"schema": {"type": "string", "description": "The file as it is."}}
                for media in MEDIA_TYPES.values()
            },
        }
    },
)
def import_connections(
    request: HttpRequest,
    file_format: Annotated[FileFormat, Query(description="How the file is written.")],
    existing: Annotated[
        Existing, Query(description="What becomes of connections that are there already.")
    ] = "fail",
    skip_bad: Annotated[
        bool, Query(description="Import the good ones although others are refused.")
    ] = False,
    dry_run: Annotated[bool, Query(description="Only tell what would change.")] = False,
) -> Any:
    """The body is the file itself: Airflow's JSON, YAML or .env, of any of its versions.

    All or nothing, unless `skip_bad`. When something is refused, the answer is 409 with the
    reasons, and nothing is written. A dry run answers the same, and never writes.
    """
    entries = _entries(request, file_format)
    if dry_run:
        plan = portability.plan(entries, existing=existing)
        return _answer(plan, written=False, status=200)
    try:
        plan = portability.carry_out(
            entries, existing=existing, skip_bad=skip_bad, actor=caller_of(request).actor
        )
    except portability.ImportRefused as error:
        return _answer(error.plan, written=False, status=409)
    return _answer(plan, written=True, status=200)


def _entries(request: HttpRequest, file_format: str) -> list[portability.Entry]:
    # Read from the stream: a file may be larger than other bodies. How large was asked before.
    try:
        text = request.read(portability.LARGEST).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(400, "The file can't be read: it is no UTF-8.") from None
    try:
        return portability.read(text, file_format=file_format)
    except portability.Unreadable as error:
        raise Refused(400, f"The file can't be read: {error}") from None


def _answer(plan: portability.Plan, *, written: bool, status: int) -> JsonResponse:
    changes = [
        {
            "connection_id": change.conn_id,
            "kind": change.kind,
            "fields": list(change.fields),
            "reason": change.reason,
            "warning": change.warning,
        }
        for change in plan.changes
    ]
    data = {"written": written, "changes": changes, "total_entries": len(changes)}
    return JsonResponse(data, status=status)


class ExportBody(BaseModel):
    """What to export, and how."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    connection_ids: list[str] | None = Field(
        None, max_length=MOST_NAMED, description="Null for all of them."
    )
    file_format: FileFormat = "json"
    serialization: Literal["json", "uri"] = Field(
        "json", description="Each connection as its fields, or as a URI."
    )
    redact: bool = Field(True, description="Secrets as `***`. False needs another right.")
    for_airflow: bool = Field(
        False,
        description="Only what Airflow reads: none that is disabled or expired, no date of "
        "expiry, and in `env` URIs without descriptions.",
    )


@router.post(
    "/export",
    auth=Bearer(),
    summary="Export connections",
    response={200: None, **refusals(404, 409)},
    openapi_extra={
        "responses": {
            200: {
                "description": "The file",
                "content": {
                    media: {"schema": {"type": "string"}} for media in MEDIA_TYPES.values()
                },
            }
        }
    },
)
def export_connections(request: HttpRequest, body: ExportBody) -> HttpResponse:
    """The answer is the file. It is written down who exported what. With `redact` an Editor may
    do it; a file with the secrets takes an Admin, and an API token of the scope `use`.

    Headers count what `for_airflow` left out (`Patchbay-Left-Out`) or wrote without its description
    or date of expiry (`Patchbay-Shortened`), and in other files what Airflow can't read
    (`Patchbay-Not-For-Airflow`)."""
    demand(request, Right.EXPORT_CONNECTIONS if body.redact else Right.EXPORT_SECRETS)
    done = portability.export(
        _named(body.connection_ids),
        file_format=body.file_format,
        serialization=body.serialization,
        redact=body.redact,
        actor=caller_of(request).actor,
        for_airflow=body.for_airflow,
    )
    media = f"{MEDIA_TYPES[body.file_format]}; charset=utf-8"
    name = f"connections.{body.file_format}"
    return HttpResponse(
        done.text,
        content_type=media,
        headers={
            "Cache-Control": "no-store",
            "Patchbay-Left-Out": str(len(done.left_out)),
            "Patchbay-Shortened": str(len(done.shortened)),
            "Patchbay-Not-For-Airflow": str(len(done.not_for_airflow)),
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )


def _named(conn_ids: list[str] | None) -> Iterable[Connection]:
    """Raise ``Refused`` for one that isn't there."""
    if conn_ids is None:
        return Connection.objects.order_by("conn_id")
    try:
        return portability.named(conn_ids)
    except portability.NotThere as error:
        raise not_found(error.conn_id) from None
