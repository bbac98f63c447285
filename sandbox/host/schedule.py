"""When a timer function is due: NCRONTAB expressions and plain intervals, always in UTC.

What may live here: reading a schedule and telling its next moment. Running anything is for `timers`.

The grammar is that of NCrontab 3.x, the library that the platform reads schedules with: six fields, seconds first
(five mean "at second 0"). A field is a list of `*`, a value or a range, each with an optional step. A range whose ends
are swapped is read the other way round, a value with a step goes on to the field's end, months and days of the week
also have names, of which any beginning will do. A day must match both the day of the month and the day of the week.
The platform also takes a time span, which it waits between starts.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product

from sandbox.host.configuration import parse_time_span

_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")

_NUMBER = re.compile("[0-9]{1,9}")
_STEP = re.compile("[+-]?[0-9]{1,9}")

NEVER = datetime.max.replace(tzinfo=UTC)
"""The next moment of a schedule that is never due, as NCrontab has it."""

_LONGEST_DAYS = 366 * 40
"""Of all dates, 29 February lets one wait longest for a day of the week: forty years, where a century skips one."""

_MONITORED_FROM = timedelta(minutes=1)


class ScheduleError(Exception):
    """The text is not a schedule; it says how one checks."""


@dataclass(frozen=True, slots=True)
class _Kind:
    first: int
    last: int
    names: tuple[str, ...] = ()

    def read(self, text: str) -> frozenset[int]:
        """The values that a field stands for; raises `ValueError`."""
        found: set[int] = set()
        for element in text.split(",") if text.find(",") > 0 else [text]:
            found.update(self._element(element))
        return frozenset(found)

    def _element(self, text: str) -> range:
        base, slash, step_text = text.partition("/")
        if slash and not _STEP.fullmatch(step_text):
            raise ValueError(f"'{text}' has a step that is no number")
        step = max(1, int(step_text)) if slash else 1
        if base == "*":
            return range(self.first, self.last + 1, step)
        low, dash, high = base.partition("-")
        start = self._value(low)
        end = self._value(high) if dash else self.last if slash else start
        start, end = min(start, end), max(start, end)
        return range(start, end + 1, step)

    def _value(self, text: str) -> int:
        if _NUMBER.fullmatch(text):
            value = int(text)
            if not self.first <= value <= self.last:
                raise ValueError(f"{value} is not between {self.first} and {self.last}")
            return value
        for number, name in enumerate(self.names, self.first):
            if text and name.startswith(text.lower()):
                return number
        raise ValueError(f"'{text}' is no value here")


_KINDS = (_Kind(0, 59), _Kind(0, 59), _Kind(0, 23), _Kind(1, 31), _Kind(1, 12, _MONTHS), _Kind(0, 6, _DAYS))
"""The fields in their order: second, minute, hour, day of the month, month, day of the week (Sunday is 0)."""


@dataclass(frozen=True, slots=True)
class Cron:
    """An NCRONTAB expression: the values that each of its six fields stands for."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @staticmethod
    def read(text: str) -> "Cron":
        """The expression that `text` is; raises `ValueError`."""
        fields = [field for field in text.split(" ") if field]
        if len(fields) == len(_KINDS) - 1:
            fields.insert(0, "0")
        if len(fields) != len(_KINDS):
            raise ValueError(f"it has {len(fields)} fields")
        return Cron(*(kind.read(field) for kind, field in zip(_KINDS, fields, strict=True)))

    @property
    def is_within_minutes(self) -> bool:
        """Whether it is due in every minute, and more than once."""
        rest = (self.minutes, self.hours, self.days, self.months, self.weekdays)
        whole = all(values == kind.read("*") for kind, values in zip(_KINDS[1:], rest, strict=True))
        return whole and len(self.seconds) > 1

    def after(self, moment: datetime) -> datetime:
        """The first moment after `moment`; `NEVER` where no such day comes, as with 31 February."""
        start = moment.astimezone(UTC).replace(microsecond=0)
        day = start.date()
        for _ in range(min(_LONGEST_DAYS, (NEVER - start).days) + 1):
            if day.day in self.days and day.month in self.months and day.isoweekday() % 7 in self.weekdays:
                for hour, minute, second in self._times(start if day == start.date() else None):
                    found = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=UTC)
                    if found > start:
                        return found
            day += timedelta(days=1)
        return NEVER

    def _times(self, start: datetime | None) -> "product[tuple[int, int, int]]":
        hours = sorted(hour for hour in self.hours if start is None or hour >= start.hour)
        return product(hours, sorted(self.minutes), sorted(self.seconds))


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as it was written, and what it means: a cron expression or an interval."""

    text: str
    due: Cron | timedelta

    @staticmethod
    def parse(text: str) -> "Schedule":
        """The schedule that `text` describes.

        Raises:
            ScheduleError: it describes none.
        """
        read: Callable[[str], Cron | timedelta] = _interval if ":" in text else Cron.read
        try:
            return Schedule(text, read(text.strip()))
        except ValueError as mistake:
            raise ScheduleError(
                f"the schedule '{text}' is not usable: {mistake}. "
                "Write six fields, seconds first, like '0 0 * * * *' for hourly"
            ) from None

    def after(self, moment: datetime) -> datetime:
        """The first moment after `moment` at which the schedule is due; `NEVER` where it never is."""
        return moment + self.due if isinstance(self.due, timedelta) else self.due.after(moment)

    @property
    def can_be_monitored(self) -> bool:
        """Whether the platform would watch for missed ticks: not for an interval below a minute, nor its like."""
        return self.due >= _MONITORED_FROM if isinstance(self.due, timedelta) else not self.due.is_within_minutes


def _interval(text: str) -> timedelta:
    interval = parse_time_span(text)
    if not interval:
        raise ValueError("an interval is longer than nothing")
    return interval
