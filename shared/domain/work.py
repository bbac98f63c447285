"""A piece of work: one key to check, why, and when.

Whoever can put one of these on a queue can cause a check, never a grant: nothing in it says what the
answer should be. `only` can do no more than narrow what a check writes.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.domain.keys import Key, ProfileKey

SWEEP_ORIGIN: Final = "sweep#"
"""How the origin begins of a check that a sweep asked for, and of checks that follow from it."""

MOST_HINTS: Final = 200
"""The most hints in one item; each is a read more."""

FUTURE_CHECKS: Final = 5
"""How many future checks may wait for one key, so that what senders can cost us is bounded. The sweep sees the rest."""

RECORDED_CHARACTERS: Final = 200
"""The longest origin and event type: they are the sender's words, and each record and copy repeats them."""

MOST_REVIEWED: Final = 200
"""The most actions that one item names as those that it may write."""

MOST_ATTEMPTS: Final = 1_000_000
"""The highest number of attempts that is counted: at one each fifteen minutes it is 28 years."""

_LONGEST_KEY: Final = 80

_CLOCKS_DIFFER: Final = timedelta(hours=1)
"""By how much our clock may be behind the queue's. An item that claims more was not scheduled by this app."""


class CauseKind(StrEnum):
    """What made us check."""

    EVENT = "event"
    """A message on people-events named this person."""
    SCHEDULE = "schedule"
    """The answer changes by itself at this moment: an effective date, a hire or leave date."""
    SETTLE = "settle"
    """The second check: directories lag behind their own notifications, and weak evidence must be seen twice."""
    VERIFY = "verify"
    """A write was accepted but not visible yet."""
    RETRY = "retry"
    """The last check met something transient."""
    WAIT = "wait"
    """Nobody by that name was found yet."""
    SWEEP = "sweep"
    """The sweep found drift."""
    OPERATOR = "operator"
    """A person asked for it, released a hold, adopted what the key holds, or applied a plan."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why somebody checks: its kind, and the event or sweep it began with.

    `origin` is a short text that finds the beginning again (`<CloudEvents source>#<id>`, a sweep's id);
    `event_type` is the event's own type, recorded and never judged. Both are a sender's words, and end on people's
    screens: what a terminal would act on, or what turns text around, is there as U+FFFD.
    """

    kind: CauseKind
    origin: str
    event_type: str = ""

    def __post_init__(self) -> None:
        if not (self.origin.isprintable() and self.event_type.isprintable()):
            object.__setattr__(self, "origin", _visible(self.origin))
            object.__setattr__(self, "event_type", _visible(self.event_type))


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a profile stands among those of a person: first what the policy gives (`surplus` False), then the rest."""

    surplus: bool
    profile: ProfileKey


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One check to take.

    `first_asked` is when somebody first wanted this check: waiting for an unknown name counts from it. `attempt` counts
    the checks of the same kind so far, from 0. `hints` are profiles to read as well; they can only widen what is read.
    `effective` is the date an event named; waiting for an unknown name ends 14 days past it. `failing_since` is when
    the retries began that this check is one of: they are given up 24 h after it. `due` is the moment for which a check
    was scheduled, None for one that was wanted at once. `moments` are moments to come at which an event wants another
    check, at most five: whoever takes this check sees to that.

    A person of very many profiles is checked in pieces: this one covers what stands beyond `after` and not beyond
    `upto`, where they are given. Pieces that lie side by side cover everything, whatever changed in between: each
    profile has one position at a time. A forged pair spares us reads in that one check, and nothing is concluded from
    what was not read.

    `heard` is when somebody first wanted the check from which this one follows after a wait; None where that is
    `first_asked`. It is told, and decides nothing.

    `only` are the actions that this check may write, as `reviewed` spells them: those of a plan that a person applied.
    Whatever else it finds is left to the next check. None is no limit. It can only narrow what is written.
    """

    key: Key
    cause: Cause
    first_asked: datetime
    attempt: int = 0
    hints: tuple[ProfileKey, ...] = ()
    effective: datetime | None = None
    failing_since: datetime | None = None
    due: datetime | None = None
    moments: tuple[datetime, ...] = ()
    after: Position | None = None
    upto: Position | None = None
    only: frozenset[str] | None = None
    heard: datetime | None = None

    @property
    def is_part(self) -> bool:
        """Whether it covers a part of a person's profiles."""
        return self.after is not None or self.upto is not None


