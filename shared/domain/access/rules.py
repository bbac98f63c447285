"""What the policy's rules give a person, and which of them may be trusted.

Lives here: matching a rule, the union of what rules give inside the managed accounts, and the judgement that
a rule is not known. What is done about it is for `decide`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from shared.domain.access.plan import Note, NoteKind
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import PERSONAL_ATTRIBUTES, Person
from shared.domain.policy.filter_tree import StartsWith, fold
from shared.domain.policy.model import EXTERNAL_MEMBERS, Everything, NamedGrant, Policy, Rule
from shared.domain.policy.named_grants import owners
from shared.domain.policy.selectors import person_text, templated_attributes
from shared.domain.policy.unresolved import but, unresolved
from shared.domain.reasons import Code, Reason

_REMOVED: Final = "(removed)"
"""Stands for a rule that the policy no longer has."""


@dataclass(frozen=True, slots=True)
class Entitlements:
    """What the rules give one person: each profile with the rules that give it, in policy order, and notes.

    Only profiles of managed accounts are among them, in the order of their keys, whatever their status. `ends` says of
    the named grants when each ends, if it does.
    """

    rules: Mapping[ProfileKey, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    ends: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def until(self) -> datetime | None:
        """When the first named grant ends that gives any of it; None where none does."""
        if not self.ends:
            return None
        giving = (name for names in self.rules.values() for name in names)
        return min((self.ends[name] for name in giving if name in self.ends), default=None)


def managed_accounts(policy: Policy, manageable: frozenset[str]) -> frozenset[str]:
    """Of the `manageable` accounts (names, lower-case) those to work in: the ones that the policy names."""
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


def wanted(person: Person, policy: Policy, catalogue: Catalogue, now: datetime) -> Entitlements:
    """What the rules give a person who is employed: the union over all of them."""
    managed = managed_accounts(policy, catalogue.manageable)
    given: dict[ProfileKey, list[str]] = {}
    notes: dict[Note, None] = {}
    for rule in policy.rules:
        if rule.grant is not None and (rule.is_over(now) or not is_theirs(rule, person, catalogue)):
            continue
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
    ends = {rule.name: rule.grant.end for rule in policy.rules if rule.grant is not None and rule.grant.end is not None}
    return Entitlements({key: tuple(given[key]) for key in sorted(given)}, tuple(notes), ends)


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
    policy: Policy, catalogue: Catalogue, people: Collection[Person], missing_groups: AbstractSet[str], now: datetime
) -> Mapping[str, tuple[Reason, ...]]:
    """Which rules are not known, and why: nothing that they gave may be revoked.

    A rule is not known when it names a group, profile, account or tag that does not exist, or matches nobody; a named
    grant also when several people have its address. One that is over is not among them.
    `people` are everybody whom a complete sweep listed, with their groups; `missing_groups` are the object ids,
    lower-case, that no group has. A rule of several comparisons goes on where nobody meets one of
    them: see `dead_comparisons`.
    """
    awaited = {rule.name for rule in policy.rules if rule.grant is None}
    for person in people:
        if not awaited:
            break
        awaited -= {rule.name for rule in policy.rules if rule.name in awaited and matches(rule, person)}
    lasting = [rule for rule in policy.grants if not rule.is_over(now)]
    meant = owners(lasting, people)
    found: dict[str, tuple[Reason, ...]] = {}
    for rule in policy.rules:
        if rule.is_over(now):
            continue
        reasons = [Code.NO_SUCH_GROUP(group=group) for group in sorted(rule.member_of & missing_groups)]
        reasons += unresolved(rule.profiles, catalogue)
        if rule.name in awaited:
            reasons.append(Code.MATCHES_NOBODY())
        if rule.grant is not None:
            reasons += _not_one(rule, rule.grant, meant[rule.name])
        if reasons:
            found[rule.name] = tuple(reasons)
    return found


def _not_one(rule: Rule, grant: NamedGrant, meant: Sequence[Person]) -> Iterator[Reason]:
    """Why a named grant does not mean one person to whom it gives, where that is so."""
    if not meant:
        yield Code.NO_SUCH_PERSON(person=grant.object_id) if grant.object_id else Code.NOBODY_HAS_ADDRESS()
    elif len(meant) > 1:
        yield Code.SEVERAL_HAVE_ADDRESS(count=len(meant))
    elif not lets_in(rule, meant[0]):
        yield Code.MEANS_A_GUEST()


def doubtful_grants(
    policy: Policy, catalogue: Catalogue, seen: Collection[Person], now: datetime, asked: Collection[str] = ()
) -> Iterator[tuple[int, Reason]]:
    """What is amiss with whom the named grants mean, as far as a view can tell: each one's number, and why.

    `seen` are the people of the view, which a sweep under any policy left. Who has no access and whom no rule lists is
    in none: then nobody knows before the directory is asked. `asked` are the names of the grants of which it was, so
    that everybody whom they mean is among `seen`.
    """
    meant = owners(policy.grants, seen)
    is_judged = catalogue.policy_digest == policy.digest
    judged = (catalogue.unknown_rules or {}) if is_judged else {}
    for number, rule in enumerate(policy.grants):
        if rule.grant is None or rule.is_over(now):
            continue
        if meant[rule.name] or rule.name in asked:
            found = list(_not_one(rule, rule.grant, meant[rule.name]))
        else:
            found = [why for why in judged.get(rule.name, ()) if why.code in _OF_GRANTS]
            found += [] if is_judged else [Code.NOBODY_SEEN_IS_MEANT()]
        yield from ((number, why) for why in found)


_OF_GRANTS: Final = {Code.NO_SUCH_PERSON, Code.NOBODY_HAS_ADDRESS, Code.SEVERAL_HAVE_ADDRESS, Code.MEANS_A_GUEST}
"""Why a named grant means nobody, or nobody in particular."""


def addresses(policy: Policy, people: Collection[Person], now: datetime) -> Mapping[str, str]:
    """Whose each address is that a named grant names, as object id; without those of nobody and of several people.

    `people` are everybody whom a complete sweep listed.
    """
    lasting = [rule for rule in policy.grants if not rule.is_over(now)]
    meant = owners(lasting, people)
    return {
        rule.grant.address: meant[rule.name][0].object_id
        for rule in lasting
        if rule.grant is not None and rule.grant.address and len(meant[rule.name]) == 1
    }


def is_theirs(rule: Rule, person: Person, catalogue: Catalogue) -> bool:
    """Whether a named grant is known to be for this person: by object id, or as the only one who has the address."""
    if rule.grant is None:
        return False
    return (rule.grant.object_id or catalogue.addresses.get(rule.grant.address)) == person.object_id.lower()


def first_unknown(
    rules: AbstractSet[str] | None, policy: Policy, catalogue: Catalogue, now: datetime
) -> tuple[str, tuple[Reason, ...]] | None:
    """The first of the rules that may have given something which is not known, with why; None where all are known.

    `rules` are those that are remembered; where nobody remembers any, it may have been each of them. A named grant that
    is over counts as a rule that was removed, whoever it was for.
    """
    over = {rule.name for rule in policy.grants if rule.is_over(now)}
    for name in sorted(rules or {rule.name for rule in policy.rules} - over or {_REMOVED}):
        why = catalogue.why_unknown(_REMOVED if name in over else name, policy.digest)
        if why is not None:
            return name, why
    return None


def ended(rules: AbstractSet[str] | None, policy: Policy, now: datetime) -> tuple[Rule, ...]:
    """The named grants that gave something, where nothing else did and all of them are over; else none."""
    over = {rule.name: rule for rule in policy.grants if rule.is_over(now)}
    return tuple(over[name] for name in sorted(rules)) if rules and rules <= over.keys() else ()


@dataclass(frozen=True, slots=True)
class DeadComparison:
    """A text that a rule compares an attribute with and nobody listed has."""

    rule: str
    why: Reason


def dead_comparisons(policy: Policy, people: Iterable[Person]) -> tuple[DeadComparison, ...]:
    """What the rules ask for and nobody has, in policy order, each with the text that was perhaps meant.

    `people` are everybody whom a complete sweep listed. A comparison that is negated asks for nothing. Neither text
    is told where the attribute names one person. Of a named grant `unknown_rules` tells it.
    """
    rules = [rule for rule in policy.rules if rule.grant is None]
    asked = [(rule.name, test) for rule in rules if rule.who is not None for test in rule.who.asked]
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
    if rule.grant is not None and rule.grant.object_id:
        return rule.grant.object_id == person.object_id.lower()
    # A rule that names nobody means nobody; the policy's loader refuses it anyway.
    return rule.who is not None or bool(rule.member_of)
