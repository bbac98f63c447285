"""What becomes of a request: events for people-events, counts, and mistakes with the sender's field names.

Pure. A mistake in one event costs no other. A wrong event that names nobody is carried to rejected-events. A wrong
event that names somebody goes on as it is: intake uses the person and rejects the mistake.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from shared.domain.by_size import by_size
from shared.errors import Rejected, TooMany, Unreadable
from shared.sources.cloud_event import read_cloud_event
from shared.sources.events import Ignored, PersonEvent, as_value
from shared.sources.posted import Posted
from shared.sources.refused import carried
from shared.sources.source import Found, Refused, Source
from shared.sources.strict_json import ITEMS_AT_MOST, encoded

REQUEST_ITEMS_AT_MOST: Final = 5000
"""How many events one request may carry: as many as Event Grid's largest batch."""


@dataclass(slots=True)
class Judged:
    """The events of a request, read.

    `events` go to people-events. `accepted` counts events that name somebody, `ignored` those that name nobody, and
    `rejected` those with a mistake. An event that names somebody and has a mistake counts twice. `notices` are for an
    operator, and name nobody.
    """

    events: list[Any] = field(default_factory=list)
    accepted: int = 0
    ignored: int = 0
    rejected: int = 0
    mistakes: list[Rejected] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def read_request(source: Source, posted: Posted, now: datetime) -> Judged:
    """Reads a request whose sender is proved, each event as intake will read it.

    Raises:
        WrongMediaType: the source does not read this media type.
        Unreadable: nothing can be read.
        TooMany: there are more than `REQUEST_ITEMS_AT_MOST` events.
    """
    try:
        found = source.read(posted)
    except Unreadable:
        raise
    except Rejected as rejected:
        found = [Refused(as_value(rejected), posted.body)]
    if len(found) > REQUEST_ITEMS_AT_MOST:
        reason = f"it has {len(found)} events; {REQUEST_ITEMS_AT_MOST} are read"
        raise TooMany("body", reason, "Send fewer events at a time")
    judged = Judged()
    for item in found:
        match item:
            case Ignored():
                _ignore(judged, item)
            case Refused(why, sent):
                _reject(judged, [why], carried(why, sent, source.name))
            case Found():
                _judge(judged, item, source, now)
    return judged


def messages(events: Iterable[Any], most_bytes: int) -> list[bytes]:
    """Events in as few messages as possible, each of at most `most_bytes` bytes, and of as many events as intake reads.

    A longer event is a message of its own.
    """
    # Around the events stand brackets, and between them commas.
    groups = by_size(map(encoded, events), lambda event: len(event) + 1, most=most_bytes - 1, most_items=ITEMS_AT_MOST)
    return [each[0] if len(each) == 1 else b"[" + b",".join(each) + b"]" for each in groups]


def _judge(judged: Judged, found: Found, source: Source, now: datetime) -> None:
    try:
        reads = read_cloud_event(found.event, found.place, now=now)
    except Rejected as rejected:
        reads = [as_value(rejected)]
    mistakes = [_in_their_words(read, found) for read in reads if isinstance(read, Rejected)]
    named = any(isinstance(read, PersonEvent) for read in reads)
    judged.accepted += named
    if mistakes:
        _reject(judged, mistakes, found.event if named else carried(mistakes[0], found.event, source.name))
    elif named:
        judged.events.append(found.event)
    elif isinstance(reads[0], Ignored):
        _ignore(judged, reads[0])


def _ignore(judged: Judged, ignored: Ignored) -> None:
    judged.ignored += 1
    if ignored.notice is not None:
        judged.notices.append(ignored.notice)


def _reject(judged: Judged, mistakes: Sequence[Rejected], event: Any) -> None:
    judged.rejected += 1
    judged.mistakes += mistakes
    judged.events.append(event)


def _in_their_words(rejected: Rejected, found: Found) -> Rejected:
    """A mistake, with the name that the request has for the field."""
    name = rejected.field.removeprefix(found.place).removeprefix(".")
    for ours, theirs in found.fields.items():
        if name == ours or name.startswith(f"{ours}."):
            return Rejected(theirs + name.removeprefix(ours), rejected.reason, rejected.remedy)
    return rejected
