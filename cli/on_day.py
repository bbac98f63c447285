"""`--on DAY`: a day where the policy's time zone is, or a moment."""

import os
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from cli.faults import UsageError
from cli.out import Out
from shared.bootstrap_policy import read_policy
from shared.domain.history.spells import Window
from shared.domain.time_zones import zone as time_zone
from shared.errors import Misconfigured

_DAY_CHARACTERS: Final = len("2026-03-02")

_REMEDY: Final = "Give a day such as 2026-03-02, or a moment with its offset such as 2026-03-02T09:00+01:00."


def read_window(text: str, zone: ZoneInfo, now: datetime, option: str = "--on") -> Window:
    """The day or moment of an option. Raises `UsageError` for anything else, and for what is yet to come."""
    try:
        if len(text) <= _DAY_CHARACTERS:
            window = Window.of_day(date.fromisoformat(text), zone)
        else:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise UsageError(f"{option}: {text!r} does not say of which time zone", mend=_REMEDY)
            window = Window.of_moment(moment.astimezone(UTC))
    except (ValueError, OverflowError) as wrong:
        raise UsageError(f"{option}: {text!r} is no day and no moment", mend=_REMEDY) from wrong
    if window.start > now:
        raise UsageError(f"{option}: {text!r} is yet to come; what somebody will hold is not known", mend=_REMEDY)
    return window


def read_zone(out: Out, name: str) -> ZoneInfo:
    """The time zone asked for, or the policy's; UTC where there is no policy to read, as with an auditor."""
    if name:
        try:
            return time_zone(name)
        except ValueError as wrong:
            raise UsageError(f"--time-zone: {wrong}") from wrong
    try:
        return read_policy(os.environ).time_zone
    except Misconfigured:
        out.note("No policy could be read: a day is a day in UTC here, unless --time-zone says otherwise.")
        return time_zone("UTC")
