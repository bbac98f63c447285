"""Intake: from events, whoever sent them, to looks. Nothing about access is decided here.

Each event stands alone: one that cannot be used ends on rejected-events and stops no other. What concerns one
person is merged into one look now, plus one at each future effective date.
"""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

from shared.domain.keys import Key
from shared.domain.work import Cause, CauseKind, RejectedEvent, Scheduled, WorkItem, at_once, later
from shared.errors import Rejected
from shared.services.app import App
from shared.sources.events import PersonEvent
from shared.sources.read import read_message

FUTURE_LOOKS: Final = 5
"""The most future looks that one batch may schedule for one person: what a sender can cost us is bounded."""

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
    """Turns a batch of events into looks. Returns once everything has reached a queue; raises Transient if not."""
    now = app.clock.now()
    events: dict[Key, list[PersonEvent]] = {}
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
            _log.exception("intake met a bug in event %s", incoming.message_id)
            mistakes.append(
                Rejected(
                    "event",
                    f"this app has a bug: {type(bug).__name__}",
                    "Send it again after the next release",
                )
            )
        if mistakes:
            rejected.append(_whole(incoming, mistakes))
    looks = [look for key, about in events.items() for look in _looks(app, key, about, now)]
    if looks:
        await app.queues.send_work(looks)
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


def _looks(app: App, key: Key, about: Sequence[PersonEvent], now: datetime) -> list[Scheduled]:
    """One look now, and one at each of the nearest future effective dates."""
    effective = sorted({moment for event in about if (moment := _moment(app, event.effective)) is not None})
    first = about[0]
    origin = first.origin if len(about) == 1 else f"{first.origin} (+{len(about) - 1})"
    item = WorkItem(
        key,
        Cause(CauseKind.EVENT, origin, first.event_type),
        first_asked=now,
        effective=effective[-1] if effective else None,
    )
    unique = uuid.UUID(int=app.random.getrandbits(128), version=4)
    return [
        at_once(item, str(unique)),
        *(
            later(
                WorkItem(
                    key,
                    Cause(CauseKind.SCHEDULE, origin, first.event_type),
                    first_asked=moment,
                    effective=moment,
                ),
                moment,
                coalesce=app.settings.coalesce,
            )
            for moment in [moment for moment in effective if moment > now][:FUTURE_LOOKS]
        ),
    ]


def _moment(app: App, effective: date | datetime | None) -> datetime | None:
    """An effective date as a moment: a date without a time begins with that day in the policy's time zone."""
    if effective is None or isinstance(effective, datetime):
        return effective
    return datetime.combine(effective, time(), app.policy.time_zone)


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
