"""CloudEvents over HTTP: structured and batched, as the specification's HTTP binding has them.

Two sources are read with it: our own senders, and Event Grid. What an event has to be is judged by `cloud_event`, where
every event is judged. Binary mode is not read: its attributes are headers, which no signature of a body covers, so that
a signed event could be turned into one about somebody else (docs/decisions/0025).

Source: CloudEvents 1.0.2, HTTP protocol binding.
"""

from collections.abc import Sequence
from typing import Final

from shared.errors import Unreadable
from shared.sources.events import Ignored
from shared.sources.posted import Posted, WrongMediaType
from shared.sources.source import CLOUD_EVENT, CLOUD_EVENTS, Found, Refused
from shared.sources.strict_json import JsonObject, kind_of, parse

_OBJECT: Final = "Send one event as a JSON object, or several as application/cloudevents-batch+json"
_ARRAY: Final = "Send a JSON array of events, or one event as application/cloudevents+json"


def read_structured(posted: Posted) -> Sequence[Found | Ignored | Refused]:
    """Reads structured and batched mode; raises `Unreadable`, or `WrongMediaType` for anything else."""
    match posted.media_type:
        case "application/cloudevents+json":
            event = parse(posted.body)
            if not isinstance(event, JsonObject):
                raise Unreadable("body", f"it is {kind_of(event)}, not an object", _OBJECT)
            return [Found(event)]
        case "application/cloudevents-batch+json":
            events = parse(posted.body)
            if not isinstance(events, list):
                raise Unreadable("body", f"it is {kind_of(events)}, not an array", _ARRAY)
            found = [Found(event, f"[{place}]") for place, event in enumerate(events)]
            return found or [Ignored("a batch without events")]
        case _:
            raise WrongMediaType(f"{CLOUD_EVENT} or {CLOUD_EVENTS}, with the event's attributes in the body")
