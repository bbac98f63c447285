"""The front: events that come in over HTTP, and the answers to their senders. Nothing about access is decided here.

A request is refused when its sender is not proved or its body cannot be read. Otherwise its events are taken one by
one. An event that cannot be used goes to rejected-events by way of people-events, the one queue that this part may
send to; the other events go on. An answer tells the sender what to do. An answer to Graph tells nothing about
`clientState`.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

from shared.errors import Permanent, Rejected, TooMany, Transient, Unreadable
from shared.ports import Clock, EventQueue
from shared.settings import FrontSettings
from shared.sources.event_grid import EVENT_GRID, allowed
from shared.sources.events import as_value
from shared.sources.graph_webhook import Notified, answer_token, read_collection
from shared.sources.posted import Posted, WrongMediaType
from shared.sources.registry import in_force
from shared.sources.request import Judged, messages, read_request
from shared.sources.source import Source
from shared.sources.strict_json import TWICE

_TEXT: Final = "text/plain; charset=utf-8"
_JSON: Final = "application/json"
BODY_BYTES: Final = 196_608
"""The longest request body. One request is one message, and a Standard namespace's message has 256 KiB in all."""

CLOCKS_OF_SENDERS: Final = timedelta(minutes=5)
"""By how much a sender's clock may differ from ours. A captured request is worthless after that. Five minutes are what
signed webhooks commonly allow."""

_COME_AGAIN: Final = timedelta(seconds=30)
"""When a sender is asked to send again if the queue could not be reached."""

_TOLD_AT_MOST: Final = 10
"""How many mistakes an answer lists; rejected-events has all of them."""

_LOGGED: Final = frozenset({400, 411, 413, 415})  # 401 and 503 have lines of their own, and anybody can cause a 404

_log = logging.getLogger(__name__)


class Refusal(BaseModel):
    """Why something was not taken in: what is wrong, where, and what to do about it."""

    model_config = ConfigDict(frozen=True)

    field: str
    reason: str
    remedy: str


class Accepted(BaseModel):
    """What became of the events of a request.

    An event that names somebody but has a mistake, for example in its date, counts as accepted and as rejected: the
    person is checked now.
    """

    model_config = ConfigDict(frozen=True)

    accepted: int
    """Events that cause a check."""
    ignored: int
    """Well-formed events that name nobody."""
    rejected: int = 0
    """Events that end on rejected-events, because of a part of them or as a whole."""
    mistakes: tuple[Refusal, ...] = ()
    """The first ten mistakes, with the field names of the request."""


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


async def take_events(front: Front, name: str, posted: Posted) -> Answer:
    """Takes in what was posted to the source of that name."""
    source = in_force(front.settings).get(name)
    if source is None:
        return _unknown()
    return _noted(source.name, await _take_from(front, source, posted))


async def _take_from(front: Front, source: Source, posted: Posted) -> Answer:
    now = front.clock.now()
    if source.is_ping is not None and source.is_ping(posted):
        return Answer(200)
    if (refusal := _unwelcome(front, source, posted, now)) is not None:
        return refusal
    try:
        judged = read_request(source, posted, now)
    except WrongMediaType as wrong:
        return _refuse(415, "content-type", f"'{source.name}' does not read this media type", f"Send {wrong.accepted}")
    except Unreadable as unreadable:
        return _malformed(as_value(unreadable))
    return await _send(front, source, judged)


async def take_notifications(front: Front, posted: Posted) -> Answer:
    """Takes in what Microsoft Graph posts to a notification or lifecycle URL of ours, the handshake included."""
    states = [state.get_secret_value() for state in front.settings.graph_client_states]
    if not states:
        return _unknown()
    return _noted("graph", await _take_items(front, posted, states))


async def _take_items(front: Front, posted: Posted, states: Sequence[str]) -> Answer:
    if token := posted.query.get("validationToken"):
        return _echo(token)
    if (refusal := _unread(posted)) is not None:
        return refusal
    try:
        notified = read_collection(posted.body, states)
    except Rejected as rejected:
        return _malformed(as_value(rejected))
    _tell(notified)
    refusal = await _put(front, [notified.collection]) if notified.collection is not None else None
    return refusal or Answer(202)


def shake_hands(front: Front, posted: Posted) -> Answer:
    """Answers Event Grid's question whether it may deliver here."""
    if EVENT_GRID.name not in in_force(front.settings):
        return Answer(404)
    headers = allowed(posted.headers.get("webhook-request-origin", ""))
    if headers is None:
        remedy = "Ask with the DNS name that the events will come from"
        refusal = _refuse(400, "WebHook-Request-Origin", "it is missing, or no DNS name", remedy)
        return _noted(EVENT_GRID.name, refusal)
    return Answer(200, headers=headers)


