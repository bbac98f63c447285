"""Intake: from events, whoever sent them, to looks. Nothing about access is decided here.

Each event stands alone: one that cannot be used ends on rejected-events and stops no other. What concerns one
person is merged into one look now, plus one at each future effective date while there is a place for it.
"""

import asyncio
import logging
import traceback
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from shared.domain.keys import IdentityKey, PersonKey
from shared.domain.nameless import nameless
from shared.domain.work import (
    RECORDED_CHARACTERS,
    Cause,
    CauseKind,
    RejectedEvent,
    Scheduled,
    WorkItem,
    at_once,
    later,
)
from shared.errors import Permanent, Rejected, Transient
from shared.services.app import App
from shared.services.future import Places, note_sent, take_places
from shared.services.reconcile import chain_key
from shared.sources.events import PersonEvent
from shared.sources.read import read_message

_AT_ONCE: Final = 8
"""Keys whose future looks are seen to side by side: a batch of an HR system's year plan must not take minutes."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as it came from people-events: its bytes and its Service Bus MessageId."""

    body: bytes
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: how many looks were sent, events rejected, and items that name nobody."""

    looks: int
    rejected: int
    ignored: int


async def intake(app: App, batch: Sequence[Incoming]) -> Taken:
    """Turns a batch of events into looks. Returns once everything has reached a queue; raises Transient if not.

    It also raises where a place for a future look could not be taken: everybody is looked at now all the same, and the
    batch comes back.
    """
    now = app.clock.now()
    events: dict[PersonKey | IdentityKey, list[PersonEvent]] = {}
    rejected: list[RejectedEvent] = []
    ignored = 0
    for incoming in batch:
        mistakes: list[Rejected] = []
        try:
            for found in read_message(incoming.body, now=now):
                if isinstance(found, PersonEvent):
                    events.setdefault(found.key, []).append(found)
                elif isinstance(found, Rejected):
                    mistakes.append(found)
                else:
                    ignored += 1
        except Exception as bug:  # noqa: BLE001 - a bug about one event must not burn the batch it came in
            # Its kind and its place. What it says may be of whomever the event names.
            place = "".join(traceback.format_tb(bug.__traceback__))
            event = nameless(incoming.message_id or "")
            _log.error("intake met a bug in event %s: %s\n%s", event, type(bug).__name__, place)
            mistakes.append(
                Rejected(
                    "event",
                    f"this app has a bug: {type(bug).__name__}",
                    "Send it again after the next release",
                )
            )
        if mistakes:
            rejected.append(_whole(incoming, mistakes))
    looks = [_look_now(app, key, about, now) for key, about in events.items()]
    gate = asyncio.Semaphore(_AT_ONCE)
    places, failures = await _take_places(app, events, now, gate)
    looks += [look for one in places for look in one.to_send]
    if looks:
        await app.queues.send_work(looks)
    await asyncio.gather(*(note_sent(app.state, one, gate) for one in places))
    if failures:
        raise failures[0]
    if rejected:
        await app.queues.send_rejected(rejected)
    _log.info(
        "intake: %d messages, %d looks, %d rejected, %d ignored",
        len(batch),
        len(looks),
        len(rejected),
        ignored,
    )
    return Taken(len(looks), len(rejected), ignored)


def _look_now(app: App, key: PersonKey | IdentityKey, about: Sequence[PersonEvent], now: datetime) -> Scheduled:
    effective = [moment for event in about if (moment := _moment(app, event.effective)) is not None]
    item = WorkItem(key, _cause(about, CauseKind.EVENT), first_asked=now, effective=max(effective, default=None))
    return at_once(item, str(uuid.UUID(int=app.random.getrandbits(128), version=4)))


def _future_looks(
    app: App, key: PersonKey | IdentityKey, about: Sequence[PersonEvent], now: datetime
) -> dict[datetime, Scheduled]:
    """The looks that are asked for at moments to come, by when they are due; the first of those that fall together."""
    moments = {moment for event in about if (moment := _moment(app, event.effective)) is not None and moment > now}
    cause = _cause(about, CauseKind.SCHEDULE)
    looks: dict[datetime, Scheduled] = {}
    for moment in sorted(moments):
        look = later(WorkItem(key, cause, moment, effective=moment), moment, coalesce=app.settings.coalesce)
        looks.setdefault(look.due or moment, look)
    return looks


async def _take_places(
    app: App, events: Mapping[PersonKey | IdentityKey, Sequence[PersonEvent]], now: datetime, gate: asyncio.Semaphore
) -> tuple[list[Places], list[Transient]]:
    """Takes places for whatever is asked for at moments to come; what kept them from being taken is the second part."""
    failures: list[Transient] = []

    async def take(key: PersonKey | IdentityKey, wanted: Mapping[datetime, Scheduled]) -> Places | None:
        try:
            return await take_places(app.state, key, wanted, now, gate)
        except Transient as failure:
            failures.append(failure)
        except Permanent as failure:
            # Coming back changes nothing, and the look now does not hang on it.
            _log.error("intake: the future looks at %s are left to the sweep: %s", chain_key(key), failure.reason)
        return None

    asked = {key: wanted for key, about in events.items() if (wanted := _future_looks(app, key, about, now))}
    places = await asyncio.gather(*(take(key, wanted) for key, wanted in asked.items()))
    return [one for one in places if one is not None], failures


def _cause(about: Sequence[PersonEvent], kind: CauseKind) -> Cause:
    """Why we look, in the words of the first who asked."""
    more = f" (+{len(about) - 1})" if len(about) > 1 else ""
    return Cause(kind, _bounded(about[0].origin + more), _bounded(about[0].event_type))


def _bounded(text: str) -> str:
    """A sender's text, cut in the middle where it is too long: both ends help to find an event again."""
    if len(text) <= RECORDED_CHARACTERS:
        return text
    head = RECORDED_CHARACTERS // 2
    return f"{text[:head]}…{text[head + 1 - RECORDED_CHARACTERS :]}"


def _moment(app: App, effective: date | datetime | None) -> datetime | None:
    """An effective date as a moment in UTC: a date without a time begins with that day in the policy's time zone.

    Where the clocks go forward at midnight, the day begins with the hour after it; where they go back, with the first
    of two midnights. That is what `combine` comes to.
    """
    if effective is None or isinstance(effective, datetime):
        return effective
    return datetime.combine(effective, time(), app.policy.time_zone).astimezone(UTC)


def _whole(incoming: Incoming, mistakes: Sequence[Rejected]) -> RejectedEvent:
    """The rejected message as one, its mistakes side by side; the first ten say enough."""
    shown = mistakes[:10]
    more = f" (and {len(mistakes) - 10} more)" if len(mistakes) > 10 else ""  # noqa: PLR2004
    return RejectedEvent(
        incoming.body,
        field_name="; ".join(mistake.field for mistake in shown),
        reason="; ".join(mistake.reason for mistake in shown) + more,
        mend="; ".join(dict.fromkeys(mistake.mend for mistake in shown)),
        message_id=incoming.message_id,
    )
