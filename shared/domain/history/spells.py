"""Spells: from when until when a person had something managed, how that began and ended, and how sure that is.

Lives here: the shape of that knowledge and the question whether it falls on a day. How it follows from records is
`as_of`'s.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from shared.domain.keys import ProfileKey
from shared.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time from `start` up to but not including `end`, or one moment where both are the same."""

    start: datetime
    end: datetime

    @classmethod
    def of_day(cls, day: date, zone: ZoneInfo) -> "Window":
        """A calendar day where `zone` is; one on which clocks change has 23 or 25 hours."""
        start, end = (datetime.combine(each, time.min, zone) for each in (day, day + timedelta(days=1)))
        return cls(start.astimezone(UTC), end.astimezone(UTC))

    @classmethod
    def of_moment(cls, at: datetime) -> "Window":
        """One moment."""
        return cls(at, at)

    def holds(self, at: datetime) -> bool:
        """Whether a moment falls into it."""
        return self.start <= at < self.end or at == self.start


class Certainty(StrEnum):
    """How sure it is that somebody had something on a day."""

    HELD = "held"
    """At some moment of that day, surely."""
    PERHAPS = "perhaps"
    """It may have been: a write that never showed, or a change between two checks."""


def certainty_of_sight(first: datetime, last: datetime, left_at: datetime | None, window: Window) -> Certainty | None:
    """How sure it is that what sweeps saw from `first` to `last`, and no more by `left_at`, was there within a window.

    None when it was not seen by then, or was gone.
    """
    first = max(window.start, first)
    if not window.holds(first):
        return None
    if first <= last:
        return Certainty.HELD
    return Certainty.PERHAPS if left_at is None or first < left_at else None


class How(StrEnum):
    """How a spell began."""

    GRANTED = "granted"
    """We granted it, and the ledger has the intent."""
    ADOPTED = "adopted"
    """It was there, made by somebody else; a person made it managed."""
    FOUND = "found"
    """A check found it and it was proved managed, but the ledger does not have its beginning."""


class Ending(StrEnum):
    """How a spell ended."""

    REVOKED = "revoked"
    """We revoked it."""
    GONE = "gone"
    """A check found it gone (or replaced) without a revoke of ours: somebody else took it away."""
    NEVER_SEEN = "never-seen"
    """A grant of which nobody knows whether it was made: no check ever showed it."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a spell began: not before `earliest` (None: nobody knows), and surely by `at` (None: never shown).

    `cause`, `origin` and `event_type` are those of the check that granted it, "" where that check left no record. `by`
    is who adopted it. `record` is the sequence number of the record that tells of it.
    """

    how: How
    earliest: datetime | None
    at: datetime | None
    rules: tuple[str, ...]
    record: int
    why: Reason
    cause: str = ""
    origin: str = ""
    event_type: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """How a spell ended: it was surely there until `last_seen`, and surely no more from `at` on.

    The other fields are as in `Beginning`.
    """

    how: Ending
    last_seen: datetime
    at: datetime
    record: int
    why: Reason | None = None
    cause: str = ""
    origin: str = ""
    event_type: str = ""


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which a person had something managed on a profile.

    `seen` is when a record last showed it live, None for one never shown. `rules` are those that gave it, each set with
    the moment from which on it did; what gave it in the beginning comes first. `unsure_from` is when we were about to
    revoke it, where nobody knows yet whether that was done.
    """

    profile: ProfileKey
    began: Beginning
    seen: datetime | None
    rules: tuple[tuple[datetime, tuple[str, ...]], ...] = ()
    ended: End | None = None
    unsure_from: datetime | None = None

    def certainty(self, window: Window) -> Certainty | None:
        """How sure it is that the person had this at some moment within `window`; None when it was not."""
        began, ended = self.began, self.ended
        if began.at is not None:
            first = max(window.start, began.at)
            surely_until = self.unsure_from if ended is None else ended.last_seen
            if window.holds(first) and (surely_until is None or first <= surely_until):
                return Certainty.HELD
        first = window.start if began.earliest is None else max(window.start, began.earliest)
        if window.holds(first) and (ended is None or first < ended.at):
            return Certainty.PERHAPS
        return None

    def rules_on(self, window: Window) -> tuple[str, ...]:
        """The rules that gave it within `window`: the latest set of it, or the one before."""
        known = [rules for since, rules in self.rules if since <= window.start or window.holds(since)]
        return known[-1] if known else self.began.rules

    def as_record(self, window: Window) -> dict[str, Any]:
        """For people and programs, as JSON. A time that nobody knows is null."""
        began, ended = self.began, self.ended
        certainty = self.certainty(window)
        return {
            "profile": str(self.profile),
            "certainty": None if certainty is None else certainty.value,
            "since": _text(began.at if began.at is not None else began.earliest),
            "since_earliest": _text(began.earliest),
            "how": began.how.value,
            "rules": list(self.rules_on(window)),
            "why": began.why,
            "cause": began.cause,
            "origin": began.origin,
            "event_type": began.event_type,
            "by": began.by,
            "record": began.record,
            "last_seen": _text(self.seen),
            "until": None if ended is None else _text(ended.at),
            "ended": None
            if ended is None
            else {
                "how": ended.how.value,
                "last_seen": _text(ended.last_seen),
                "why": ended.why,
                "cause": ended.cause,
                "origin": ended.origin,
                "event_type": ended.event_type,
                "record": ended.record,
            },
        }


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