def _echo(token: str) -> Answer:
    """The handshake's answer. Nothing is looked up, because the subscription has no id yet."""
    echoed = answer_token(token)
    if echoed is None:
        return _refuse(400, "validationToken", "it is longer than any of Graph's", "Send the token that Graph made")
    return Answer(200, echoed, {"X-Content-Type-Options": "nosniff"})


def _unwelcome(front: Front, source: Source, posted: Posted, now: datetime) -> Answer | None:
    """The refusal of a request that is not read: without length, too large, not proved, or compressed."""
    if (refusal := _unread(posted)) is not None:
        return refusal
    keys = [key.get_secret_value() for key in source.keys(front.settings)] if source.keys is not None else []
    if not source.proof.holds(posted, keys, now, CLOCKS_OF_SENDERS):
        _log.warning("%s: a request without a valid proof was refused", source.name)
        refused = source.proof.refusal
        return _refuse(401, refused.field, refused.reason, refused.remedy)
    if posted.is_compressed:
        return _refuse(415, "content-encoding", "the body is compressed", "Send it as it is")
    return None


async def _send(front: Front, source: Source, judged: Judged) -> Answer:
    sent = messages(judged.events, BODY_BYTES)
    if sent and (refusal := await _put(front, sent)) is not None:
        return refusal
    for notice in dict.fromkeys(judged.notices):
        _log.warning("%s: %s", source.name, notice)
    told = [Refusal(field=one.field, reason=one.reason, remedy=one.remedy) for one in judged.mistakes[:_TOLD_AT_MOST]]
    if told:
        fields = ", ".join(dict.fromkeys(map(_where, told)))
        _log.warning("%s: events rejected: %d; fields: %s", source.name, judged.rejected, fields)
    counts = {"accepted": judged.accepted, "ignored": judged.ignored, "rejected": judged.rejected}
    _log.info("%s: events accepted: %d, ignored: %d, rejected: %d", source.name, *counts.values())
    return Answer(202, Accepted(**counts, mistakes=tuple(told)))


async def _put(front: Front, messages: Sequence[bytes]) -> Answer | None:
    """Puts messages on the queue. Returns the refusal if that failed; then some messages may have been sent already."""
    try:
        await front.queue.send_events(messages)
    except Transient as away:
        _log.warning("people-events could not be reached: %s", away.reason)
        wait = away.retry_after or _COME_AGAIN
    except Permanent as broken:
        # The sender should come again: the mistake is ours.
        _log.error("people-events takes nothing from us: %s", broken.reason)
        wait = _COME_AGAIN
    else:
        return None
    seconds = str(max(1, round(wait.total_seconds())))
    refusal = Refusal(field="queue", reason="it cannot be reached now", remedy=f"Send it again in {seconds} s")
    return Answer(503, refusal, {"Retry-After": seconds})


def _tell(notified: Notified) -> None:
    """Logs what became of a collection: ids and counts only."""
    for notice in dict.fromkeys(notified.notices):
        _log.warning("graph: %s", notice)
    if notified.dropped:
        claimed = ", ".join(f"{name} ({count})" for name, count in sorted(notified.dropped.items())[:20])
        _log.warning(
            "graph: items passed on: %d, dropped for their clientState: %d; subscriptions: %s",
            notified.known,
            sum(notified.dropped.values()),
            claimed,
        )
    else:
        _log.info("graph: items passed on: %d", notified.known)


def _unread(posted: Posted) -> Answer | None:
    """The refusal of a body of unknown or too great length, before the proof, which an absent body would fail."""
    if posted.has_unknown_length:
        return _refuse(411, "Content-Length", "it is missing", "Send Content-Length, and no body in chunks")
    if len(posted.body) <= BODY_BYTES:
        return None
    reason = f"it has {len(posted.body)} bytes; {BODY_BYTES} are read"
    return _refuse(413, "body", reason, "Send fewer events at a time")


def _noted(source: str, answer: Answer) -> Answer:
    """The answer. A request that is refused for its content leaves a log line with the field, without any value."""
    if answer.status in _LOGGED and isinstance(answer.body, Refusal):
        _log.warning("%s: a request was refused with %d: %s", source, answer.status, _where(answer.body))
    return answer


def _where(mistake: Refusal) -> str:
    """The field of a mistake, for the log, without names that the sender chose."""
    return mistake.field if mistake.reason != TWICE else "a name of the sender's own"


def _unknown() -> Answer:
    return _refuse(404, "source", "there is no such source here", "docs/reference/sources.md lists the sources")


def _malformed(rejected: Rejected) -> Answer:
    return _refuse(413 if isinstance(rejected, TooMany) else 400, rejected.field, rejected.reason, rejected.remedy)


def _refuse(status: int, where: str, reason: str, remedy: str) -> Answer:
    return Answer(status, Refusal(field=where, reason=reason, remedy=remedy))
