"""When a timer function is due: NCRONTAB expressions and plain intervals, always in UTC.

What may live here: reading a schedule and telling its next moment. Running anything is for `timers`.

NCRONTAB has six fields, seconds first (five mean "at second 0"), and a day must match both the day of the
month and the day of the week where both are restricted. The platform also takes a time span, which it waits
between starts.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from croniter import croniter  # type: ignore[import-untyped]  # it ships no types

from sandbox.host.configuration import parse_time_span

_FIELDS = re.compile(r"[0-9A-Za-z*,/\-]+(?: +[0-9A-Za-z*,/\-]+){4,5}")
_MONITORED_FROM = timedelta(minutes=1)


class ScheduleError(Exception):
    """The text is not a schedule; it says how one looks."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as it was written, and what it means: a cron expression or an interval."""

    text: str
    cron: str | None
    interval: timedelta | None

    @staticmethod
    def parse(text: str) -> "Schedule":
        """The schedule that `text` describes.

        Raises:
            ScheduleError: it describes none.
        """
        trimmed = " ".join(text.split())
        if _FIELDS.fullmatch(trimmed):
            cron = trimmed if trimmed.count(" ") == 5 else f"0 {trimmed}"  # noqa: PLR2004 - six fields
            if croniter.is_valid(cron, second_at_beginning=True):
                return Schedule(text, cron, None)
        elif ":" in trimmed:
            try:
                interval = parse_time_span(trimmed)
            except ValueError as mistake:
                raise ScheduleError(f"the schedule '{text}' is not usable: {mistake}") from None
            if interval:
                return Schedule(text, None, interval)
        raise ScheduleError(
            f"the schedule '{text}' is not usable: write six fields, seconds first, like '0 0 * * * *' for hourly"
        )

    def after(self, moment: datetime) -> datetime:
        """The first moment after `moment` at which the schedule is due."""
        if self.interval is not None:
            return moment + self.interval
        following: datetime = croniter(
            self.cron, moment, ret_type=datetime, day_or=False, second_at_beginning=True
        ).get_next()
        return following

    def can_be_monitored(self, moment: datetime) -> bool:
        """Whether the platform would watch for missed ticks, which it does from one minute between ticks."""
        first = self.after(moment)
        return self.after(first) - first >= _MONITORED_FROM
