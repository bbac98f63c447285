"""What verbs say of a view: as of when it is, whom and what it names, and how days are written.

Lives here: words that several verbs share. What a view is, and reading it, is the app's.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cli.answer import Line, Part, Shade, counted
from shared.domain.receiving import Sight
from shared.wording.say import say

LEFT: Final = Part("◆ ", Shade.REMOVED)
WAITS: Final = Part("▲ ", Shade.WAITS)
NOTHING: Final = Part("  ")
"""Before a line: what is wrong, what a person is needed for, and nothing."""

_TENTHS: Final = 10
"""Seconds below which tenths are told."""

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def doubts(sight: Sight) -> Iterator[Line]:
    """What to say before anything else: that a view is old, or not of everything."""
    view, zone = sight.view, sight.zone
    if view.is_stale(sight.now):
        since = f"{clock(view.as_of, zone)} {day(view.as_of.astimezone(zone).date(), sight.today)}"
        passed = ago(sight.now - view.as_of)
        said = f"Not known since {since}, {passed}: no full check has ended since. This is how it was then."
        yield Part(said, Shade.REMOVED)
    if not view.complete:
        first, *more = [say(one) for one in view.failures] or ["a billing account is out of sight"]
        rest = f", and {counted(len(more), 'more read')}" if more else ""
        yield Part(
            f"The full check could not read everything: {first}{rest}. What it could not read is as it was before.",
            Shade.REMOVED,
        )


def ago(passed: timedelta) -> str:
    """How long ago, in one unit."""
    if passed < _MINUTE:
        return "just now"
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if passed >= unit:
            return f"{counted(passed // unit, name)} ago"
    return "just now"


def lasted(seconds: float) -> str:
    """How long something took, in one unit."""
    if seconds < _TENTHS:
        return f"{seconds:.1f} s"
    passed = timedelta(seconds=seconds)
    for unit, name in ((_DAY, "days"), (_HOUR, "h"), (_MINUTE, "min")):
        if passed >= 2 * unit:
            return f"{passed / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def clock(at: datetime, zone: ZoneInfo) -> str:
    """A time of day."""
    return f"{at.astimezone(zone):%H:%M}"


def day(at: date, today: date) -> str:
    """A day, with its year where it is another one."""
    return f"{at:%a} {at.day} {at:%b}" + (f" {at.year}" if at.year != today.year else "")


def iso_day(at: datetime | None, zone: ZoneInfo) -> str:
    """A day as `2026-01-31`, "" where there is none."""
    return "" if at is None else at.astimezone(zone).date().isoformat()
