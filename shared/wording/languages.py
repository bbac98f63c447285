"""The languages that people are spoken to: the words of reasons, and how days, moments and numbers are written.

Lives here: Babel's formats and the tables of words. Who gets which language, its caller decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache, cached_property, lru_cache
from typing import Final

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta
from babel.lists import format_list
from babel.numbers import format_decimal

from shared.domain.reasons import Reason
from shared.wording.attributes import ATTRIBUTES
from shared.wording.dutch import DUTCH
from shared.wording.english import ENGLISH
from shared.wording.say import Spelled, Table, say
from shared.wording.swedish import SWEDISH

LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "nl": "Nederlands", "sv": "Svenska"}
"""The languages, each in its own words."""

TABLES: Final[Mapping[str, Table]] = {"en": ENGLISH, "nl": DUTCH, "sv": SWEDISH}
"""The words of reasons, for each language."""

_LOCALES: Final = {"en": "en_GB", "nl": "nl", "sv": "sv"}


@dataclass(frozen=True)  # without slots: the locale is found once
class Language:
    """A language: its words for reasons, and its ways of writing."""

    code: str

    @cached_property
    def locale(self) -> Locale:
        """What CLDR knows of it."""
        return Locale.parse(_LOCALES[self.code])

    def number(self, number: float) -> str:
        """A number."""
        return _number(number, self.code)

    def day(self, day: date, today: date | None = None, *, week: bool = True) -> str:
        """A day, with its year unless that is today's."""
        return _day(day, self.code, week=week, year=today is None or day.year != today.year)

    def long_day(self, day: date) -> str:
        """A day with its year, in words."""
        return format_date(day, "d MMMM y", locale=self.locale)

    def clock(self, at: datetime, zone: tzinfo) -> str:
        """A time of day."""
        return format_time(at.astimezone(zone).time(), "HH:mm", locale=self.locale)

    def ago(self, passed: timedelta) -> str:
        """How long ago, in one unit."""
        return format_timedelta(-passed, add_direction=True, threshold=1.0, locale=self.locale)

    def until(self, ahead: timedelta) -> str:
        """In how long, in one unit."""
        return format_timedelta(ahead, add_direction=True, threshold=1.0, locale=self.locale)

    def listed(self, texts: list[str]) -> str:
        """Several, as one says them."""
        return format_list(texts, locale=self.locale)

    def attribute(self, name: str) -> str:
        """What an attribute of the directory is called; one that nobody named stays as Microsoft Graph calls it."""
        return ATTRIBUTES[self.code].get(name, name)

    def say(self, reason: Reason, zone: tzinfo = UTC) -> str:
        """A reason in words, with its moments in a time zone."""
        return say(reason, TABLES[self.code], self._spelled(zone))

    def _spelled(self, zone: tzinfo) -> Spelled:
        def moment(text: str) -> str:
            at = datetime.fromisoformat(text).astimezone(zone)
            return f"{self.long_day(at.date())} {self.clock(at, zone)}"

        return {
            "time": moment,
            "day": lambda text: self.long_day(date.fromisoformat(text[:10])),
            "named": self.attribute,
        }


@lru_cache(4096)
def _number(number: float, code: str) -> str:
    """A list writes the same few numbers and days again and again."""
    return format_decimal(number, locale=_LOCALES[code])


@lru_cache(1024)
def _day(day: date, code: str, *, week: bool, year: bool) -> str:
    if week:
        return format_date(day, "EEEE d MMMM y" if year else "EEEE d MMMM", locale=_LOCALES[code])
    at = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a day, wherever it is
    return format_skeleton("yMMMd" if year else "MMMd", at, locale=_LOCALES[code])


@cache
def language(code: str) -> Language:
    """A language. Raises KeyError for one that there is not."""
    return Language({name: name for name in LANGUAGES}[code])
