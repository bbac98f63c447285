"""Whatever is explained agrees with what is decided, whoever it is about."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.access.changed_facts import Change, read_change
from shared.domain.access.decide import decide
from shared.domain.access.explain import explain
from shared.domain.access.ownership import Held, ManagedAssignment
from shared.domain.access.plan import Strength
from shared.domain.access.rules import managed_accounts, matches, wanted
from shared.domain.access.why import Effect, Facts, effects, flips, verdicts
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import Person, PersonRead
from shared.domain.policy.filters import Filter
from shared.domain.policy.model import Policy
from shared.domain.policy.shortfall import shortfall
from shared.wording.say import say
from tests.app.deciding import KEYS, NOW, catalogues, filters, holdings, persons, policies, reads

profiles = st.sampled_from([None, *KEYS])


@given(filters, persons)
def test_a_comparison_is_told_exactly_where_the_filter_does_not_hold(who: Filter, person: Person) -> None:
    told = shortfall(who.root, person)
    assert bool(told) is (who.judge(person) is not True)
    for one in told:
        value = person.attributes[one.attribute]
        assert one.value == value
        holds = None
        if value is not None:
            texts = [text.lower() for text in one.texts]
            holds = value.lower().startswith(texts[0]) if one.begins else value.lower() in texts
            holds = holds is not one.negated
        assert holds is not True


@given(persons, policies, catalogues(), profiles)
def test_each_rule_s_verdict_is_what_the_decision_takes_from_it(
    person: Person, policy: Policy, catalogue: Catalogue, profile: ProfileKey | None
) -> None:
    gives = wanted(person, policy, catalogue, NOW).rules
    told = verdicts(Facts.of(person, (), policy, catalogue, NOW), profile)
    assert [one.rule for one in told] == [rule.name for rule in policy.rules]
    for one in told:
        keys = [key for key, names in gives.items() if one.rule in names and profile in {None, key}]
        assert list(one.profiles) == keys
        assert (one.why is None) is one.gives
        assert one.why is None or say(one.why)


@given(persons, policies, catalogues())
def test_a_rule_that_matches_says_nothing_of_its_filter_groups_or_guests(
    person: Person, policy: Policy, catalogue: Catalogue
) -> None:
    managed = managed_accounts(policy, catalogue.manageable)
    for rule in policy.rules:
        told = explain(rule, person, catalogue, managed, NOW)
        if matches(rule, person):
            assert told.groups == ()
            assert told.why is None or told.why.code.value not in {"in-no-such-group", "is-a-guest"}
        else:
            assert not told.gives


@given(reads, policies, catalogues(), holdings())
def test_what_is_said_of_each_profile_is_the_plan_s(
    person: PersonRead, policy: Policy, catalogue: Catalogue, before: tuple[Held, ...]
) -> None:
    plan = decide(person, policy, catalogue, before, NOW)
    facts = Facts.of(person, before, policy, catalogue, NOW)
    said = effects(facts.plan(), before)
    removed = {Effect.REMOVED_AT_ONCE, Effect.REMOVED_WHEN_SEEN_AGAIN, Effect.REMOVED_ONCE_RELEASED}
    assert {key for key, effect in said.items() if effect is Effect.GIVEN} == {one.profile for one in plan.grants}
    assert {key for key, effect in said.items() if effect in removed} == {one.profile for one in plan.revokes}
    at_once = {one.profile for one in plan.revokes if one.strength is Strength.STRONG and one.ask_first is None}
    assert {key for key, effect in said.items() if effect is Effect.REMOVED_AT_ONCE} == at_once
    kept = {one.profile for one in before if isinstance(one, ManagedAssignment)} - {one.profile for one in plan.revokes}
    assert {key for key, effect in said.items() if effect is Effect.STAYS} == kept


@given(persons, policies, catalogues(), holdings(), profiles)
def test_each_flip_that_is_told_flips_the_plan(
    person: Person, policy: Policy, catalogue: Catalogue, before: tuple[Held, ...], profile: ProfileKey | None
) -> None:
    facts = Facts.of(person, before, policy, catalogue, NOW)
    now = effects(facts.plan(), before)
    for flip in flips(facts, profile):
        changed = flip.change.of(person)
        then = effects(Facts.of(changed, before, policy, catalogue, NOW).plan(), before)
        assert flip.profiles
        assert profile is None or flip.profiles == (profile,)
        for key in flip.profiles:
            assert then.get(key, Effect.NOTHING) is flip.then
            assert now.get(key, Effect.NOTHING) is not flip.then


@given(persons, policies, catalogues(), holdings(), st.sampled_from(KEYS))
def test_a_disabled_account_flips_whatever_it_flips(
    person: Person, policy: Policy, catalogue: Catalogue, before: tuple[Held, ...], profile: ProfileKey
) -> None:
    disabled = replace(person, account_enabled=False)
    facts = Facts.of(person, before, policy, catalogue, NOW)
    now = effects(facts.plan(), before).get(profile, Effect.NOTHING)
    then = effects(Facts.of(disabled, before, policy, catalogue, NOW).plan(), before).get(profile, Effect.NOTHING)
    told = [flip.then for flip in flips(facts, profile) if flip.change == Change("accountEnabled", "false")]
    assert told == ([then] if then is not now and person.account_enabled is not False else [])


@given(persons, st.sampled_from(["department=Legal", "companyName=", "accountEnabled=false", "memberOf="]))
def test_what_is_set_is_so_and_nothing_else_differs(person: Person, written: str) -> None:
    change = read_change(written)
    changed = change.of(person)
    assert change.of(changed) == changed
    attributes = {name: text for name, text in changed.attributes.items() if name != change.attribute}
    assert attributes == {name: text for name, text in person.attributes.items() if name != change.attribute}
