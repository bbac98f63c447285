"""Why somebody has or has not something: what the plan does with each profile, and the one fact that would change it.

Lives here: asking `decide` the same question again with one fact otherwise. It decides nothing by itself, so that an
answer can be no other than a check's. Where an answer's facts come from is the services' business.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.domain.access.changed_facts import ENABLED, HIRED, LEFT, MEMBER_OF, Change
from shared.domain.access.decide import decide
from shared.domain.access.explain import RuleVerdict, explain
from shared.domain.access.near_misses import Vocabulary, with_near_misses
from shared.domain.access.ownership import Held, ManagedAssignment
from shared.domain.access.plan import Employment, Plan, Strength
from shared.domain.access.rules import managed_accounts, means
from shared.domain.alike import closest
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import Person, PersonRead
from shared.domain.policy.filter_tree import OneOf, StartsWith, tests_of
from shared.domain.policy.model import Policy, Rule
from shared.domain.policy.selectors import filled_by, rule_attributes

_MOST_TEXTS: Final = 20
"""Texts of one attribute that are tried for one rule: each is a decision, and nobody reads more."""


class Effect(StrEnum):
    """What a plan does with one person's access to one profile. Spelled as programs read it."""

    GIVEN = "given"
    STAYS = "stays"
    REMOVED_AT_ONCE = "removed at once"
    REMOVED_WHEN_SEEN_AGAIN = "removed when seen again"
    REMOVED_ONCE_RELEASED = "removed once released"
    UNMANAGED = "stays, unmanaged"
    """Somebody else gave it: the app leaves it alone."""
    NOTHING = "nothing"
    """They have nothing there, and get nothing."""


@dataclass(frozen=True)  # without slots: what is made of it once is kept with it
class Facts:
    """Everything that a decision about one person rests on, at the moment `now`."""

    person: PersonRead
    held: Sequence[Held]
    policy: Policy
    catalogue: Catalogue
    now: datetime
    vocabulary: Vocabulary = field(repr=False)

    @classmethod
    def of(
        cls, person: PersonRead, held: Sequence[Held], policy: Policy, catalogue: Catalogue, now: datetime
    ) -> "Facts":
        """The facts of a decision under this policy."""
        return cls(person, held, policy, catalogue, now, Vocabulary.of(policy, catalogue))

    def plan(self) -> Plan:
        """What a check would want to do, as far as it can be told without asking the directory about others."""
        plan = decide(self.person, self.policy, self.catalogue, self.held, self.now)
        return with_near_misses(plan, self.person, self.policy, self.catalogue, self.vocabulary, self.now)

    def changed(self, *changes: Change) -> "Facts":
        """The same with these facts of the person otherwise; of somebody who is gone nothing can be."""
        person = self.person
        if isinstance(person, Person):
            for change in changes:
                person = change.of(person)
        return replace(self, person=person)


@dataclass(frozen=True, slots=True)
class Flip:
    """One fact that would change what becomes of these profiles, and what it becomes then.

    `rules` are those by which it would; none where the person's employment does it.
    """

    change: Change
    then: Effect
    profiles: tuple[ProfileKey, ...]
    rules: tuple[str, ...] = ()


def effects(plan: Plan, held: Iterable[Held]) -> dict[ProfileKey, Effect]:
    """What a plan does with each profile that it, or what is held, has anything to do with."""
    found = dict.fromkeys(plan.wanted, Effect.NOTHING)
    for one in held:
        if isinstance(one, ManagedAssignment):
            found[one.profile] = Effect.STAYS
        elif one.assignment.is_invoice_manager and found.get(one.profile) is not Effect.STAYS:
            found[one.profile] = Effect.UNMANAGED
    found |= {grant.profile: Effect.GIVEN for grant in plan.grants}
    for revoke in plan.revokes:
        if revoke.ask_first is not None:
            found[revoke.profile] = Effect.REMOVED_ONCE_RELEASED
        elif revoke.strength is Strength.STRONG:
            found[revoke.profile] = Effect.REMOVED_AT_ONCE
        else:
            found[revoke.profile] = Effect.REMOVED_WHEN_SEEN_AGAIN
    return found


