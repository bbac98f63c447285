"""What a policy names that does not exist, and what it may have been meant to be.

Lives here: comparing a policy's selectors, accounts and protected people with what there is. What follows is `rules`'.
"""

from collections.abc import Iterable, Iterator

from shared.domain.alike import closest, one_letter_apart
from shared.domain.catalogue import Catalogue
from shared.domain.policy.model import Everything, Policy, Selection, Selector
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
from shared.domain.reasons import Code, Reason


def unresolved(selection: Selection, catalogue: Catalogue) -> tuple[Reason, ...]:
    """What a selection names that the catalogue does not have; empty when all of it exists.

    A template can become any text, so it is taken for one that exists.
    """
    if isinstance(selection, Everything):
        return ()
    found: dict[Reason, None] = {}
    for selector in selection:
        found |= dict.fromkeys(_missing(selector, catalogue))
    return tuple(found)


def _missing(selector: Selector, catalogue: Catalogue) -> Iterator[Reason]:
    patterns = compiled(selector).filled(lambda _: None)
    asked = dict(patterns)
    profiles = [texts_of(profile) for profile in catalogue.profiles]
    accounts = [account.name for account in catalogue.accounts]
    found = []
    if ACCOUNT in asked and not _has(asked[ACCOUNT], accounts):
        found.append(Code.NO_SUCH_ACCOUNT(text=but(selector.account, accounts)))
    if PROFILE in asked and not _has(asked[PROFILE], names := [texts[PROFILE] for texts in profiles]):
        found.append(Code.NO_SUCH_PROFILE(text=but(selector.profile, names)))
    if NAME in asked and not _has(asked[NAME], called := [texts[NAME] for texts in profiles]):
        found.append(Code.NO_PROFILE_OF_NAME(text=but(selector.name, called)))
    for tag, text in selector.tags.items():
        tagged = [texts[tag_place(tag)] for texts in profiles if tag_place(tag) in texts]
        if not _has(asked[tag_place(tag)], tagged):
            found.append(Code.NO_PROFILE_OF_TAG(tag=tag, text=but(text, tagged)))
    if found:
        yield from found
    elif not any(takes(patterns, profile) for profile in catalogue.index.texts):
        yield Code.NO_PROFILE_OF_ALL(selector=describe(selector))


def _has(pattern: Pattern, texts: Iterable[str]) -> bool:
    return any(fits(pattern, text.casefold()) for text in texts)


def but(text: str | None, known: Iterable[str]) -> Reason:
    """A text that nothing has, and the one that it may have been meant to be, where something nearly has it."""
    wanted = text or ""
    near = closest(wanted, known)
    return Code.TEXT(text=wanted) if near is None else Code.TEXT_BUT_THERE_IS(text=wanted, near=near)


def no_such_person(object_id: str, known: Iterable[str]) -> Reason:
    """That the directory knows no person of this object id, and the known one that is a letter away."""
    near = next((one for one in known if one_letter_apart(object_id, one)), None)
    if near is None:
        return Code.NO_SUCH_PERSON(person=object_id)
    return Code.NO_SUCH_PERSON_BUT(person=object_id, near=near)


def names_nothing(policy: Policy, catalogue: Catalogue, accounts: Iterable[str]) -> Iterator[tuple[str, Reason]]:
    """What a policy names outside its rules that does not exist: the key of the file, and what is amiss.

    `accounts` are the names of the billing accounts that are listed.
    """
    for key, selection in (("enforce", policy.enforce), ("email_invoicing.opt_in", policy.opt_in)):
        for why in unresolved(selection, catalogue):
            yield key, why
    if not isinstance(policy.accounts, Everything):
        listed = list(accounts)
        seen = {name.lower() for name in listed}
        others = [name for name in listed if name.lower() not in policy.accounts]
        for name in sorted(policy.accounts):
            if name.lower() not in seen:
                yield "accounts", Code.NO_ACCOUNT_OF_NAME(text=but(name, others))
