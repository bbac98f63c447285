"""Dates that mean "never": what HR systems and directories write where there is no date.

The one table of them, for the directory's answers, for events and for the file of people. A reader that meets such a
date has met none: nobody was hired or left then, and there is no day on which to check again. In the
directory's answers that holds from 1900 on: an earlier date is the zero of a type (`is_before_all`), and nobody can
tell what was meant.

Sources of the dates: the first and the last value of each system's own type of date. .NET and ISO 8601 begin with
0001-01-01, Windows' file times with 1601, SQL Server's datetime with 1753 and its smalldatetime with 1900 (it ends
with 2079-06-06), spreadsheets with 1899-12-30 or 1900-01-00, Unix with 1970-01-01. HR systems write 2099-12-31,
2999-12-31, 4712-12-31 (Oracle's last day) or 9999-12-31. A whole year counts, because a time zone moves such a day
by one, and because nobody is hired or leaves in those years.
"""

from datetime import date
from typing import Final

LAST_EARLY_YEAR: Final = 1900
"""The last of the years that lie before everybody's hire."""

FIRST_LATE_YEAR: Final = 2079
"""The first of the years that lie after everybody's leave."""

_UNIX_ZERO: Final = frozenset({(1969, 12, 31), (1970, 1, 1)})
"""The zero of Unix's clock, in zones west of Greenwich and elsewhere."""


FIRST_DAY: Final = date(1899, 12, 31)
"""The first day that may stand for 1900-01-01 somewhere on earth. What lies before it was written by no person."""


def is_before_all(given: date) -> bool:
    """Whether a date, or the date of a moment as it was written, is the zero of some type of date.

    Who writes to a directory by hand or by rule writes no such day. It says that something went wrong, and not what was
    meant: an event with one is only checked now, and of a person with one nothing is concluded.
    """
    return date(given.year, given.month, given.day) < FIRST_DAY


def is_never(given: date) -> bool:
    """Whether a date, or the date of a moment as it was written, says that there is none."""
    return (
        given.year <= LAST_EARLY_YEAR
        or given.year >= FIRST_LATE_YEAR
        or (given.year, given.month, given.day) in _UNIX_ZERO
    )
