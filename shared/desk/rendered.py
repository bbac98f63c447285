"""Makes HTML of a page: jinja2 with autoescape, and the words of the reader's language.

Lives here: the environment of the templates, and the headers that go with every page.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from shared.desk.languages import translations
from shared.domain.reasons import Reason
from shared.wording.languages import LANGUAGES, Language, language

_TEMPLATES: Final = Path(__file__).with_name("templates")

_INDENT: Final = re.compile(r"\n\s+")

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Nothing of elsewhere is loaded, nothing is kept, and no other site has the page in a frame."""


@cache
def _environment(code: str) -> Environment:
    """The templates in a language. Compiled once for each."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    spoken, words = language(code), translations(code)
    made.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined] # the extension's
    made.policies["ext.i18n.trimmed"] = True
    made.filters |= _filters(spoken, words.gettext)
    made.globals |= {"languages": LANGUAGES, "language": spoken.code, "link": link}
    return made


def link(*segments: str, **query: str) -> str:
    """A path of this site: each segment and value escaped."""
    path = "/" + "/".join(quote(one, safe="") for one in segments)
    return f"{path}?{urlencode(query)}" if query else path


def _filters(spoken: Language, _: Callable[[str], str]) -> dict[str, Any]:
    @pass_context
    def say(context: Context, reason: Reason) -> str:
        return spoken.say(reason, context.get("zone") or UTC)

    def days_ahead(day: date | datetime | str, today: date) -> str:
        ahead = _date(day) - today
        return spoken.until(ahead) if ahead else _("today")

    return {
        "number": spoken.number,
        "say": say,
        "attribute": spoken.attribute,
        "capitalized": lambda text: text[:1].upper() + text[1:],
        "listed": spoken.listed,
        "ago": lambda at, now: spoken.ago(now - moment(at)),
        "ahead": lambda at, now: spoken.until(moment(at) - now),
        "clock": lambda at, zone: spoken.clock(moment(at), zone),
        "day": lambda at, today: spoken.day(_date(at), today),
        "short": lambda at, today: spoken.day(_date(at), today, week=False),
        "long_day": lambda at: spoken.long_day(_date(at)),
        "local": lambda at, zone: moment(at).astimezone(zone).date(),
        "days_ahead": days_ahead,
        "iso": lambda at: moment(at).isoformat().replace("+00:00", "Z"),
    }


def moment(at: datetime | str) -> datetime:
    """A moment of a document, which has them as text."""
    return datetime.fromisoformat(at) if isinstance(at, str) else at


def _date(day: date | datetime | str) -> date:
    if isinstance(day, str):
        return datetime.fromisoformat(day).date()
    return day.date() if isinstance(day, datetime) else day


def html(template: str, code: str, context: Mapping[str, Any]) -> str:
    """A page of HTML, without the blanks by which its template is indented: a fifth of a long list."""
    return _INDENT.sub("\n", _environment(code).get_template(template).render(**context))
