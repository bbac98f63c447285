"""From the bytes on people-events to events about people, of any sender.

Pure. Lives here: which of the known forms a message has. A mistake in one event is a value beside the other events.
Nothing that a stranger can send raises.

A message is one CloudEvent, a batch of them (a JSON array), or a collection of Microsoft Graph's change
notifications (`{"value": [...]}`).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from shared.errors import Rejected
from shared.sources.cloud_event import read_cloud_event
from shared.sources.events import Ignored, Read, as_value
from shared.sources.graph_notification import read_notification
from shared.sources.strict_json import ITEMS_AT_MOST, STRUCTURED, TWICE, JsonObject, encoded, kind_of, parse


def read_message(body: bytes, *, now: datetime) -> list[Read]:
    """Reads a message; never an empty list. `now`, aware, is what "ten years ahead" is counted from."""
    try:
        message = parse(body)
        match message:
            case list():
                return _each(message, "body", "", lambda item, field: read_cloud_event(item, field, now=now))
            case JsonObject() if "specversion" not in message and isinstance(message.get("value"), list):
                return _collection(message)
            case JsonObject():
                return read_cloud_event(message, "", now=now)
            case _:
                return [Rejected("body", f"it is {kind_of(message)}, not an event", STRUCTURED)]
    except Rejected as rejected:
        return [as_value(rejected)]


def _collection(message: JsonObject) -> list[Read]:
    if message.twice == "value":
        raise Rejected("value", TWICE, "Send each name once")
    return _each(message["value"], "value", "value", read_notification)


def _each(items: list[Any], name: str, prefix: str, read: Callable[[Any, str], list[Read]]) -> list[Read]:
    """Reads the items one by one. Each rejection has its item as a message that can be corrected and sent again."""
    if not items:
        return [Ignored("an array without events")]
    if len(items) > ITEMS_AT_MOST:
        raise Rejected(name, f"it has {len(items)} events; {ITEMS_AT_MOST} are read", "Send fewer events at a time")
    found: list[Read] = []
    for place, item in enumerate(items):
        try:
            reads = read(item, f"{prefix}[{place}]")
        except Rejected as rejected:
            reads = [as_value(rejected)]
        wrong = [one for one in reads if isinstance(one, Rejected) and one.event is None]
        if wrong:
            alone = encoded({"value": [item]} if prefix else item)
            for one in wrong:
                one.event = alone
        found += reads
    return found
