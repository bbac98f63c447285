"""The front: events that come in over HTTP, and the answer to who sent them. Nothing about access is decided here.

One request becomes one message on people-events, or none: a request is taken in whole, or refused whole. What a
refusal says is for the sender to act on; what Graph is answered tells nothing about `clientState`.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

from shared.errors import Permanent, Rejected, Transient
from shared.ports import Clock, EventQueue
from shared.settings import FrontSettings
from shared.sources.cloud_event import read_cloud_event
from shared.sources.event_grid import EVENT_GRID, allowed
from shared.sources.events import Ignored, PersonEvent, as_value
from shared.sources.graph_webhook import Notified, answer_token, read_collection
from shared.sources.posted import Posted, WrongMediaType
from shared.sources.source import Found, Source
from shared.sources.strict_json import ITEMS_AT_MOST, TWICE, encoded
from shared.sources.table import in_force

_TEXT: Final = "text/plain; charset=utf-8"
_JSON: Final = "application/json"
_LOGGED: Final = frozenset({400, 413, 415})  # 401 and 503 have lines of their own, and anybody can cause a 404

_log = logging.getLogger(__name__)


class Accepted(BaseModel):
    """What became of the events of a request that was taken in."""

    model_config = ConfigDict(frozen=True)

    accepted: int
    """Events that were put on the queue."""
    ignored: int
    """What was well-formed and named nobody."""


class Refusal(BaseModel):
    """Why a request was not taken in: what is wrong, where, and what to do about it."""

    model_config = ConfigDict(frozen=True)

    field: str
    reason: str
    mend: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. The body is JSON, text, or nothing."""

    status: int
    body: Accepted | Refusal | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> tuple[str, str]:
        """The body as text, and its media type."""
        match self.body:
            case None:
                return "", _TEXT
            case str():
                return self.body, _TEXT
            case _:
                return self.body.model_dump_json(), _JSON


@dataclass(frozen=True, slots=True)
class Front:
    """What taking events in needs: settings, the time, and the one queue that it may send to."""

    settings: FrontSettings
    clock: Clock
    queue: EventQueue


@dataclass(slots=True)
class _Taken:
    """The events of a request, read: how many name somebody, how many nobody, and what goes to the queue."""

    events: list[Found] = field(default_factory=list)
    accepted: int = 0
    ignored: int = 0


async def take_events(front: Front, name: str, posted: Posted) -> Answer:
    """Takes in what was posted to the source of that name."""
    source = in_force(front.settings).get(name)
    if source is None:
        return _unknown()
    return _noted(source.name, await _take_from(front, source, posted))


async def _take_from(front: Front, source: Source, posted: Posted) -> Answer:
    now = front.clock.now()
    if (refusal := _unwelcome(front, source, posted, now)) is not None:
        return refusal
    try:
        taken = _read(source, posted, now)
    except WrongMediaType as wrong:
        return _refuse(415, "content-type", f"'{source.name}' does not read this media type", f"Send {wrong.accepted}")
    except Rejected as rejected:
        return _malformed(as_value(rejected))
    return await _send(front, source, taken)


async def take_notifications(front: Front, posted: Posted) -> Answer:
    """Takes in what Microsoft Graph posts to a notification or lifecycle URL of ours, the handshake included."""
    states = [state.get_secret_value() for state in front.settings.graph_client_states]
    if not states:
        return _unknown()
    return _noted("graph", await _take_items(front, posted, states))


async def _take_items(front: Front, posted: Posted, states: Sequence[str]) -> Answer:
    if token := posted.query.get("validationToken"):
        return _echo(token)
    if (refusal := _too_large(front, posted)) is not None:
        return refusal
    try:
        notified = read_collection(posted.body, states)
    except Rejected as rejected:
        return _malformed(as_value(rejected))
    _tell(notified)
    refusal = await _put(front, notified.collection) if notified.collection is not None else None
    return refusal or Answer(202)


def shake_hands(front: Front, posted: Posted) -> Answer:
    """Answers Event Grid's question whether it may deliver here."""
    if EVENT_GRID.name not in in_force(front.settings):
        return Answer(404)
    headers = allowed(posted.headers.get("webhook-request-origin", ""))
    if headers is None:
        mend = "Ask with the DNS name that the events will come from"
        refusal = _refuse(400, "WebHook-Request-Origin", "it is missing, or no DNS name", mend)
        return _noted(EVENT_GRID.name, refusal)
    return Answer(200, headers=headers)


def _echo(token: str) -> Answer:
    """The handshake's answer. A subscription's id is not known yet: nothing is looked up."""
    echoed = answer_token(token)
    if echoed is None:
        return _refuse(400, "validationToken", "it is longer than any of Graph's", "Send the token that Graph made")
    return Answer(200, echoed, {"X-Content-Type-Options": "nosniff"})


