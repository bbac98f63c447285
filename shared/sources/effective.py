"""When an event takes effect: an ISO 8601 date, or a time with its offset.

A date stays a date: whose midnight it means is for the policy to say. A time without an offset means nothing,
and is never guessed at.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from shared.errors import Rejected
from shared.sources.strict_json import as_text, kind_of, shown

FIRST_YEAR: Final = 1970
"""Nothing took effect before; earlier dates are the zero of some clock."""

FURTHEST: Final = timedelta(days=3653)
"""How far ahead an event may lie: ten years. Later dates mean "never", or a typing error."""

_MEND: Final = (
    "Send a date ('2026-04-01') or a time with its offset ('2026-04-01T09:00:00+02:00', "
    "'2026-04-01T07:00:00Z'), or leave it out"
)

# Python takes any letter between date and time, and some digits that are none of ours.
_MOMENT: Final = re.compile(r"[0-9W-]+[T ][0-9:.,]+(?:Z|[+-][0-9:]+)?")


def read_effective(value: Any, field: str, *, now: datetime) -> date | datetime | None:
    """Reads `data.effective`: a date, a moment in UTC, or None where there is none.

    Raises:
        Rejected: neither a date nor a time with an offset, or one before 1970 or more than ten years ahead.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise Rejected(field, f"it is {kind_of(value)}, not a date in a text", _MEND)
    text = as_text(value, field, _MEND).upper()
    given = _date(text) or _moment(text)
    if given is None:
        raise Rejected(field, f"'{shown(value)}' is no ISO 8601 date or time", _MEND)
    if isinstance(given, datetime) and given.tzinfo is None:
        raise Rejected(field, f"'{shown(value)}' is a time without an offset", _MEND)
    if given.year < FIRST_YEAR or _is_too_far(given, now):
        raise Rejected(
            field,
            f"'{shown(value)}' is before {FIRST_YEAR} or more than ten years ahead",
            "Send the real date",
        )
    return given.astimezone(UTC) if isinstance(given, datetime) else given


def _is_too_far(given: date, now: datetime) -> bool:
    last = now + FURTHEST
    # A moment of the year 9999 cannot be shown in every zone, so that the years are compared before the
    # moments.
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
