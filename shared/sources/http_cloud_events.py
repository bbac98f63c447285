"""CloudEvents over HTTP: structured, batched and binary, as the specification's HTTP binding has them.

Two sources are read with it: our own senders, and Event Grid. The cloudevents library decodes binary mode; what an
event has to be is judged by `cloud_event`, where every event is judged.

Source: CloudEvents 1.0.2, HTTP protocol binding.
"""

from collections.abc import Sequence
from typing import Any, Final

from cloudevents.core.bindings.http import HTTPMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import OPTIONAL_ATTRIBUTES, REQUIRED_ATTRIBUTES, CloudEvent

from shared.errors import Rejected
from shared.sources.events import Ignored
from shared.sources.posted import Posted, WrongMediaType
from shared.sources.source import CLOUD_EVENT, CLOUD_EVENTS, JSON, Found
from shared.sources.strict_json import JsonObject, kind_of, parse

_OBJECT: Final = "Send one event as a JSON object, or several as application/cloudevents-batch+json"
_ARRAY: Final = "Send a JSON array of events, or one event as application/cloudevents+json"
_ATTRIBUTES: Final = frozenset({*REQUIRED_ATTRIBUTES, *OPTIONAL_ATTRIBUTES} - {"datacontenttype"})


def read_structured(posted: Posted) -> Sequence[Found | Ignored]:
    """Reads structured and batched mode; raises `Rejected`, or `WrongMediaType` for anything else."""
    match posted.media_type:
        case "application/cloudevents+json":
            return [Found(_event(parse(posted.body), "body", _OBJECT))]
        case "application/cloudevents-batch+json":
            events = parse(posted.body)
            if not isinstance(events, list):
                raise Rejected("body", f"it is {kind_of(events)}, not an array", _ARRAY)
            found = [
                Found(_event(event, f"[{place}]", _OBJECT), f"[{place}]", {}) for place, event in enumerate(events)
            ]
            return found or [Ignored("a batch without events")]
        case _:
            raise WrongMediaType(f"{CLOUD_EVENT} or {CLOUD_EVENTS}")


def read_any_mode(posted: Posted) -> Sequence[Found | Ignored]:
    """Reads all three modes; raises `Rejected`, or `WrongMediaType` for anything else."""
    if posted.media_type in {CLOUD_EVENT, CLOUD_EVENTS}:
        return read_structured(posted)
    if not any(name.startswith("ce-") for name in posted.headers) or (posted.body and posted.media_type != JSON):
        raise WrongMediaType(f"{CLOUD_EVENT}, {CLOUD_EVENTS}, or ce-* headers with a body of {JSON}")
    attributes = {name: posted.headers[f"ce-{name}"] for name in sorted(_ATTRIBUTES) if f"ce-{name}" in posted.headers}
    headers = {f"ce-{name}": value for name, value in attributes.items()}
    try:
        decoded = from_binary(HTTPMessage(headers, b""), JSONFormat(), _Unjudged).get_attributes()
    except ValueError as error:
        mend = "Send the time as RFC 3339 has it ('2026-04-01T07:00:00Z'), or leave it out"
        raise Rejected("ce-time", "it is no RFC 3339 timestamp", mend) from error
    event = JsonObject(decoded)
    if "time" in event:
        event["time"] = event["time"].isoformat()
    if posted.body:
        event["data"] = parse(posted.body)
    # Where an attribute is missing, its header is what the sender has to add.
    return [Found(event, "", {name: f"ce-{name}" for name in _ATTRIBUTES} | {"data": "body"})]


class _Unjudged(CloudEvent):
    """The attributes as they came. The library's own constructor would make up those that are missing."""

    def __init__(self, attributes: dict[str, Any], data: dict[str, Any] | str | bytes | None = None) -> None:
        self._attributes = dict(attributes)
        self._data = data


def _event(value: Any, field: str, mend: str) -> JsonObject:
    if not isinstance(value, JsonObject):
        raise Rejected(field, f"it is {kind_of(value)}, not an object", mend)
    return value
