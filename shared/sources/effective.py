"""When an event takes effect: an ISO 8601 date, or a time with its offset.

A date stays a date: the policy's time zone says when that day begins. A time without an offset is rejected, never
guessed. A date that means "never", or that is too early or too late, asks for no later check.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from shared.domain.never import is_never
from shared.errors import Rejected
from shared.sources.strict_json import as_text, kind_of, shown

FIRST_YEAR: Final = 1970
"""Dates before this year ask for no check."""

FURTHEST: Final = timedelta(days=3653)
"""How far ahead a check is planned: ten years. Sweeps check everybody thousands of times before then."""

_REMEDY: Final = (
    "Send a date ('2026-04-01') or a time with its offset ('2026-04-01T09:00:00+02:00', "
    "'2026-04-01T07:00:00Z'), or leave it out"
)

_NO_DATE: Final = "0000-00-00"
"""How MySQL, and systems that use it, write that there is no date."""

# Python takes any letter between date and time, and digits of other scripts.
_MOMENT: Final = re.compile(r"[0-9W-]+[T ][0-9:.,]+(?:Z|[+-][0-9:]+)?")


def read_effective(value: Any, field: str, *, now: datetime) -> date | datetime | None:
    """Reads `data.effective`: a date, a moment in UTC, or None for no later check.

    There is no later check for null, an empty text and `0000-00-00`, for a date that means "never", for a date before
    1970, and for one more than ten years ahead.

    Raises:
        Rejected: neither a date nor a time with an offset.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise Rejected(field, f"it is {kind_of(value)}, not a date in a text", _REMEDY)
    if not value.strip() or value.strip().startswith(_NO_DATE):
        return None
    text = as_text(value, field, _REMEDY).upper()
    given = _date(text) or _moment(text)
    if given is None:
        raise Rejected(field, f"'{shown(value)}' is no ISO 8601 date or time", _REMEDY)
    if is_never(given) or given.year < FIRST_YEAR:
        return None
    if isinstance(given, datetime) and given.tzinfo is None:
        raise Rejected(field, f"'{shown(value)}' is a time without an offset", _REMEDY)
    if _is_too_far(given, now):
        return None
    return given.astimezone(UTC) if isinstance(given, datetime) else given


def _is_too_far(given: date, now: datetime) -> bool:
    last = now + FURTHEST
    # Years are compared first, because a moment of the year 9999 cannot be converted to every zone.
    if given.year != last.year:
        return given.year > last.year
    return given > last if isinstance(given, datetime) else given > last.date()


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
