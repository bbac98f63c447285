"""Personio webhooks, version 2: ids only, and no public signature; a secret in the URL stands in for one.

Personio names a person by its own id, which the directory has to hold as `employeeId`. `employment.started` and
`employment.terminated` come on the day itself, so that there is no date to read.

Source: Personio, "Webhooks" (v2.0): company_id, event_name, occurred_at, payload. What a payload has beside ids is
not published; a person's id was taken to be `person_id`, `person.id`, or `id` in an event about a person.
"""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, StringConstraints, WithJsonSchema

from shared.errors import Rejected
from shared.sources.events import Ignored
from shared.sources.posted import Posted, WrongMediaType
from shared.sources.signatures import UrlSecret
from shared.sources.source import JSON, Body, Found, Id, Recorded, Source, read_json, told

_REMEDY: Final = "Let Personio post it unchanged: a version 2 webhook about persons or employments"

_Word = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1, "maxLength": 200}, {"type": "number"}]}),
]


def _has(name: str) -> dict[str, Any]:
    """The JSON Schema of a body whose payload has something of that name."""
    given = {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
    return {"required": ["payload"], "properties": {"payload": given}}


def _is_about(word: str) -> dict[str, Any]:
    """The JSON Schema of an event name about that, whatever its case."""
    pattern = "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in word)
    return {"properties": {"event_name": {"type": "string", "pattern": rf"^{pattern}(?:\.|$)"}}}


_NAMES_SOMEBODY: Final[dict[str, Any]] = {
    "anyOf": [
        {"not": {"anyOf": [_is_about("person"), _is_about("employment")]}},
        _has("person_id"),
        _has("person"),
        {"allOf": [_is_about("person"), _has("id")]},
    ]
}


class NamedPerson(Body):
    """A person within a payload."""

    id: Id


class Payload(Body):
    """The ids that an event carries."""

    id: Id | None = None
    person_id: Id | None = None
    person: NamedPerson | None = None


class PersonioBody(Body):
    """One event."""

    model_config = ConfigDict(json_schema_extra=_NAMES_SOMEBODY)

    company_id: Recorded = None
    event_name: _Word
    occurred_at: Recorded = None
    payload: Payload = Field(default_factory=Payload)


def read(posted: Posted) -> Sequence[Found | Ignored]:
    """One event, or none for what is about neither a person nor an employment."""
    if posted.media_type != JSON:
        raise WrongMediaType(JSON)
    body = read_json(PersonioBody, posted, _REMEDY)
    about = body.event_name.partition(".")[0].casefold()
    if about not in {"person", "employment"}:
        return [Ignored("an event about neither a person nor an employment")]
    payload = body.payload
    if payload.person_id is not None:
        named = (payload.person_id, "payload.person_id")
    elif payload.person is not None:
        named = (payload.person.id, "payload.person.id")
    elif about == "person" and payload.id is not None:
        named = (payload.id, "payload.id")
    else:
        raise Rejected("payload", "it names no person (person_id, person.id)", _REMEDY)
    digest = hashlib.sha256(posted.body).hexdigest()[:16]
    return [
        told(
            subject=(f"employee-id:{named[0]}", named[1]),
            source=f"/personio/{body.company_id or 'unknown'}",
            event_id=f"{body.occurred_at or 'unknown'}/{digest}",
            event_type=f"personio.{body.event_name}",
        )
    ]


PERSONIO = Source(
    name="personio",
    summary="Personio webhooks v2, with a secret in the URL",
    proof=UrlSecret(),
    keys=lambda settings: settings.personio_secrets,
    bodies={JSON: PersonioBody},
    read=read,
    example={
        "company_id": "4711",
        "event_name": "employment.terminated",
        "occurred_at": "2026-01-31T00:00:00Z",
        "payload": {"id": "0199a9d2", "person_id": "67890"},
    },
)
