"""What a source is: a name in the URL, a proof of who sends, and a reader of what it sends.

The shapes that every source shares live here; each source has a module of its own and one line in `registry`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SecretStr,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)

from shared.domain.keys import IdentityKey, IdentityKind
from shared.domain.misfits import misfits
from shared.errors import Rejected
from shared.settings import FrontSettings
from shared.sources.event_model import EMPLOYEE_ID
from shared.sources.events import Ignored
from shared.sources.posted import Posted
from shared.sources.signatures import Proof
from shared.sources.strict_json import JsonObject, Numeral, parse, shown, unambiguous

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
CLOUD_EVENT: Final = "application/cloudevents+json"
CLOUD_EVENTS: Final = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True)
class Found:
    """One event of a request: a CloudEvent of ours, or what should be one, for intake to read as any other.

    `place` is where the request has it ("" for a request that is one event). `fields` says what the request calls
    our field names, so that a mistake is told in the sender's words.
    """

    event: Any
    place: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """Something of a request that no event can be made of. The rest of the request counts.

    `sent` is that part of it as `strict_json.parse` reads it, or the bytes of the whole request.
    """

    why: Rejected
    sent: Any


@dataclass(frozen=True, slots=True)
class Source:
    """A system that sends events to `POST /api/events/<name>`.

    `read` makes our events of a request whose proof holds. It raises `Unreadable` or `WrongMediaType` where nothing can
    be read, and any other `Rejected` where the request as a whole comes to no event. `bodies` are the media types that
    it reads, each with a model or JSON Schema of what it reads there, for the OpenAPI document. Without its `keys` set,
    a source that needs some does not exist. `is_ping` knows the system's own question whether anybody is there, which
    is answered with 200 whoever asks: some ask before they show the key.
    """

    name: str
    summary: str
    proof: Proof
    bodies: Mapping[str, type[BaseModel] | Mapping[str, Any]]
    read: Callable[[Posted], Sequence[Found | Ignored | Refused]]
    example: Any
    keys: Callable[[FrontSettings], Sequence[SecretStr]] | None = None
    is_ping: Callable[[Posted], bool] | None = None


class Body(BaseModel):
    """The root of what others' systems send: only what is used is named, everything else is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


def _recorded(value: Any) -> Any:
    return shown(value.strip(), 200) or None if isinstance(value, str) else None


type Recorded = Annotated[str | None, BeforeValidator(_recorded), WithJsonSchema({"description": "Only recorded"})]
"""A text that is only recorded; what is none counts as not there, because it must cost nobody a check."""


def _employee_id(text: str) -> str:
    IdentityKey(IdentityKind.EMPLOYEE_ID, text)
    return text


type Id = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1),
    AfterValidator(_employee_id),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": rf"^\s*{EMPLOYEE_ID}\s*$"}, {"type": "number"}]}),
]
"""Another system's id of a person, as a text or as a number: the directory has it as `employeeId`."""


def read_body[Model: Body](model: type[Model], value: Any, remedy: str, at: str = "") -> Model:
    """A model of what was sent at `at`; raises `Rejected` that names the field in the sender's words."""
    unambiguous(value, at)
    try:
        return model.model_validate(_plain(value))
    except ValidationError as error:
        place, said = misfits(error)[0]
        raise Rejected(".".join(filter(None, (at, shown(place, 200)))) or "body", said, remedy) from error


def read_json[Model: Body](model: type[Model], posted: Posted, remedy: str) -> Model:
    """A model of a JSON body; raises `Rejected` that names the field in the sender's words."""
    return read_body(model, parse(posted.body), remedy)


def told(  # one argument per field of an event
    *,
    subject: tuple[str, str],
    source: str,
    event_id: str,
    event_type: str,
    effective: tuple[str, str] | None = None,
    place: str = "",
) -> Found:
    """An event of ours from what a system told. `subject` and `effective` are each the value and its field there."""
    event = JsonObject(
        specversion="1.0",
        id=shown(event_id, 200),
        source=shown(source, 200),
        type=shown(event_type, 200),
        subject=subject[0],
    )
    fields = {"subject": subject[1]}
    if effective is not None:
        event["data"] = JsonObject(effective=effective[0])
        fields["data.effective"] = effective[1]
    return Found(event, place, fields)


def _plain(value: Any) -> Any:
    """Numbers as the texts they were written as: an id is a name, whether it came as 119 or as "119"."""
    match value:
        case Numeral():
            return value.digits
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case _:
            return value
