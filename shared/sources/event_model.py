"""Our event, as a model: the JSON Schema in docs/reference/event.schema.json is made of it.

It only describes; `cloud_event` reads. Every event that fits the schema is read, with two exceptions that a schema
cannot express: a 30th of February, and a `resourceData` of Microsoft Graph's that is about another person than the
subject. Some events are read that do not fit: names in other scripts than ASCII, capitals in `UPN:`, blanks around a
value, and ISO weeks (`2026-W14`).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints, WithJsonSchema

from shared.domain.keys import BLANK_CHARACTERS, DOMAIN_CHARACTERS, EMPLOYEE_ID_CHARACTERS, LOCAL_CHARACTERS

GUID = "[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"
ADDRESS = f"[!-?A-~]{{1,{LOCAL_CHARACTERS}}}@[!-?A-~]{{1,{DOMAIN_CHARACTERS}}}"
EMPLOYEE_ID = f"(?:[!-~]{{1,{EMPLOYEE_ID_CHARACTERS}}}|[!-~](?:[ -~]{{0,{BLANK_CHARACTERS - 2}}}[!-~])?)"
_VISIBLE = r"^[!-~](?:[ -~]*[!-~])?$"
_DATE = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{1,9})?)?"
_OFFSET = "(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"

Text = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=_VISIBLE)]


Time = Annotated[
    str | None,
    Field(
        pattern=f"^{_DATE}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{{1,9}})?{_OFFSET}$",
        description="When it happened (RFC 3339); not used",
    ),
]
_NAMED = r"^(?:/?(?:[Uu]sers|[Gg]roups)[/(]|\s*(?:id|upn|mail|employee-id)\s*:)"


class EventData(BaseModel):
    """The data of an event; other fields are ignored."""

    model_config = ConfigDict(extra="allow")

    effective: Annotated[
        str | None,
        Field(
            pattern=rf"^(?:\s*|0000-00-00.*|{_DATE}(?:T{_TIME}{_OFFSET})?)$",
            description="When it takes effect: an ISO 8601 date, or a time with its offset. Empty, `0000-00-00`, what "
            "means never and what is more than ten years ahead ask for no later check",
            examples=["2026-04-01", "2026-04-01T09:00:00+02:00"],
        ),
    ] = None


class _CloudEvent(BaseModel):
    model_config = ConfigDict(extra="allow")

    specversion: Literal["1.0"]
    id: Annotated[Text, Field(description="Finds the event again, together with `source`")]
    source: Annotated[Text, Field(description="Where it comes from", examples=["/hr/contoso-nederland"])]
    type: Annotated[Text, Field(description="The sender's word for what happened; recorded, never judged")]
    time: Time = None


class Event(_CloudEvent):
    """An event: check this person, and perhaps check again on this day (CloudEvents 1.0, structured mode)."""

    subject: Annotated[
        str,
        Field(
            pattern=f"^(?:id:{GUID}|(?:upn|mail):{ADDRESS}|employee-id:{EMPLOYEE_ID})$",
            description="One person: `id:<object id>`, `upn:<user principal name>`, `mail:<address>` or "
            "`employee-id:<number>`",
            examples=["employee-id:004711"],
        ),
    ]
    data: EventData | None = None


class UserEvent(_CloudEvent):
    """An event that names its user as Microsoft Graph does: check them now. Its `data` has no date for us."""

    subject: Annotated[str, Field(pattern=f"^[Uu]sers/{GUID}$", description="`Users/<object id>`")]
    data: dict[str, Any] | None = None


class GraphEvent(_CloudEvent):
    """An event of Microsoft Graph's partner topic: about a user or a group, or about neither, and then ignored."""

    type: Annotated[str, Field(pattern=r"^[Mm]icrosoft[.][Gg]raph[.][A-Za-z]{1,64}$")]
    subject: Annotated[
        Any,
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "null"},
                    {"type": "string", "pattern": rf"^(?:[Uu]sers|[Gg]roups)/{GUID}$"},
                    {"type": "string", "not": {"pattern": _NAMED}},
                ]
            }
        ),
    ] = None
    data: dict[str, Any] | None = None


class Events(RootModel[Annotated[list[Event | UserEvent], Field(max_length=5000)]]):
    """Several events; a mistake in one costs no other."""


class GraphEvents(RootModel[Annotated[list[Event | UserEvent | GraphEvent], Field(max_length=5000)]]):
    """Several events of Microsoft Graph's partner topic; a mistake in one costs no other."""
