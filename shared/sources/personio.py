"""Personio webhooks, version 2: ids only, and no public signature; a secret in the URL stands in for one.

Personio names a person by its own id, which the directory has to hold as `employeeId`. `employment.started` and
`employment.terminated` come on the day itself, so that there is no date to read.

Source: Personio, "Webhooks" (v2.0): company_id, event_name, occurred_at, payload. What a payload has beside ids is
not published; a person's id was taken to be `person_id`, `person.id`, or `id` in an event about a person.
"""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from shared.errors import Rejected
from shared.sources.events import Ignored
from shared.sources.posted import Posted, WrongMediaType
from shared.sources.proof import UrlSecret
from shared.sources.source import JSON, Body, Found, Recorded, Source, read_json, told

_MEND: Final = "Let Personio post it unchanged: a version 2 webhook about persons or employments"

_Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
_Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class NamedPerson(Body):
    """A person within a payload."""

    id: _Id


class Payload(Body):
    """The ids that an event carries."""

    id: _Id | None = None
    person_id: _Id | None = None
    person: NamedPerson | None = None


class PersonioBody(Body):
    """One event."""

    company_id: Recorded = None
    event_name: _Word
    occurred_at: Recorded = None
    payload: Payload = Field(default_factory=Payload)


def read(posted: Posted) -> Sequence[Found | Ignored]:
    """One event, or none for what is about neither a person nor an employment."""
    if posted.media_type != JSON:
        raise WrongMediaType(JSON)
    body = read_json(PersonioBody, posted, _MEND)
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
        raise Rejected("payload", "it names no person (person_id, person.id)", _MEND)
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
