"""The languages of the page: which one a reader gets, its catalogue, and how it writes days, times and numbers.

Lives here: Babel. Messages are English in the templates; `locale/<language>.po` has them in another language. Reasons
have their words in `shared.wording`, a table for each language.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

from shared.desk.asked import Asked
from shared.domain.reasons import Reason
from shared.wording.english import ENGLISH
from shared.wording.say import Table, say

COOKIE: Final = "language"
LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "nl": "Nederlands", "sv": "Svenska"}
"""The languages, each in its own words."""

_LOCALES: Final = {"en": "en_GB", "nl": "nl", "sv": "sv"}
_TABLES: Final[Mapping[str, Table]] = {"en": ENGLISH}
_CATALOGUES: Final = Path(__file__).with_name("locale")


@dataclass(frozen=True)
class Language:
    """A language: its words, and its ways of writing."""

    code: str
    translations: NullTranslations
    locale: Locale
    reasons: Table

    def number(self, number: float) -> str:
        """A number."""
        return _number(number, self.code)

    def day(self, day: date, today: date, *, week: bool = True) -> str:
        """A day, with its year where it is another one."""
        skeleton = ("yMMMMEEEEd" if week else "yMMMd") if day.year != today.year else ("MMMMEEEEd" if week else "MMMd")
        return _day(day, skeleton, self.code)

    def long_day(self, day: date) -> str:
        """A day with its year, in words."""
        return format_date(day, "d MMMM y", locale=self.locale)

    def clock(self, at: datetime, zone: ZoneInfo) -> str:
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

    def say(self, reason: Reason) -> str:
        """A reason in words."""
        return say(reason, self.reasons)


@lru_cache(4096)
def _number(number: float, code: str) -> str:
    """A list writes the same few numbers and days again and again."""
    return format_decimal(number, locale=_LOCALES[code])


@lru_cache(1024)
def _day(day: date, skeleton: str, code: str) -> str:
    at = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a day, wherever it is
    return format_skeleton(skeleton, at, locale=_LOCALES[code])


def chosen(asked: Asked) -> str:
    """The language of an answer: what the reader chose before, else what the browser prefers."""
    if (wanted := asked.cookies.get(COOKIE, "")) in LANGUAGES:
        return wanted
    preferred = [part.partition(";")[0].strip() for part in asked.headers.get("accept-language", "").split(",")[:10]]
    found = negotiate_locale([one for one in preferred if one.isascii()], LANGUAGES, sep="-")
    return found or "en"


@cache
def language(code: str) -> Language:
    """A language, read once."""
    return Language(code, _translations(code), Locale.parse(_LOCALES[code]), _TABLES.get(code, ENGLISH))


def _translations(code: str) -> NullTranslations:
    """The catalogue of a language, from the file that people translate: there is no compiled one to forget."""
    path = _CATALOGUES / f"{code}.po"
    if not path.is_file():
        return NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return Translations(compiled)
