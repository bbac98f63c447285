"""What a selector means: which texts it compares, what its templates become for a person, and whether a profile fits.

Lives here: one selector and one profile. Which of many profiles a selection picks is `profile_index`'s, what it names
that does not exist `unresolved`'s. Which accounts are managed and who gets what is for `rules`.

`*` in `name` is the only wildcard. A template (`{companyName}`) stands for the person's own text, literally:
a `*` in it is an asterisk. Braces always mean a template. Case does not matter.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from shared.domain.billing import BillingProfile
from shared.domain.people import Person
from shared.domain.policy.model import Everything, Rule, Selection, Selector

_TEMPLATE: Final = re.compile(r"\{([^{}]*)\}")

_ONE_TEMPLATE: Final = 3
"""The parts of a text with one template: what comes before it, the attribute, and what follows it."""

NAME: Final = "name"
"""The place of a profile's display name, the only one in which a selector may have wildcards."""

ACCOUNT: Final = "account"
PROFILE: Final = "profile"

_COMPILED: Final = 4096
"""Selectors that are kept as they were read: more than a policy has. What is beyond them is read again."""

type Pattern = tuple[str, ...]
"""The texts between wildcards, as they are compared: one text where there is no wildcard."""

type Patterns = tuple[tuple[str, Pattern], ...]
"""A selector with its templates filled in: for each place in which something is asked for, what."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A selector as it was read once.

    `attributes` are those that its templates name, in the order written. `texts` are, by place, the text's parts: by
    turns what is written and the attribute of a template.
    """

    attributes: tuple[str, ...]
    texts: tuple[tuple[str, tuple[str, ...]], ...]

    def filled(self, fill: Callable[[str], str | None]) -> Patterns:
        """The selector with each template replaced by the text of its attribute, or by a wildcard for None."""
        return tuple((place, _pattern(parts, fill, wildcard=place == NAME)) for place, parts in self.texts)


@lru_cache(_COMPILED)
def compiled(selector: Selector) -> Compiled:
    """Reads a selector."""
    texts = [(NAME, selector.name)]
    texts += [(ACCOUNT, None if selector.account is None else unquote(selector.account))]
    texts += [(PROFILE, None if selector.profile is None else unquote(selector.profile))]
    texts += [(tag_place(tag), text) for tag, text in selector.tags.items()]
    found = tuple((place, tuple(_TEMPLATE.split(text))) for place, text in texts if text is not None)
    return Compiled(tuple(dict.fromkeys(name for _, parts in found for name in parts[1::2])), found)


@lru_cache(_COMPILED)
def tag_place(tag: str) -> str:
    """The place of a tag's text."""
    return f"tag {tag.casefold()}"


def texts_of(profile: BillingProfile) -> dict[str, str]:
    """A profile's texts by place."""
    tags = {tag_place(tag): text for tag, text in profile.tags.items()}
    return {NAME: profile.display_name, ACCOUNT: profile.key.account, PROFILE: profile.key.profile, **tags}


def folded(profile: BillingProfile) -> dict[str, str]:
    """A profile's texts by place, as they are compared."""
    return {place: text.casefold() for place, text in texts_of(profile).items()}


def takes(patterns: Patterns, texts: Mapping[str, str]) -> bool:
    """Whether a profile's texts by place fit everywhere where something is asked for."""
    return all(place in texts and fits(pattern, texts[place]) for place, pattern in patterns)


def fits(pattern: Pattern, text: str) -> bool:
    """Whether a text, as it is compared, fits a pattern."""
    if len(pattern) == 1:
        return text == pattern[0]
    first, *middle, last = pattern
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    # Taking each piece at its first place leaves the most room for the others: linear, whatever the pattern.
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _pattern(parts: Iterable[str], fill: Callable[[str], str | None], *, wildcard: bool) -> Pattern:
    """Splits at wildcards. What a template is filled with is never looked into."""
    pieces = [""]
    for i, part in enumerate(parts):
        filled = fill(part) if i % 2 else part
        if filled is None:
            pieces.append("")
        elif wildcard and not i % 2:
            first, *rest = filled.split("*")
            pieces[-1] += first
            pieces += rest
        else:
            pieces[-1] += filled
    return tuple(piece.casefold() for piece in pieces)


def person_text(person: Person | None, attribute: str) -> str | None:
    """What a template becomes for a person: their text, None where it is null or blank."""
    text = None if person is None else person.attributes.get(attribute)
    return text if text and text.strip() else None


def template_attributes(text: str) -> tuple[str, ...]:
    """The attributes that the templates in one text name."""
    return tuple(_TEMPLATE.findall(text))


def templated_attributes(selection: Selection) -> tuple[str, ...]:
    """The attributes that the templates of a selection name, in the order written."""
    if isinstance(selection, Everything):
        return ()
    return tuple(dict.fromkeys(name for selector in selection for name in compiled(selector).attributes))


def rule_attributes(rule: Rule) -> frozenset[str]:
    """Every attribute that a rule checks: its filter's, and its templates'."""
    checked = frozenset[str]() if rule.who is None else rule.who.attributes
    return checked.union(templated_attributes(rule.profiles))


def filled_by(selection: Selection, profiles: Iterable[BillingProfile]) -> Iterator[tuple[str, str]]:
    """For each text with one template, its attribute and every text of it that some profile stands for."""
    if isinstance(selection, Everything):
        return
    texts = [text for selector in selection for text in compiled(selector).texts]
    templates = [(place, *parts) for place, parts in texts if len(parts) == _ONE_TEMPLATE and "*" not in "".join(parts)]
    for profile in profiles if templates else ():
        there = texts_of(profile)
        for place, before, attribute, after in templates:
            text = there.get(place, "")
            if len(text) > len(before) + len(after):
                middle = text[len(before) : len(text) - len(after)]
                if middle == text or (before + middle + after).casefold() == text.casefold():
                    yield attribute, middle


def describe(selector: Selector) -> str:
    """A selector as one line, as the policy file writes it."""
    keys = {"name": selector.name, "account": selector.account, "profile": selector.profile}
    parts = [f"{key}: {text!r}" for key, text in keys.items() if text is not None]
    if selector.tags:
        parts.append("tag: {" + ", ".join(f"{key}: {text!r}" for key, text in sorted(selector.tags.items())) + "}")
    return "{" + ", ".join(parts) + "}"
