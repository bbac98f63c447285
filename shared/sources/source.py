"""What a source is: a name in the URL, a proof of its sender, and a reader of its bodies.

Lives here: what all sources share. Each source has a module of its own and one line in `registry`.
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

from shared.domain.keys import NameKey, NameKind
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
    """One event of a request, as a CloudEvent of ours. It may still have mistakes, which intake finds.

    `place` is where it is in the request ("" for a request that is one event). `fields` maps our field names to those
    of the request, so that a mistake names the sender's field.
    """

    event: Any
    place: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """A part of a request that no event can be made of. The rest of the request is used.

    `sent` is that part as `strict_json.parse` reads it, or the bytes of the whole request.
    """

    why: Rejected
    sent: Any


@dataclass(frozen=True, slots=True)
class Source:
    """A system that sends events to `POST /api/events/<name>`.

    `read` makes events of a request whose sender is proved. It raises `Unreadable` or `WrongMediaType` if nothing can
    be read, and any other `Rejected` if no event can be made of the request as a whole. `bodies` are the media types
    that `read` takes, each with a model or JSON Schema for the OpenAPI document. `keys` reads the source's secrets from
    the settings: without any the source does not exist. None is for a source behind a function key. `example` is a body
    that the system really posts. `is_ping` recognizes the system's question whether the app is there. It is answered
    with 200 before the proof, because some systems ask before they show their key.
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
    """The base of the models of other systems' bodies. They name only the fields that are used."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


def _recorded(value: Any) -> Any:
    return shown(value.strip(), 200) or None if isinstance(value, str) else None


type Recorded = Annotated[str | None, BeforeValidator(_recorded), WithJsonSchema({"description": "Only recorded"})]
"""A text that is only recorded. Anything else counts as missing, because nobody's check may fail by it."""


def _employee_id(text: str) -> str:
    NameKey(NameKind.EMPLOYEE_ID, text)
    return text


type Id = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1),
    AfterValidator(_employee_id),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": rf"^\s*{EMPLOYEE_ID}\s*$"}, {"type": "number"}]}),
]
"""Another system's id of a person, as a text or a number. The directory has it as `employeeId`."""


def read_body[Model: Body](model: type[Model], value: Any, remedy: str, at: str = "") -> Model:
    """A model of what was sent at the place `at`; raises `Rejected` with the sender's name of the field."""
    unambiguous(value, at)
    try:
        return model.model_validate(_plain(value))
    except ValidationError as error:
        place, said = misfits(error)[0]
        raise Rejected(".".join(filter(None, (at, shown(place, 200)))) or "body", said, remedy) from error


def read_json[Model: Body](model: type[Model], posted: Posted, remedy: str) -> Model:
    """A model of a JSON body; raises `Rejected` with the sender's name of the field."""
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
    """An event of ours. `subject` and `effective` are each a value, and the name of its field in the request."""
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
    """Numbers as they were written: an id is a text, whether it came as 119 or as "119"."""
    match value:
        case Numeral():
            return value.digits
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case _:
            return value
