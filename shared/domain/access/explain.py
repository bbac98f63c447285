"""What one rule says of one person, and why it gives nothing where it gives nothing.

Lives here: the verdict of a rule, in facts and as a reason. It follows `rules`, which decides, and never says otherwise
than that does. What follows for what somebody has is `why`'s.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from shared.domain.access.rules import is_theirs, lets_in, means
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import PERSONAL_ATTRIBUTES, Person
from shared.domain.policy.model import Everything, Rule
from shared.domain.policy.profile_index import Picked
from shared.domain.policy.selectors import filled_by, person_text
from shared.domain.policy.shortfall import Comparison, shortfall
from shared.domain.policy.unresolved import but, unresolved
from shared.domain.reasons import Code, Reason


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """What a rule says of a person: the profiles that it gives, of those that were asked about.

    `why` says why that is nothing, and is None where it is something; `comparisons` are the ones it rests on. `groups`
    are those of which the person is in none, where that is why.
    """

    rule: str
    profiles: tuple[ProfileKey, ...] = ()
    why: Reason | None = None
    comparisons: tuple[Comparison, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def gives(self) -> bool:
        """Whether it gives anything that was asked about."""
        return bool(self.profiles)

    @property
    def asks(self) -> tuple[Reason, ...]:
        """What the rule asks for instead of what it found."""
        return tuple(asked_by(one) for one in self.comparisons)


def explain(
    rule: Rule,
    person: Person,
    catalogue: Catalogue,
    managed: AbstractSet[str],
    now: datetime,
    profile: ProfileKey | None = None,
) -> RuleVerdict:
    """What a rule gives a person who is employed, of one profile or of all; `managed` are the accounts to work in."""
    not_meant = _not_meant(rule, person) if rule.grant is None else _not_granted(rule, person, catalogue, now)
    if not_meant is not None:
        return not_meant
    picked = catalogue.index.pick(rule.profiles, person)
    keys = [one.key for one in picked.profiles if profile in {None, one.key}]
    given = tuple(key for key in keys if key.account.lower() in managed)
    if given:
        return RuleVerdict(rule.name, given)
    if keys:
        return RuleVerdict(rule.name, why=Code.GIVEN_OUTSIDE_MANAGED_ACCOUNTS(rule=rule.name))
    return _picks_nothing(rule, person, catalogue, picked, profile)


def _not_meant(rule: Rule, person: Person) -> RuleVerdict | None:
    """The verdict on somebody for whom the rule is not; None where it is for them."""
    if rule.who is not None and (missed := shortfall(rule.who.root, person)):
        return _compared(rule, missed)
    if rule.member_of and not rule.member_of & person.groups:
        return RuleVerdict(rule.name, why=Code.IN_NO_SUCH_GROUP(), groups=tuple(sorted(rule.member_of)))
    if rule.who is None and not rule.member_of:  # it means nobody; the policy's loader refuses it
        return RuleVerdict(rule.name, why=Code.GIVES_NO_PROFILE())
    if not lets_in(rule, person):
        return RuleVerdict(rule.name, why=Code.IS_A_GUEST())
    return None


def _not_granted(rule: Rule, person: Person, catalogue: Catalogue, now: datetime) -> RuleVerdict | None:
    """The verdict on somebody to whom a named grant gives nothing; None where it does. It tells nobody's address."""
    if not means(rule, person):
        return RuleVerdict(rule.name, why=Code.FOR_SOMEBODY_ELSE())
    if rule.is_over(now) and rule.grant is not None and rule.grant.until is not None:
        return RuleVerdict(rule.name, why=Code.OVER_SINCE(until=rule.grant.until.isoformat()))
    if not is_theirs(rule, person, catalogue):
        return RuleVerdict(rule.name, why=Code.WHOSE_ADDRESS_NOT_KNOWN())
    if not lets_in(rule, person):
        return RuleVerdict(rule.name, why=Code.IS_A_GUEST())
    return None


def _compared(rule: Rule, missed: tuple[Comparison, ...]) -> RuleVerdict:
    found = tuple(dict.fromkeys(map(found_by, missed)))
    why = found[0] if len(found) == 1 else Code.ALL_OF(reasons=found)
    return RuleVerdict(rule.name, why=why, comparisons=missed)


def found_by(comparison: Comparison) -> Reason:
    """What a comparison found instead of what it asks for."""
    if comparison.value is None or not comparison.value.strip():
        return Code.HAS_NO_TEXT(attribute=comparison.attribute)
    return Code.HAS_TEXT(attribute=comparison.attribute, value=comparison.value)


def asked_by(comparison: Comparison) -> Reason:
    """What a comparison asks for."""
    attribute, texts = comparison.attribute, comparison.texts
    match comparison.begins, comparison.negated:
        case True, False:
            return Code.ASKS_FOR_BEGINNING(attribute=attribute, text=texts[0])
        case True, True:
            return Code.ASKS_FOR_OTHER_BEGINNING(attribute=attribute, text=texts[0])
        case False, True:
            return Code.ASKS_FOR_OTHER(attribute=attribute, texts=texts)
        case _:
            return Code.ASKS_FOR(attribute=attribute, texts=texts)


def _picks_nothing(
    rule: Rule, person: Person, catalogue: Catalogue, picked: Picked, profile: ProfileKey | None
) -> RuleVerdict:
    """The verdict on somebody whom a rule means, and to whom it gives nothing that was asked about."""
    wanted = [one for one in catalogue.profiles if profile in {None, one.key}]
    fitting: dict[str, dict[str, None]] = {name: {} for name in picked.blanks}
    for attribute, text in filled_by(rule.profiles, wanted):
        fitting.setdefault(attribute, {})[text] = None
    missed = tuple(
        Comparison(attribute, person_text(person, attribute), tuple(texts))
        for attribute, texts in fitting.items()
        if not _has_one_of(person, attribute, texts)
    )
    blank = tuple(one for one in missed if one.value is None)
    if blank or (missed and profile is not None):
        return _compared(rule, blank or missed)
    if missed:
        nearest = [fits_no_profile(one) for one in missed]
        why = nearest[0] if len(nearest) == 1 else Code.ALL_OF(reasons=tuple(nearest))
        return RuleVerdict(rule.name, why=why, comparisons=missed)
    if picked.profiles:
        return RuleVerdict(rule.name, why=Code.GIVES_OTHER_PROFILES(count=len(picked.profiles)))
    if rule.profiles is Everything.NONE or not (missing := unresolved(rule.profiles, catalogue)):
        return RuleVerdict(rule.name, why=Code.GIVES_NO_PROFILE())
    return RuleVerdict(rule.name, why=missing[0] if len(missing) == 1 else Code.TOGETHER(reasons=missing))


def fits_no_profile(comparison: Comparison) -> Reason:
    """That a text of a person, put into a rule's template, is no profile's; and the one that was perhaps meant.

    A text that names one person is left out.
    """
    if comparison.attribute in PERSONAL_ATTRIBUTES:
        return Code.TEXT_FITS_NO_PROFILE(attribute=comparison.attribute)
    text = but(comparison.value, comparison.texts)
    return Code.FITS_NO_PROFILE(attribute=comparison.attribute, text=text)


def _has_one_of(person: Person, attribute: str, texts: Iterable[str]) -> bool:
    value = person_text(person, attribute)
    return value is not None and value.casefold() in {text.casefold() for text in texts}
