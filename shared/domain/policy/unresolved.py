"""What a selection names that does not exist, and what it may have been meant to be.

Lives here: comparing a policy's selectors with a catalogue, in words for a person. What follows from it is `rules`'.
"""

from collections.abc import Iterable, Iterator

from shared.domain.alike import closest, shown
from shared.domain.catalogue import Catalogue
from shared.domain.policy.model import Everything, Selection, Selector
from shared.domain.policy.selectors import (
    ACCOUNT,
    NAME,
    PROFILE,
    Pattern,
    compiled,
    describe,
    fits,
    tag_place,
    takes,
    texts_of,
)


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
    patterns = compiled(selector).filled(lambda _: None)
    asked = dict(patterns)
    profiles = [texts_of(profile) for profile in catalogue.profiles]
    accounts = [account.name for account in catalogue.accounts]
    phrases = []
    if ACCOUNT in asked and not _has(asked[ACCOUNT], accounts):
        phrases.append(f"there is no billing account {but(selector.account, accounts)}")
    if PROFILE in asked and not _has(asked[PROFILE], names := [texts[PROFILE] for texts in profiles]):
        phrases.append(f"there is no billing profile {but(selector.profile, names)}")
    if NAME in asked and not _has(asked[NAME], called := [texts[NAME] for texts in profiles]):
        phrases.append(f"no billing profile is called {but(selector.name, called)}")
    for tag, text in selector.tags.items():
        tagged = [texts[tag_place(tag)] for texts in profiles if tag_place(tag) in texts]
        if not _has(asked[tag_place(tag)], tagged):
            phrases.append(f"no billing profile has the tag {tag}: {but(text, tagged)}")
    if phrases:
        yield from phrases
    elif not any(takes(patterns, profile) for profile in catalogue.index.texts):
        yield f"no billing profile is all of {describe(selector)}"


def _has(pattern: Pattern, texts: Iterable[str]) -> bool:
    return any(fits(pattern, text.casefold()) for text in texts)


def but(text: str | None, known: Iterable[str]) -> str:
    """A text that nothing has, and the one that it may have been meant to be, where something nearly has it."""
    wanted = text or ""
    near = closest(wanted, known)
    return shown(wanted) if near is None else f"{shown(wanted)}, but there is {shown(near)}"
