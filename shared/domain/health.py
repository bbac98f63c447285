"""Health: whether events arrive and are taken, as a timer sees it every five minutes; and what is told of it.

Only facts live here, and how they are kept short. Reading them is `shared.services.health`'s. Nothing is decided by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

STALE: Final = timedelta(minutes=15)
"""From this age on nobody knows: a look is taken every five minutes, so that two were missed."""

MOST_COUNTED: Final = 100
"""Messages that are counted of a queue, or of its dead letters; of more it is told that there are more."""

MOST_SOURCES: Final = 50
"""Senders of whom the last event is remembered: those heard last. Whoever may send an event can invent a sender."""


_NEVER_COUNTED: Final = "access-work"
"""The queue with sessions, in which Service Bus lets nobody look without taking one: metrics tell of it."""


@dataclass(frozen=True, slots=True)
class ShelfCount:
    """How many messages lie in a queue, or among its dead letters (`is_dead`).

    `count` is None where that is not known, and `why` says why. `more` says that there are at least so many. `oldest`
    is since when the oldest lies there.
    """

    queue: str
    is_dead: bool
    count: int | None
    more: bool = False
    oldest: datetime | None = None
    why: str = ""

    @property
    def is_told_elsewhere(self) -> bool:
        """Whether no look can count it, so that its count is not missed: Azure's own metrics have it."""
        return self.queue == _NEVER_COUNTED and not self.is_dead and self.count is None

    @property
    def said(self) -> str:
        """The count for people: `100 or more`, `not known`."""
        return "not known" if self.count is None else f"{self.count:,}{' or more' * self.more}"


@dataclass(frozen=True, slots=True)
class LastHeard:
    """The last event of a source: the CloudEvent's `source`, in which Graph's events have their subscription."""

    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """The last event of each source, the latest first."""

    sources: tuple[LastHeard, ...] = ()


def heard_of(before: Heard, now: Mapping[str, datetime]) -> Heard:
    """What is remembered after events of these sources."""
    last = {one.source: one.at for one in before.sources}
    for source, at in now.items():
        last[source] = max(at, last.get(source, at))
    latest = sorted(last.items(), key=lambda one: (one[1], one[0]), reverse=True)
    return Heard(tuple(LastHeard(source, at) for source, at in latest[:MOST_SOURCES]))


@dataclass(frozen=True, slots=True)
class SubscriptionEnd:
    """A subscription to changes in the directory, and when it ends. `heard` is its last notification."""

    resource: str
    id: str
    ends: datetime
    heard: datetime | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionsKept:
    """What the last run that keeps subscriptions left: when, whether there are to be any, which, and what failed."""

    at: datetime
    on: bool
    found: tuple[SubscriptionEnd, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """One look. `subscriptions` is None before the first run that keeps them."""

    at: datetime
    shelves: tuple[ShelfCount, ...]
    sources: tuple[LastHeard, ...] = ()
    subscriptions: SubscriptionsKept | None = None

    def is_stale(self, now: datetime) -> bool:
        """Whether it is too old to say how things are."""
        return now - self.at > STALE

    @property
    def rejected(self) -> ShelfCount | None:
        """The rejected events; None where no look was taken there."""
        return next((one for one in self.shelves if one.queue == REJECTED and not one.is_dead), None)

    @property
    def dead(self) -> ShelfCount:
        """The dead letters of all queues together; not known where those of one are not."""
        return together(tuple(one for one in self.shelves if one.is_dead))


REJECTED: Final = "rejected-events"
"""The queue of events that could not be used."""


def together(shelves: tuple[ShelfCount, ...]) -> ShelfCount:
    """Several shelves as one."""
    unknown = next((one for one in shelves if one.count is None), None)
    if unknown is not None or not shelves:
        return ShelfCount("", is_dead=True, count=None, why=unknown.why if unknown else "no look was taken")
    return ShelfCount(
        "",
        is_dead=True,
        count=sum(one.count or 0 for one in shelves),
        more=any(one.more for one in shelves),
        oldest=min((one.oldest for one in shelves if one.oldest is not None), default=None),
    )


def with_notifications(kept: SubscriptionsKept | None, sources: tuple[LastHeard, ...]) -> SubscriptionsKept | None:
    """The subscriptions, each with its last notification: Graph's events name theirs at the end of their source."""
    if kept is None:
        return None
    last = {one.source.rpartition("/")[2].lower(): one.at for one in reversed(sources)}
    return SubscriptionsKept(
        kept.at,
        kept.on,
        tuple(SubscriptionEnd(one.resource, one.id, one.ends, last.get(one.id.lower())) for one in kept.found),
        kept.failures,
    )