def _unwelcome(front: Front, source: Source, posted: Posted, now: datetime) -> Answer | None:
    """The refusal of a request that is not worth reading: too large, not proved, or not what it says."""
    if (refusal := _too_large(front, posted)) is not None:
        return refusal
    keys = [key.get_secret_value() for key in source.keys(front.settings)] if source.keys is not None else []
    if not source.proof.holds(posted, keys, now, timedelta(seconds=front.settings.signature_seconds)):
        _log.warning("%s: a request without a valid proof was refused", source.name)
        refused = source.proof.refusal
        return _refuse(401, refused.field, refused.reason, refused.mend)
    if posted.is_compressed:
        return _refuse(415, "content-encoding", "the body is compressed", "Send it as it is")
    return None


def _read(source: Source, posted: Posted, now: datetime) -> _Taken:
    """Reads every event of a request as intake will; raises `Rejected` for the first that cannot be used."""
    found = source.read(posted)
    if len(found) > ITEMS_AT_MOST:
        raise Rejected("body", f"it has {len(found)} events; {ITEMS_AT_MOST} are read", "Send fewer events at a time")
    taken = _Taken()
    for event in found:
        if isinstance(event, Ignored):
            taken.ignored += 1
            continue
        try:
            reads = read_cloud_event(event.event, event.place, now=now)
        except Rejected as rejected:
            raise _in_their_words(rejected, event) from rejected
        for read in reads:
            if isinstance(read, Rejected):
                raise _in_their_words(read, event)
        if any(isinstance(read, PersonEvent) for read in reads):
            taken.events.append(event)
            taken.accepted += 1
        else:
            taken.ignored += 1
    return taken


async def _send(front: Front, source: Source, taken: _Taken) -> Answer:
    if taken.events:
        events = [found.event for found in taken.events]
        message = encoded(events[0] if len(events) == 1 else events)
        if len(message) > front.settings.body_bytes:
            return _refuse(413, "body", f"its {len(events)} events fit no message", "Send fewer events at a time")
        if (refusal := await _put(front, message)) is not None:
            return refusal
    _log.info("%s: events accepted: %d, ignored: %d", source.name, taken.accepted, taken.ignored)
    return Answer(202, Accepted(accepted=taken.accepted, ignored=taken.ignored))


async def _put(front: Front, message: bytes) -> Answer | None:
    """Puts one message on the queue; the refusal where it could not be reached."""
    try:
        await front.queue.send_events([message])
    except Transient as away:
        _log.warning("people-events could not be reached: %s", away.reason)
        wait = away.retry_after or timedelta(seconds=front.settings.retry_after_seconds)
    except Permanent as broken:
        # The sender is right to come again: what stands in the way is ours to mend.
        _log.error("people-events takes nothing from us: %s", broken.reason)
        wait = timedelta(seconds=front.settings.retry_after_seconds)
    else:
        return None
    seconds = str(max(1, round(wait.total_seconds())))
    refusal = Refusal(field="queue", reason="it cannot be reached now", mend=f"Send it again in {seconds} s")
    return Answer(503, refusal, {"Retry-After": seconds})


def _tell(notified: Notified) -> None:
    """What a collection came to, for the log: ids and counts only."""
    for notice in notified.lifecycle:
        _log.warning("graph: subscription %s asks for '%s'", notice.subscription_id, notice.event)
    if notified.dropped:
        claimed = ", ".join(f"{name} ({count})" for name, count in sorted(notified.dropped.items())[:20])
        _log.warning(
            "graph: items passed on: %d, dropped for their clientState: %d; subscriptions: %s",
            notified.ours,
            sum(notified.dropped.values()),
            claimed,
        )
    else:
        _log.info("graph: items passed on: %d", notified.ours)


def _too_large(front: Front, posted: Posted) -> Answer | None:
    most = front.settings.body_bytes
    if len(posted.body) <= most:
        return None
    return _refuse(413, "body", f"it has {len(posted.body)} bytes; {most} are read", "Send fewer events at a time")


def _in_their_words(rejected: Rejected, found: Found) -> Rejected:
    """A mistake, told with the name that the request has for the field."""
    name = rejected.field.removeprefix(found.place).removeprefix(".")
    for ours, theirs in found.fields.items():
        if name == ours or name.startswith(f"{ours}."):
            return Rejected(theirs + name.removeprefix(ours), rejected.reason, rejected.mend)
    return rejected


def _noted(source: str, answer: Answer) -> Answer:
    """The answer; a request refused for what is in it leaves a line with the field, and no value of anybody's."""
    if answer.status in _LOGGED and isinstance(answer.body, Refusal):
        where = answer.body.field if answer.body.reason != TWICE else "a name of the sender's own"
        _log.warning("%s: a request was refused with %d: %s", source, answer.status, where)
    return answer


def _unknown() -> Answer:
    return _refuse(404, "source", "there is no such source here", "See docs/sources.md for those there are")


def _malformed(rejected: Rejected) -> Answer:
    return _refuse(400, rejected.field, rejected.reason, rejected.mend)


def _refuse(status: int, where: str, reason: str, mend: str) -> Answer:
    return Answer(status, Refusal(field=where, reason=reason, mend=mend))