def _visible(text: str) -> str:
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A work item on its way: when it is due (None: now), its Service Bus MessageId, and its trace.

    `trace` is a `traceparent` of W3C's Trace Context, for whoever looks at telemetry; nothing is decided by it.
    """

    item: WorkItem
    message_id: str
    due: datetime | None = None
    trace: str = ""


def heard_at(item: WorkItem) -> datetime:
    """When the app heard of what it checks for: of a change, or that somebody wants a check."""
    return item.heard or item.first_asked


def at_once(item: WorkItem, unique: str) -> Scheduled:
    """Sends a check for now. `unique` keeps it from being dropped as a duplicate of another check for now."""
    return Scheduled(item, f"now:{_short(item)}:{unique}"[:128])


def later(item: WorkItem, due: datetime, *, coalesce: timedelta) -> Scheduled:
    """Sends a check for `due`, rounded up to a multiple of `coalesce`, so that checks of one kind at a key coalesce.

    The MessageId is `<kind>:<key>:<due>`. If the queue drops a duplicate, the check that stays serves both: it is due
    at the same moment, which is not before either was asked for. Checks with different `moments` are never duplicates:
    neither would schedule the moments of the other.

    A check that follows from a scheduled one must be due after it, also if our clock is behind the queue's. So its due
    time is moved by one step where needed, or the queue would drop it as a duplicate.
    """
    step = max(1, int(coalesce.total_seconds()))
    rounded = datetime.fromtimestamp(-(-due.timestamp() // step) * step, UTC)
    if item.due is not None and rounded <= item.due < rounded + _CLOCKS_DIFFER:
        rounded = item.due + timedelta(seconds=step)
    message_id = f"{item.cause.kind}:{_short(item)}:{rounded:%Y-%m-%dT%H:%M:%SZ}{_of_moments(item)}"[:128]
    return Scheduled(replace(item, due=rounded), message_id, rounded)


def nearest(moments: Collection[datetime], now: datetime, *, coalesce: timedelta) -> tuple[datetime, ...]:
    """The nearest five future moments; of several within one step of `coalesce` only the first."""
    step = max(1, int(coalesce.total_seconds()))
    first: dict[float, datetime] = {}
    for moment in sorted(moment for moment in moments if moment > now):
        first.setdefault(-(-moment.timestamp() // step), moment)
    return tuple(first.values())[:FUTURE_CHECKS]


def following(item: WorkItem, end: Position) -> Scheduled:
    """What `item` covers beyond `end`, for now.

    If it is sent again for the same item, as after a crash, it is the same message: the queue may drop it.
    """
    rest = replace(item, after=end, attempt=0, failing_since=None, due=None)
    so_far = f"{item.cause}\n{item.attempt}\n{item.first_asked}\n{item.due}\n{end}"
    return at_once(rest, hashlib.sha256(so_far.encode()).hexdigest()[:16])


_FIXING: Final = frozenset({CauseKind.RETRY, CauseKind.VERIFY})
"""Checks that follow from what went wrong. They may take turns, so that one clock runs over both kinds."""


def again(item: WorkItem, kind: CauseKind) -> WorkItem:
    """The same check once more, for another reason; `attempt` counts on within one kind and starts anew on a change."""
    return replace(
        item,
        cause=replace(item.cause, kind=kind),
        attempt=min(item.attempt + 1, MOST_ATTEMPTS) if item.cause.kind is kind else 0,
        failing_since=item.failing_since if kind in _FIXING else None,
    )


def not_ahead(item: WorkItem, now: datetime) -> WorkItem:
    """The item, asked for and failing since `now` where it says a later time: a clock was wrong, or somebody forged it.

    Both are what an end is counted from, and from a later time it would not come.
    """
    if item.first_asked <= now and (item.failing_since is None or item.failing_since <= now):
        return item
    failing_since = None if item.failing_since is None else min(item.failing_since, now)
    return replace(item, first_asked=min(item.first_asked, now), failing_since=failing_since)


def retried(item: WorkItem, now: datetime) -> WorkItem:
    """The same check once more, because this one failed; remembers since when that goes on."""
    return replace(again(item, CauseKind.RETRY), failing_since=item.failing_since or now)


def _short(item: WorkItem) -> str:
    """The key, or its digest where it is too long for a MessageId (128 characters in Service Bus); and which part.

    A check that may do less is no duplicate of one that may do everything.
    """
    key = item.key.canonical
    short = key if len(key) <= _LONGEST_KEY else "sha256-" + hashlib.sha256(key.encode()).hexdigest()
    if not item.is_part and item.only is None:
        return short
    narrowed = f"{item.after}{item.upto}" if item.only is None else f"{item.after}{item.upto}{sorted(item.only)}"
    return f"{short}~{hashlib.sha256(narrowed.encode()).hexdigest()[:8]}"


def _of_moments(item: WorkItem) -> str:
    if not item.moments:
        return ""
    told = " ".join(moment.isoformat() for moment in item.moments)
    return ":" + hashlib.sha256(told.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class RejectedEvent:
    """An event that could not be used: its bytes as they came, and what is wrong with them."""

    body: bytes
    field_name: str
    reason: str
    remedy: str
    message_id: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
