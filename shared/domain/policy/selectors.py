"""Which billing profiles a selection picks, and what it names that does not exist.

Lives here: matching by name, account, profile and tags, and filling templates from a person. Which accounts
are managed and who gets what is for `rules`.

`*` in `name` is the only wildcard. A template (`{companyName}`) stands for the person's own text, literally:
a `*` in it is an asterisk. Braces always mean a template. Case does not matter.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from shared.domain.alike import closest, shown
from shared.domain.billing import BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.people import Person
from shared.domain.policy.model import Everything, Rule, Selection, Selector

_TEMPLATE: Final = re.compile(r"\{([^{}]*)\}")

_ONE_TEMPLATE: Final = 2
"""The pieces after the first of a text with one template: the attribute, and what follows it."""


@dataclass(frozen=True, slots=True)
class Picked:
    """What a selection picks: profiles in the order of their keys.

    `blanks` are the attributes that a template names and the person lacks. A selector with one picks nothing.
    """

    profiles: tuple[BillingProfile, ...]
    blanks: tuple[str, ...] = ()


def pick(selection: Selection, profiles: Iterable[BillingProfile], person: Person | None = None) -> Picked:
    """Picks profiles, for a person or for nobody in particular.

    Without a person every template is blank: the policy's loader allows none there.
    """
    if selection is Everything.ALL:
        return Picked(_in_order(profiles))
    if selection is Everything.NONE:
        return Picked(())
    blanks: dict[str, None] = {}
    matchers = []
    for selector in selection:
        missing = [name for name in attributes(selector) if _text(person, name) is None]
        blanks |= dict.fromkeys(missing)
        if not missing:
            matchers.append(_Matcher.of(selector, person))
    picked = (profile for profile in profiles if any(matcher.takes(profile) for matcher in matchers))
    return Picked(_in_order(picked), tuple(blanks))


def _in_order(profiles: Iterable[BillingProfile]) -> tuple[BillingProfile, ...]:
    return tuple(sorted(profiles, key=lambda profile: profile.key))


def attributes(selector: Selector) -> tuple[str, ...]:
    """The attributes that a selector's templates name, in the order written."""
    texts = (selector.name, selector.account, selector.profile, *selector.tags.values())
    return tuple(dict.fromkeys(name for text in texts if text for name in template_attributes(text)))


def template_attributes(text: str) -> tuple[str, ...]:
    """The attributes that the templates in one text name."""
    return tuple(_TEMPLATE.findall(text))


def rule_attributes(rule: Rule) -> frozenset[str]:
    """Every attribute that a rule checks: its filter's, and its templates'."""
    checked = frozenset[str]() if rule.who is None else rule.who.attributes
    if isinstance(rule.profiles, Everything):
        return checked
    return checked.union(*(attributes(selector) for selector in rule.profiles))


def filled_by(selection: Selection, profiles: Iterable[BillingProfile]) -> Iterator[tuple[str, str]]:
    """For each text with one template, its attribute and every text of it that some profile stands for."""
    if isinstance(selection, Everything):
        return
    texts = [(of, text) for selector in selection for of, text in _texts(selector)]
    for of, text in texts:
        before, *rest = _TEMPLATE.split(text)
        if len(rest) != _ONE_TEMPLATE or "*" in text:
            continue
        attribute, after = rest
        for profile in profiles:
            there = of(profile)
            if there is not None and len(there) > len(before) + len(after):
                middle = there[len(before) : len(there) - len(after)]
                if (before + middle + after).casefold() == there.casefold():
                    yield attribute, middle


def _texts(selector: Selector) -> Iterator[tuple[Callable[[BillingProfile], str | None], str]]:
    """A selector's texts, each with what of a profile it is compared with."""
    of_keys: list[tuple[Callable[[BillingProfile], str | None], str | None]] = [
        (lambda profile: profile.display_name, selector.name),
        (lambda profile: profile.key.account, selector.account),
        (lambda profile: profile.key.profile, selector.profile),
    ]
    yield from ((of, text) for of, text in of_keys if text is not None)
    for tag, text in selector.tags.items():
        yield _tag(tag.casefold()), text


def _tag(name: str) -> Callable[[BillingProfile], str | None]:
    return lambda profile: next((text for tag, text in profile.tags.items() if tag.casefold() == name), None)


def unresolved(selection: Selection, catalogue: Catalogue) -> tuple[str, ...]:
    """What a selection names that the catalogue does not have, one phrase each; empty when all of it exists.

    A template can become any text, so it is taken for one that exists.
    """
    if isinstance(selection, Everything):
        return ()
    found: dict[str, None] = {}
    for selector in selection:
        found |= dict.fromkeys(_missing(selector, catalogue))
    return tuple(found)


