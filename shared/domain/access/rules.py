"""What the policy's rules give a person, and which of them may be trusted.

Lives here: matching a rule, the union of what rules give inside the managed accounts, and the judgement that
a rule is not known. What is done about it is for `decide`.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from shared.domain.access.plan import Note, NoteKind
from shared.domain.billing import BillingAccount
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import PERSONAL_ATTRIBUTES, Person
from shared.domain.policy.filter_tree import StartsWith, fold
from shared.domain.policy.model import EXTERNAL_MEMBERS, Everything, Policy, Rule
from shared.domain.policy.selectors import person_text, templated_attributes
from shared.domain.policy.unresolved import but, unresolved
from shared.domain.reasons import Code, Reason


@dataclass(frozen=True, slots=True)
class Entitlements:
    """What the rules give one person: each profile with the rules that give it, in policy order, and notes.

    Only profiles of managed accounts are among them, in the order of their keys, whatever their status.
    """

    rules: Mapping[ProfileKey, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


def managed_accounts(policy: Policy, accounts: Iterable[BillingAccount]) -> frozenset[str]:
    """The names, lower-case, of the accounts to work in: named by the policy and manageable."""
    manageable = frozenset(account.name.lower() for account in accounts if account.is_manageable)
    if policy.accounts is Everything.ALL:
        return manageable
    if policy.accounts is Everything.NONE:
        return frozenset()
    return manageable & {name.lower() for name in policy.accounts}


def is_named(policy: Policy, account: str) -> bool:
    """Whether the policy names a billing account, listed or not."""
    named = policy.accounts
    if isinstance(named, Everything):
        return named is Everything.ALL
    return account.lower() in {name.lower() for name in named}


def matches(rule: Rule, person: Person) -> bool:
    """Whether a rule gives to this person: `who`, a group, and guests if it says so."""
    return lets_in(rule, person) and means(rule, person)


def wanted(person: Person, policy: Policy, catalogue: Catalogue) -> Entitlements:
    """What the rules give a person who is employed: the union over all of them."""
    managed = managed_accounts(policy, catalogue.accounts)
    given: dict[ProfileKey, list[str]] = {}
    notes: dict[Note, None] = {}
    for rule in policy.rules:
        if not means(rule, person):
            continue
        if not lets_in(rule, person):
            notes[Note(NoteKind.GUEST, Code.NOT_FOR_GUESTS(rule=rule.name))] = None
            continue
        picked = catalogue.index.pick(rule.profiles, person)
        for attribute in picked.blanks:
            why = Code.TEMPLATE_BLANK(rule=rule.name, attribute=attribute)
            notes[Note(NoteKind.TEMPLATE_BLANK, why)] = None
        if not picked.profiles and not picked.blanks:
            notes |= dict.fromkeys(_fits_nothing(rule, person))
        for profile in picked.profiles:
            if profile.key.account.lower() in managed:
                given.setdefault(profile.key, []).append(rule.name)
            elif rule.profiles is not Everything.ALL:
                why = Code.GIVEN_OUTSIDE_MANAGED_ACCOUNTS(rule=rule.name)
                notes[Note(NoteKind.NOT_MANAGED, why, profile.key)] = None
    return Entitlements({key: tuple(given[key]) for key in sorted(given)}, tuple(notes))


def _fits_nothing(rule: Rule, person: Person) -> Iterator[Note]:
    """That no profile has what the rule's templates become for a person; nothing where it has no template."""
    for attribute in templated_attributes(rule.profiles):
        if attribute in PERSONAL_ATTRIBUTES:
            why = Code.TEMPLATE_TEXT_FITS_NOTHING(rule=rule.name, attribute=attribute)
        else:
            value = person_text(person, attribute) or ""
            why = Code.TEMPLATE_FITS_NOTHING(rule=rule.name, attribute=attribute, value=value)
        yield Note(NoteKind.TEMPLATE_FITS_NOTHING, why)


def unknown_rules(
    policy: Policy, catalogue: Catalogue, people: Iterable[Person], missing_groups: AbstractSet[str]
) -> Mapping[str, tuple[Reason, ...]]:
    """Which rules are not known, and why: nothing that they gave may be revoked.

    A rule is not known when it names a group, profile, account or tag that does not exist, or matches nobody.
    `people` are everybody whom a complete sweep listed, with their groups; `missing_groups` are the object ids,
    lower-case, that no group has. A rule of several comparisons goes on where nobody meets one of
    them: see `dead_comparisons`.
    """
    awaited = {rule.name for rule in policy.rules}
    for person in people:
        if not awaited:
            break
        awaited -= {rule.name for rule in policy.rules if rule.name in awaited and matches(rule, person)}
    found: dict[str, tuple[Reason, ...]] = {}
    for rule in policy.rules:
        reasons = [Code.NO_SUCH_GROUP(group=group) for group in sorted(rule.member_of & missing_groups)]
        reasons += unresolved(rule.profiles, catalogue)
        if rule.name in awaited:
            reasons.append(Code.MATCHES_NOBODY())
        if reasons:
            found[rule.name] = tuple(reasons)
    return found


@dataclass(frozen=True, slots=True)
class DeadComparison:
    """A text that a rule compares an attribute with and nobody listed has."""

    rule: str
    why: Reason


def dead_comparisons(policy: Policy, people: Iterable[Person]) -> tuple[DeadComparison, ...]:
    """What the rules ask for and nobody has, in policy order, each with the text that was perhaps meant.

    `people` are everybody whom a complete sweep listed. A comparison that is negated asks for nothing. Neither text
    is told where the attribute names one person.
    """
    asked = [(rule.name, test) for rule in policy.rules if rule.who is not None for test in rule.who.asked]
    values: dict[str, dict[str, str]] = {test.attribute: {} for _, test in asked}
    for person in people:
        for attribute, known in values.items():
            if (value := person.attributes.get(attribute)) is not None:
                known.setdefault(fold(value), value)
    dead: dict[DeadComparison, None] = {}
    for name, test in asked:
        known = values[test.attribute]
        if isinstance(test, StartsWith):
            missing = [] if any(value.startswith(test.folded) for value in known) else [test.text]
            found = [Code.NOBODY_STARTS_WITH(attribute=test.attribute, text=text) for text in missing]
        else:
            missing = [text for text in test.texts if fold(text) not in known]
            found = [Code.NOBODY_HAS(attribute=test.attribute, text=but(text, known.values())) for text in missing]
        if test.attribute in PERSONAL_ATTRIBUTES:
            found = [Code.NOBODY_HAS_ONE_OF(attribute=test.attribute)] if missing else []
        dead |= dict.fromkeys(DeadComparison(name, why) for why in found)
    return tuple(dead)


def lets_in(rule: Rule, person: Person) -> bool:
    """Whether a rule is for this account, where it is another tenant's or a guest."""
    if rule.guests == EXTERNAL_MEMBERS:
        return person.is_external_member or not person.is_guest
    return bool(rule.guests) or not person.is_guest


def means(rule: Rule, person: Person) -> bool:
    """Whether a rule would give to this person if guests made no difference."""
    if rule.who is not None and rule.who.judge(person) is not True:
        return False
    if rule.member_of and not rule.member_of & person.groups:
        return False
    # A rule that names nobody means nobody; the policy's loader refuses it anyway.
    return rule.who is not None or bool(rule.member_of)
