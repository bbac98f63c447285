"""Notices: what is told to people outside, each once, and the outbox that they wait in.

Lives here: the values, and comparing what there is to tell with what was told. A notice is worked out of what the state
has anyway (holds, pauses, reports, verdicts), so that nothing has to be written where these come from, and a crash
between a fact and its notice loses nothing. Names of people are in none: see `matters`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.domain.reasons import Code, Reason

MOST_LINES: Final = 10
"""Lines of a notice; what is beyond is counted. A card of Teams holds 28 KB, and nobody reads more in a chat."""

MOST_WAITING: Final = 50
"""Notices that wait for one channel. While so many do, nothing new is taken up: it is told once there is room, if it is
so then."""

FIRST_REST: Final = timedelta(minutes=5)
LONGEST_REST: Final = timedelta(hours=1)
"""How long a channel that failed is left alone: doubled each time, an hour at the most. So what waits is told within
an hour of the channel's return."""

_HOUR: Final = timedelta(hours=1)


class NoticeKind(StrEnum):
    """What a notice is about. Where a finding is of the same, it is called the same."""

    DECISION = "decision"
    """Something waits for a person to decide."""
    PAUSE = "pause"
    CHECK_FAILED = "check-failed"
    """A full check could not read everything, or none came for hours."""
    LEAVERS = "leaver-holds-unmanaged"
    MAIL = "will-not-mail"
    """An invoice will reach nobody, or too few."""
    REJECTED = "rejected-events"
    DEAD_LETTERS = "dead-letters"
    FEED = "feed-silent"
    DIGEST = "digest"
    """The week's word to finance."""


GRACE: Final[Mapping[NoticeKind, timedelta]] = {
    NoticeKind.CHECK_FAILED: timedelta(hours=6),
    NoticeKind.LEAVERS: timedelta(hours=24),
    NoticeKind.FEED: timedelta(hours=24),
    NoticeKind.MAIL: timedelta(days=40),
    NoticeKind.DIGEST: timedelta(days=40),
}
"""How long something must have been gone before it is told of again. What comes and goes with every sweep is told once;
a verdict is of one invoice day, and a digest of one week. All others are told again at once."""


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to tell. `id` says which: it is told of once. `lines` say it; `title` only where its kind has none.

    A line's fact `people` is added up over matters that differ in nothing else.
    """

    kind: NoticeKind
    id: str
    lines: tuple[Reason, ...]
    title: Reason | None = None

    @property
    def key(self) -> str:
        """What is remembered of it: an id may be long, and name somebody's object id."""
        return f"{self.kind.value}:{hashlib.sha256(self.id.encode()).hexdigest()[:20]}"


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told at once: everything new of a kind. `id` stays the same however often it is sent."""

    id: str
    kind: NoticeKind
    at: datetime
    title: Reason
    lines: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Telling:
    """What one channel was told, and what waits for it.

    `told` says of each matter when it was last there, to the hour. `failed` counts failures in a row, and before
    `rests_until` nothing is sent.
    """

    told: Mapping[str, datetime] = field(default_factory=dict)
    outbox: tuple[Notice, ...] = ()
    failed: int = 0
    rests_until: datetime | None = None

    def delivered(self, notice: Notice) -> "Telling":
        """The same once a notice has arrived."""
        return replace(
            self, outbox=tuple(one for one in self.outbox if one.id != notice.id), failed=0, rests_until=None
        )

    def not_delivered(self, notice: Notice, now: datetime, wait: timedelta | None, *, refused: bool) -> "Telling":
        """The same once a notice could not be delivered: it stays, behind the others where it was `refused` itself."""
        others = tuple(one for one in self.outbox if one.id != notice.id)
        rest = min(LONGEST_REST, max(wait or timedelta(), FIRST_REST * 2 ** min(self.failed, 10)))
        outbox = (*others, notice) if refused else self.outbox
        return replace(self, outbox=outbox, failed=self.failed + 1, rests_until=now + rest)

    def rests(self, now: datetime) -> bool:
        """Whether the channel is left alone now."""
        return self.rests_until is not None and now < self.rests_until


type Found = Mapping[NoticeKind, Sequence[Matter] | None]
"""What there is to tell, by kind; None where that could not be found out."""


def take_up(before: Telling, found: Found, now: datetime) -> Telling:
    """What there is to tell, compared with what was told: what is new goes into the outbox, a notice for each kind.

    A kind that is missing, or could not be found out, stays as it was told.
    """
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    told, outbox = dict(before.told), [*before.outbox]
    for kind, matters in found.items():
        if matters is None:
            continue
        there = {matter.key: matter for matter in matters}
        new = [matter for key, matter in there.items() if key not in told]
        if len(outbox) >= MOST_WAITING:
            new = []
        told |= {key: hour for key in there if key in told} | {matter.key: hour for matter in new}
        grace = GRACE.get(kind, timedelta())
        gone = [key for key in told if key.startswith(f"{kind.value}:") and key not in there]
        for key in gone:
            if now - told[key] >= grace:
                del told[key]
        if new:
            outbox.append(_notice(kind, new, now))
    return replace(before, told=told, outbox=tuple(outbox))


def _notice(kind: NoticeKind, matters: Sequence[Matter], now: datetime) -> Notice:
    lines = _added_up([line for matter in matters for line in matter.lines])
    shown = tuple(lines[:MOST_LINES])
    if len(lines) > MOST_LINES:
        shown = (*shown, Code.MORE_LINES(count=len(lines) - MOST_LINES))
    title = next((one.title for one in matters if one.title is not None), None)
    named = "|".join([kind.value, now.isoformat(), *sorted(one.key for one in matters)])
    title = title or _TITLES[kind](len(matters))
    return Notice(hashlib.sha256(named.encode()).hexdigest()[:32], kind, now, title, shown)


_TITLES: Final[Mapping[NoticeKind, Callable[[int], Reason]]] = {
    NoticeKind.DECISION: lambda count: Code.NOTICE_DECISIONS(count=count),
    NoticeKind.PAUSE: lambda _: Code.NOTICE_PAUSES(),
    NoticeKind.CHECK_FAILED: lambda _: Code.NOTICE_CHECK_FAILED(),
    NoticeKind.LEAVERS: lambda count: Code.NOTICE_LEAVERS(count=count),
    NoticeKind.MAIL: lambda count: Code.NOTICE_MAIL(count=count),
    NoticeKind.REJECTED: lambda _: Code.NOTICE_REJECTED(),
    NoticeKind.DEAD_LETTERS: lambda _: Code.NOTICE_DEAD_LETTERS(),
    NoticeKind.FEED: lambda _: Code.NOTICE_FEED(),
}
"""What a notice of a kind says first, by how many matters it has; a digest says it itself."""


def _added_up(lines: Sequence[Reason]) -> list[Reason]:
    """The lines, those that differ in their number of people alone as one."""
    people: dict[Reason, int] = {}
    for line in lines:
        number = line.facts.get("people")
        alike = Reason(line.code, {**line.facts, "people": 0}) if isinstance(number, int) else line
        people[alike] = people.get(alike, 0) + (number if isinstance(number, int) else 0)
    return [
        Reason(line.code, {**line.facts, "people": count}) if "people" in line.facts else line
        for line, count in people.items()
    ]
