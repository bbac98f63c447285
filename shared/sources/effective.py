"""When an event takes effect: an ISO 8601 date, or a time with its offset.

A date stays a date: whose midnight it means is for the policy to say. A time without an offset means nothing,
and is never guessed at. What means "never", or lies outside the years in which we check, asks for no later check.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from shared.domain.never import is_never
from shared.errors import Rejected
from shared.sources.strict_json import as_text, kind_of, shown

FIRST_YEAR: Final = 1970
"""Nothing that we have to check took effect before."""

FURTHEST: Final = timedelta(days=3653)
"""How far ahead a check is planned: ten years. The sweeps see everybody thousands of times before then."""

_REMEDY: Final = (
    "Send a date ('2026-04-01') or a time with its offset ('2026-04-01T09:00:00+02:00', "
    "'2026-04-01T07:00:00Z'), or leave it out"
)

_NO_DATE: Final = "0000-00-00"
"""How MySQL, and the systems that keep their dates there, write that there is none."""

# Python takes any letter between date and time, and some digits that are none of ours.
_MOMENT: Final = re.compile(r"[0-9W-]+[T ][0-9:.,]+(?:Z|[+-][0-9:]+)?")


def read_effective(value: Any, field: str, *, now: datetime) -> date | datetime | None:
    """Reads `data.effective`: a date, a moment in UTC, or None where there is nothing to check again.

    That is where none is given (null, an empty text, `0000-00-00`), where it means "never", before 1970, and more than
    ten years ahead.

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
