"""The languages of the page: which one a reader gets, and its catalogue.

Lives here: gettext. Messages are English in the templates; `locale/<language>.po` has them in another language, which
people translate and which is read as it is: there is no compiled one to forget. `make describe` keeps its messages.
Reasons have their words in `shared.wording`.
"""

import io
from functools import cache
from pathlib import Path
from typing import Final

from babel import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from shared.desk.asked import Asked
from shared.wording.languages import LANGUAGES

COOKIE: Final = "language"

CATALOGUES: Final = Path(__file__).with_name("locale")
"""Where the catalogues are."""

_MOST: Final = 10
"""Languages of a browser that are looked at."""


def chosen(asked: Asked) -> str:
    """The language of an answer: what the reader chose before, else what the browser prefers."""
    if (wanted := asked.cookies.get(COOKIE, "")) in LANGUAGES:
        return wanted
    preferred = sorted(_preferred(asked.headers.get("accept-language", "")), key=lambda one: -one[1])
    return negotiate_locale([name for name, weight in preferred if weight], LANGUAGES, sep="-") or "en"


def _preferred(header: str) -> list[tuple[str, float]]:
    """What a browser asks for, each with its weight. Source: RFC 9110, 12.5.4 and 12.4.2."""
    found = []
    for part in header.split(",")[:_MOST]:
        name, _, weight = part.replace(" ", "").partition(";q=")
        try:
            found.append((name, float(weight or 1)))
        except ValueError:
            continue  # what is no weight says nothing
    return [(name, weight) for name, weight in found if name.isascii()]


@cache
def translations(code: str) -> NullTranslations:
    """The catalogue of a language, read once. English has none: it is in the templates."""
    path = CATALOGUES / f"{code}.po"
    if not path.is_file():
        return NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return Translations(compiled)
