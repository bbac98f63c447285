"""NCRONTAB, the language of timer triggers: what the platform takes, and when it fires.

Lives here: reading a schedule, and the longest rest between two of its moments. When to sweep is for settings.
Source: the NCrontab library, with which Microsoft.Azure.WebJobs.Extensions reads a timer's schedule. It knows no `L`,
`W`, `?` or `#`, and no weekday 7; `22-2` is 2 to 22; a name counts from its first letters; a day has to fit the day of
the month and the weekday.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, product
from typing import Final

_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WEEKDAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_LETTERS: Final = 3
"""Letters that a name needs at least. The platform takes fewer, and takes `ju` for June."""

_EVERY_DAY: Final = (31, 12, 7)
_NUMBER: Final = re.compile(r"[0-9]{1,4}")

_FIRST_DAY: Final = date(2000, 1, 1)
_DAYS: Final = 365 * 40 + 10
"""Days that are checked through: 29 February comes on each weekday within 40 years."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()


_FIELDS: Final = (
    _Field("seconds", 0, 59),
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("days of the month", 1, 31),
    _Field("months", 1, 12, _MONTHS),
    _Field("weekdays", 0, 6, _WEEKDAYS),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The numbers of each field of a schedule; weekday 0 is Sunday."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @property
    def longest_rest(self) -> timedelta | None:
        """The longest time between two moments at which it fires; None where it never does, as on 31 February."""
        times = sorted(
            timedelta(hours=hour, minutes=minute, seconds=second)
            for hour in self.hours
            for minute in self.minutes
            for second in self.seconds
        )
        within = max((later - earlier for earlier, later in pairwise(times)), default=timedelta())
        if (len(self.days), len(self.months), len(self.weekdays)) == _EVERY_DAY:
            return max(within, timedelta(days=1) + times[0] - times[-1])
        dates = list(self._dates())
        if not dates:
            return None
        apart = max((later - earlier for earlier, later in pairwise(dates)), default=timedelta(days=_DAYS))
        return max(within, apart + times[0] - times[-1])

    def next_after(self, at: datetime) -> datetime | None:
        """The first moment after `at` at which it fires, in UTC; None where it never does."""
        at = at.astimezone(UTC)
        for day in self._dates(at.date()):
            for hour, minute, second in product(sorted(self.hours), sorted(self.minutes), sorted(self.seconds)):
                due = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=UTC)
                if due > at:
                    return due
        return None

    def _dates(self, first: date = _FIRST_DAY) -> Iterator[date]:
        for number in range(_DAYS):
            day = first + timedelta(days=number)
            if day.day in self.days and day.month in self.months and day.isoweekday() % 7 in self.weekdays:
                yield day


def read_schedule(text: str) -> Schedule:
    """Reads six fields, parted by blanks; raises ValueError that names the field which the platform would refuse.

    The platform takes five fields too, as those behind the seconds. Here six are asked for: who writes five means
    something else as often as not.
    """
    parts = [part for part in text.split(" ") if part]
    if len(parts) != len(_FIELDS):
        raise ValueError("give six NCRONTAB fields such as 0 30 * * * *")
    return Schedule(*(_read(part, field) for part, field in zip(parts, _FIELDS, strict=True)))


def _read(text: str, field: _Field) -> frozenset[int]:
    return frozenset(number for item in text.split(",") for number in _item(item, field))


def _item(text: str, field: _Field) -> range:
    what, slash, step = text.partition("/")
    if slash and not (_NUMBER.fullmatch(step) and int(step)):
        raise ValueError(f"NCRONTAB has no step '{step}' for {field.name}; give a number from 1 up")
    every = int(step) if slash else 1
    first, dash, last = what.partition("-")
    if what == "*":
        return range(field.first, field.last + 1, every)
    if dash:
        ends = sorted((_number(first, field), _number(last, field)))
        return range(ends[0], ends[1] + 1, every)
    begin = _number(what, field)
    return range(begin, (field.last if slash else begin) + 1, every)


def _number(text: str, field: _Field) -> int:
    if _NUMBER.fullmatch(text) and field.first <= int(text) <= field.last:
        return int(text)
    if len(text) >= _LETTERS:
        for number, name in enumerate(field.names, field.first):
            if name.startswith(text.lower()):
                return number
    names = f", or a name such as {field.names[0].capitalize()}" if field.names else ""
    raise ValueError(f"NCRONTAB has no '{text}' for {field.name}; give {field.first} to {field.last}{names}")
