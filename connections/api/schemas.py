"""What calls about connections send and get, field by field as in Airflow's REST API.

https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connections.types.json_text import NotJson, parse

_NOT_AN_OBJECT = "The `extra` field must be a valid JSON object (e.g., {'key': 'value'})"
_NO_TEAMS = (
    "team_name cannot be set when multi_team mode is disabled. Please contact your administrator."
)


class Body(BaseModel):
    """An object that has no other keys than these."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


class ConnectionBody(Body):
    """A connection to create or to change. Which keys were sent counts, not only their values."""

    connection_id: str = Field(max_length=200, pattern=r"^[\w.-]+$", examples=["my_gcp_conn"])
    conn_type: str = Field(examples=["google_cloud_platform"])
    description: str | None = None
    host: str | None = None
    login: str | None = None
    schema_: str | None = Field(None, alias="schema")
    port: int | None = None
    password: str | None = Field(
        None, description="`***` keeps what is stored.", json_schema_extra={"writeOnly": True}
    )
    extra: str | None = Field(
        None,
        description="The text of a JSON object. `***` under a secret's name keeps what is stored.",
        examples=['{"project": "acme-reports"}'],
    )
    team_name: str | None = Field(None, max_length=50, description="Only null: there are no teams.")

    @field_validator("extra")
    @classmethod
    def _is_an_object(cls, text: str | None) -> str | None:
        if not text:
            return text
        try:
            found = parse(text)
        except NotJson as error:
            words = f"{_NOT_AN_OBJECT}, but encountered non-JSON in `extra` field: {error}"
            raise ValueError(words) from None
        if not isinstance(found, dict):
            raise ValueError(_NOT_AN_OBJECT)  # noqa: TRY004, pydantic takes this one
        return text

    @model_validator(mode="after")
    def _has_no_team(self) -> Self:
        if self.team_name is not None:
            raise ValueError(_NO_TEAMS)
        return self

    @property
    def extra_object(self) -> dict[str, Any]:
        return parse(self.extra) if self.extra else {}


class ConnectionTestRequestBody(ConnectionBody):
    """A connection to test on a worker."""

    commit_on_success: Literal[False] = Field(
        False, description="Only false: save the connection by POST or PATCH."
    )
    executor: None = None
    queue: None = None


class ConnectionResponse(BaseModel):
    """A connection. Secrets are `***`; what is empty is null."""

    connection_id: str
    conn_type: str
    description: str | None
    host: str | None
    login: str | None
    schema_: str | None = Field(alias="schema")
    port: int | None
    password: str | None = Field(description="`***`, or null if none is stored.")
    extra: str | None = Field(description="The text of a JSON object, its secrets as `***`.")
    team_name: str | None


class ConnectionCollection(BaseModel):
    """A page of connections, and how many there are in all."""

    connections: list[ConnectionResponse]
    total_entries: int


class OnExistence(StrEnum):
    """What becomes of a connection that is there already."""

    FAIL = "fail"
    SKIP = "skip"
    OVERWRITE = "overwrite"


class OnNonExistence(StrEnum):
    """What becomes of a connection that isn't there."""

    FAIL = "fail"
    SKIP = "skip"


class CreateAction(Body):
    """Create connections: all of these, or none."""

    action: Literal["create"]
    entities: list[ConnectionBody]
    action_on_existence: OnExistence = OnExistence.FAIL


class UpdateAction(Body):
    """Change connections: all of these, or none."""

    action: Literal["update"]
    entities: list[ConnectionBody]
    update_mask: list[str] | None = Field(None, description="Only these fields are changed.")
    action_on_non_existence: OnNonExistence = OnNonExistence.FAIL


class DeleteAction(Body):
    """Delete connections: all of these, or none."""

    action: Literal["delete"]
    entities: list[str | ConnectionBody]
    action_on_non_existence: OnNonExistence = OnNonExistence.FAIL


Action = Annotated[CreateAction | UpdateAction | DeleteAction, Field(discriminator="action")]


class BulkBody(Body):
    """Several acts, one after the other. Each is one transaction."""

    actions: list[Action]


class BulkActionResponse(BaseModel):
    """What became of the acts of one kind."""

    success: list[str] = Field(description="The connections that were written.")
    errors: list[dict[str, Any]] = Field(
        description="One entry for each act that wrote nothing.",
        examples=[[{"error": "…", "status_code": 409}]],
    )


class BulkResponse(BaseModel):
    """By kind of act; null for a kind that wasn't asked for."""

    create: BulkActionResponse | None
    update: BulkActionResponse | None
    delete: BulkActionResponse | None


class ConnectionTestResponse(BaseModel):
    """Whether the connection works, and what was found."""

    status: bool
    message: str


class ConnectionTestQueued(BaseModel):
    """A test that a worker will make."""

    token: str = Field(description="For asking how it went.")
    connection_id: str
    state: str


class ConnectionTestStatus(ConnectionTestQueued):
    """How a test stands: `pending`, `running`, `success` or `failed`."""

    result_message: str | None
    created_at: datetime
