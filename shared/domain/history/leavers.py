"""The leaver clock: how long access outlasts the work, by day, from what checks left in the ledger.

Lives here: the arithmetic. A removal counts on the day (of the policy's time zone, in which all days are) on which the
access was gone. Two clocks run, because a fact may be old before anybody tells it: one from when the app could have
acted, which is when it had heard and it was true; one from when it became true, where the directory says that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from math import ceil
from typing import TYPE_CHECKING, Final

from shared.domain.work import SWEEP_ORIGIN

if TYPE_CHECKING:  # whoever reads the clock reads no records
    from zoneinfo import ZoneInfo

    from shared.domain.history.activity import Noted

_PERSON: Final = "person:"

KEPT: Final = timedelta(days=400)
"""How long days are kept: a year can still be compared with the one before it."""

PERIOD_DAYS: Final = 30
"""Days of which people are told at a glance."""


@dataclass(frozen=True, slots=True)
class Departure:
    """One leaver whose access was gone on a day: by which record, and after how many seconds.

    `seconds` is from when the app had heard and it was true, `since_left` from when it became true, None where the
    directory does not say when that was. `swept` says that a sweep found it, where no event had told.
    """

    person: str
    record: int
    gone: datetime
    seconds: float
    since_left: float | None = None
    swept: bool = False


@dataclass(frozen=True, slots=True)
class LeaverDay:
    """Everybody who had left and whose access was gone on a day (`YYYY-MM-DD`)."""

    day: str
    departures: tuple[Departure, ...]


@dataclass(frozen=True, slots=True)
class LeaverDays:
    """The days on which anybody's access was gone, the oldest first, and until when the index was read for them."""

    counted: datetime | None = None
    days: tuple[LeaverDay, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """Of several departures: how many, the median, the 95th percentile and the longest, in seconds."""

    count: int
    p50: float
    p95: float
    longest: float


@dataclass(frozen=True, slots=True)
class Summary:
    """The leaver clock over some days. `heard` is from when the app could act, `left` from leaving where that is known.

    Both are None where nobody is counted. `slowest` is whose access took longest, `swept` how many a sweep found.
    """

    first: date
    last: date
    people: int
    heard: Figures | None
    left: Figures | None
    slowest: Departure | None
    swept: int


def days_of(entries: Iterable[Noted], zone: ZoneInfo, before: Sequence[LeaverDay] = ()) -> tuple[LeaverDay, ...]:
    """The days `before` with what these entries add, the oldest first. What was counted is not counted twice.

    Of several records of a person on a day the last one counts. Access of many profiles is removed by several checks:
    it is gone with the last of them, and heard of by the first.
    """
    found = {(day.day, one.person): one for day in before for one in day.departures}
    for one in sorted(entries, key=lambda each: each.at):
        departure = _departure(one)
        if departure is None:
            continue
        place = (one.at.astimezone(zone).date().isoformat(), departure.person)
        earlier = found.get(place)
        if earlier is None:
            found[place] = departure
        elif earlier.record < departure.record:
            found[place] = _lasting(earlier, departure)
    return tuple(
        LeaverDay(day, tuple(found[place] for place in places))
        for day, places in groupby(sorted(found), key=lambda place: place[0])
    )


def _lasting(earlier: Departure, later: Departure) -> Departure:
    """Both as one: since the earlier one's beginning, until the later one's end."""
    grown = (later.gone - earlier.gone).total_seconds()
    since_left = None if earlier.since_left is None else earlier.since_left + grown
    seconds, swept = earlier.seconds + grown, earlier.swept and later.swept
    return replace(later, seconds=seconds, since_left=since_left, swept=swept)


def _departure(one: Noted) -> Departure | None:
    times = one.leaver
    if times is None:
        return None
    return Departure(
        person=one.key.removeprefix(_PERSON),
        record=one.sequence,
        gone=one.at,
        seconds=times.seconds(one.at),
        since_left=None if times.left is None else max(0.0, round((one.at - times.left).total_seconds(), 3)),
        swept=one.origin.startswith(SWEEP_ORIGIN),
    )


def kept_days(days: Sequence[LeaverDay], today: date, until: date | None = None) -> tuple[LeaverDay, ...]:
    """Those that are not too old to be kept, and before the day `until` where that is given."""
    oldest = (today - KEPT).isoformat()
    return tuple(day for day in days if oldest <= day.day and (until is None or day.day < until.isoformat()))


def summary(days: Sequence[LeaverDay], today: date, last: int = PERIOD_DAYS) -> Summary:
    """The clock over the `last` days, today among them."""
    first = today - timedelta(days=last - 1)
    every = [one for day in days if first.isoformat() <= day.day <= today.isoformat() for one in day.departures]
    return Summary(
        first=first,
        last=today,
        people=len({one.person for one in every}),
        heard=_figures([one.seconds for one in every]),
        left=_figures([one.since_left for one in every if one.since_left is not None]),
        slowest=max(every, key=lambda one: one.seconds, default=None),
        swept=sum(one.swept for one in every),
    )


def figures_of(day: LeaverDay) -> Figures | None:
    """One day's figures, from when the app could act."""
    return _figures([one.seconds for one in day.departures])


def _figures(seconds: Sequence[float]) -> Figures | None:
    if not seconds:
        return None
    ordered = sorted(seconds)
    return Figures(len(ordered), _rank(ordered, 50), _rank(ordered, 95), ordered[-1])


def _rank(ordered: Sequence[float], percent: int) -> float:
    """The nearest rank: a figure that was measured, and none between two."""
    return ordered[ceil(len(ordered) * percent / 100) - 1]
