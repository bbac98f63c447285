"""The words that a page shows, and those that a language has: for tests that look for words of another one. No test."""

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from html.parser import HTMLParser
from string import Formatter
from typing import Any, Final

from babel import Locale

from cli.describe_catalogues import catalogue
from shared.domain.guards.pauses import PauseKind
from shared.wording.attributes import ATTRIBUTES
from shared.wording.languages import LANGUAGES, TABLES, language

OTHERS: Final = sorted(LANGUAGES.keys() - {"en"})
"""Every language but English."""

NOT_CLOSED: Final = frozenset({"meta", "link", "input", "br", "path", "rect", "line", "img"})
SPOKEN: Final = frozenset({"aria-label", "data-label", "placeholder", "title", "alt"})
"""Attributes that are read out or shown."""

OF_AZURE: Final = (
    "CSV", "JSON", "id", "Azure", "Microsoft", "Graph", "App", "Service", "IAM", "HR", "EUR", "s", "min", "h",
    "invoice-access adopt", "docs/explanation/guards.md", "docs/how-to/subscriptions.md", *PauseKind,
)  # fmt: skip
"""What has one name everywhere."""


class Shown(HTMLParser):
    """What of a page is in the reader's language: its text and spoken attributes, but for code and other languages."""

    def __init__(self, html: str, code: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._code = code
        self._open: list[tuple[str, bool]] = []
        self.feed(html)

    @property
    def _skips(self) -> bool:
        return any(skipped for _, skipped in self._open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in NOT_CLOSED:
            self._open.append((tag, tag == "code" or given.get("lang", self._code) != self._code))
        if not self._skips:
            self.texts += [value for name, value in given.items() if name in SPOKEN]

    def handle_endtag(self, tag: str) -> None:
        if tag not in NOT_CLOSED:
            assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if not self._skips:
            self.texts.append(data)


def words_of(text: str) -> set[str]:
    return {word.casefold() for word in re.findall(r"[^\W\d_]+", text)}


@cache
def language_words(code: str) -> frozenset[str]:
    """Every word of a language that the page could say."""
    found = words_of(LANGUAGES[code])
    for message in catalogue(code):
        texts = message.string if isinstance(message.string, (list, tuple)) else [message.string]
        for text in texts if message.id else ():
            found |= words_of(re.sub(r"%\(\w+\)s", " ", text or ""))
    for template in TABLES[code].values():
        found |= _of_template(template)
    for name in ATTRIBUTES[code].values():
        found |= words_of(name)
    return frozenset(found | _of_cldr(code))


def _of_template(template: str) -> set[str]:
    found: set[str] = set()
    for text, name, how, _ in Formatter().parse(template):
        found |= words_of(text)
        if name is not None and how:
            for choice in how.split("|"):
                found |= words_of(choice.partition("=")[2] if "=" in choice else choice.lstrip("+?"))
    return found


def _of_cldr(code: str) -> set[str]:
    """Names of days and months, and how moments and lists are told."""
    locale, spoken = Locale.parse(code), language(code)
    found = words_of(spoken.listed(["", "", ""]))
    for names in (*locale.days["format"].values(), *locale.months["format"].values()):
        found |= words_of(" ".join(names.values()))
    for unit in ("seconds", "minutes", "hours", "days", "weeks"):
        for count in (1, 2):
            passed = timedelta(**{unit: count})
            found |= words_of(f"{spoken.ago(passed)} {spoken.until(passed)}")
    return found


def world_words(world: Mapping[str, Any], *more: str) -> set[str]:
    """What people, profiles, groups, accounts and apps of a world are called, and what has one name everywhere."""
    said: list[object] = [*more, *OF_AZURE, *(one["name"] for one in world["identities"])]
    for user in [*world["users"], *world.get("deletedUsers", ())]:
        said += [value for name, value in user.items() if name not in {"accountEnabled", "userType"}]
    said += [group["displayName"] for group in world["groups"]]
    for account in world["billingAccounts"]:
        said += [account["name"], account["properties"]["displayName"]]
        for profile in account.get("billingProfiles", ()):
            told = profile["properties"]
            said += [profile["name"], told["displayName"], told.get("invoiceRecipients"), told.get("currency")]
    return words_of(" ".join(map(str, said)))


def said_by_others(document: object) -> set[str]:
    """The words of people and of other systems, which nobody translates: facts called `said`, and reasons given."""
    found: set[str] = set()
    if isinstance(document, Mapping):
        for name, value in document.items():
            found |= words_of(value) if name in {"said", "why"} and isinstance(value, str) else said_by_others(value)
    elif isinstance(document, list):
        for value in document:
            found |= said_by_others(value)
    return found