def _missing(selector: Selector, catalogue: Catalogue) -> Iterator[str]:
    whole = _Matcher.existing(selector)
    profiles = catalogue.profiles
    accounts = [account.name for account in catalogue.accounts]
    phrases = []
    if not _fits(whole.account, *accounts):
        phrases.append(f"there is no billing account {but(selector.account, accounts)}")
    names = [profile.key.profile for profile in profiles]
    if not _fits(whole.profile, *names):
        phrases.append(f"there is no billing profile {but(selector.profile, names)}")
    called = [profile.display_name for profile in profiles]
    if not _fits(whole.name, *called):
        phrases.append(f"no billing profile is called {but(selector.name, called)}")
    for tag, text in selector.tags.items():
        alone = _Matcher.existing(Selector(tags={tag: text}))
        if not any(alone.takes(profile) for profile in profiles):
            tagged = [there for profile in profiles if (there := _tag(tag.casefold())(profile)) is not None]
            phrases.append(f"no billing profile has the tag {tag}: {but(text, tagged)}")
    if phrases:
        yield from phrases
    elif not any(whole.takes(profile) for profile in profiles):
        yield f"no billing profile is all of {describe(selector)}"


def but(text: str | None, known: Iterable[str]) -> str:
    """A text that nothing has, and the one that it may have been meant to be, where something nearly has it."""
    wanted = text or ""
    near = closest(wanted, known)
    return shown(wanted) if near is None else f"{shown(wanted)}, but there is {shown(near)}"


def describe(selector: Selector) -> str:
    """A selector as one line, as the policy file writes it."""
    keys = {"name": selector.name, "account": selector.account, "profile": selector.profile}
    parts = [f"{key}: {text!r}" for key, text in keys.items() if text is not None]
    if selector.tags:
        parts.append("tag: {" + ", ".join(f"{key}: {text!r}" for key, text in sorted(selector.tags.items())) + "}")
    return "{" + ", ".join(parts) + "}"


type _Pattern = tuple[str, ...]
"""The texts between wildcards, as they are compared: one text where there is no wildcard."""


@dataclass(frozen=True, slots=True)
class _Matcher:
    """A selector with its templates filled in."""

    name: _Pattern | None
    account: _Pattern | None
    profile: _Pattern | None
    tags: tuple[tuple[str, _Pattern], ...]

    @classmethod
    def of(cls, selector: Selector, person: Person | None) -> "_Matcher":
        """Templates become the person's texts."""
        return cls._filled(selector, lambda attribute: _text(person, attribute))

    @classmethod
    def existing(cls, selector: Selector) -> "_Matcher":
        """Templates become wildcards."""
        return cls._filled(selector, lambda _: None)

    @classmethod
    def _filled(cls, selector: Selector, fill: Callable[[str], str | None]) -> "_Matcher":
        return cls(
            None if selector.name is None else _pattern(selector.name, fill, wildcard=True),
            None if selector.account is None else _pattern(unquote(selector.account), fill),
            None if selector.profile is None else _pattern(unquote(selector.profile), fill),
            tuple((tag.casefold(), _pattern(text, fill)) for tag, text in selector.tags.items()),
        )

    def takes(self, profile: BillingProfile) -> bool:
        """Whether every key that is set agrees."""
        if not (
            _fits(self.name, profile.display_name)
            and _fits(self.account, profile.key.account)
            and _fits(self.profile, profile.key.profile)
        ):
            return False
        tags = {tag.casefold(): text for tag, text in profile.tags.items()} if self.tags else {}
        return all(tag in tags and _fits(pattern, tags[tag]) for tag, pattern in self.tags)


def _pattern(text: str, fill: Callable[[str], str | None], *, wildcard: bool = False) -> _Pattern:
    """Splits at wildcards. What a template is filled with is never looked into."""
    pieces = [""]
    for i, part in enumerate(_TEMPLATE.split(text)):
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


def _fits(pattern: _Pattern | None, *texts: str) -> bool:
    """Whether one of the texts fits; anything does where nothing is asked."""
    return pattern is None or any(_fits_one(pattern, text.casefold()) for text in texts)


def _fits_one(pattern: _Pattern, text: str) -> bool:
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


def _text(person: Person | None, attribute: str) -> str | None:
    """The person's text, None where it is null or blank."""
    text = None if person is None else person.attributes.get(attribute)
    return text if text and text.strip() else None