def verdicts(facts: Facts, profile: ProfileKey | None = None) -> tuple[RuleVerdict, ...]:
    """What each rule says of the person, in policy order; nothing is said of somebody who is gone or unreadable.

    Of the named grants those speak that name the person.
    """
    person = facts.person
    if not isinstance(person, Person):
        return ()
    managed = managed_accounts(facts.policy, facts.catalogue.manageable)
    rules = [rule for rule in facts.policy.rules if rule.grant is None or means(rule, person)]
    return tuple(explain(rule, person, facts.catalogue, managed, facts.now, profile) for rule in rules)


def flips(facts: Facts, profile: ProfileKey | None = None) -> tuple[Flip, ...]:
    """Each one fact that changes what becomes of a profile, or of any: those of each rule, then those of employment.

    Every flip was tried: with the fact otherwise the same decision says what `then` says.
    """
    person = facts.person
    if not isinstance(person, Person):
        return ()
    now = _of(facts, profile)
    wanted = facts.plan().wanted
    found: dict[tuple[Change, Effect], Flip] = {}
    for rule in facts.policy.rules:
        if rule.grant is not None:  # whom it names is the policy's to change, and no fact of a person's
            continue
        gives = any(rule.name in names for key, names in wanted.items() if profile in {None, key})
        for changes in _of_rule(rule, person, facts.catalogue, profile, gives=gives):
            for change in changes:
                if _try(facts, change, profile, now, rule.name, found) and change.no_longer:
                    break
    for change in _of_employment(facts, person):
        _try(facts, change, profile, now, "", found)
    return tuple(found.values())


def _of(facts: Facts, profile: ProfileKey | None) -> Mapping[ProfileKey, Effect]:
    found = effects(facts.plan(), facts.held)
    return found if profile is None else {profile: found.get(profile, Effect.NOTHING)}


def _try(
    facts: Facts,
    change: Change,
    profile: ProfileKey | None,
    now: Mapping[ProfileKey, Effect],
    rule: str,
    found: dict[tuple[Change, Effect], Flip],
) -> bool:
    """Notes what a change would do, by what becomes of the profiles; False where it would do nothing."""
    then = _of(facts.changed(change), profile)
    by_effect: dict[Effect, list[ProfileKey]] = {}
    for key in sorted(now.keys() | then.keys()):
        effect = then.get(key, Effect.NOTHING)
        if effect is not now.get(key, Effect.NOTHING):
            by_effect.setdefault(effect, []).append(key)
    for effect, keys in by_effect.items():
        before = found.get((change, effect))
        rules = (*(before.rules if before else ()), *([rule] if rule else []))
        found[change, effect] = Flip(change, effect, tuple(keys), tuple(dict.fromkeys(rules)))
    return bool(by_effect)


def _of_rule(
    rule: Rule, person: Person, catalogue: Catalogue, profile: ProfileKey | None, *, gives: bool
) -> Iterator[Iterable[Change]]:
    """The single facts because of which a rule might give something, or no longer: by attribute, and by group.

    An attribute that may be anything but what it is needs no example of it.
    """
    for attribute in sorted(rule_attributes(rule)):
        value = person.attributes.get(attribute)
        texts = dict.fromkeys(_texts(rule, attribute, value, catalogue, profile))
        named = [Change(attribute, text) for text in texts if text != value][:_MOST_TEXTS]
        yield (Change(attribute, value, no_longer=True), *named)
    for group in sorted(rule.member_of):
        if gives == (group in person.groups):
            yield (Change(MEMBER_OF, group, no_longer=gives),)


def _texts(
    rule: Rule, attribute: str, value: str | None, catalogue: Catalogue, profile: ProfileKey | None
) -> Iterator[str]:
    """The texts of an attribute that a rule asks for; of those that a template may become, what was perhaps meant."""
    for test in tests_of(rule.who.root) if rule.who is not None else ():
        if test.attribute == attribute:
            match test:
                case OneOf(texts=texts):
                    yield from texts
                case StartsWith(text=text):
                    yield text
    profiles = [one for one in catalogue.profiles if profile in {None, one.key}]
    fitting = [text for name, text in filled_by(rule.profiles, profiles) if name == attribute]
    if profile is not None:
        yield from fitting
    elif value is not None and (near := closest(value, fitting)) is not None:
        yield near


def _of_employment(facts: Facts, person: Person) -> Iterator[Change]:
    """The facts of employment that might change everything."""
    yield Change(ENABLED, "true" if person.account_enabled is False else "false")
    if person.leave_date is not None:
        yield Change(LEFT, None)
    if facts.plan().employment is Employment.PRE_HIRE:
        yield Change(HIRED, facts.now.date().isoformat())
