"""A named grant is as the rule that says the same until it ends, and then as if it were not there."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.domain.access.decide import decide
from shared.domain.access.near_misses import Vocabulary, with_near_misses
from shared.domain.access.ownership import Held
from shared.domain.access.plan import Employment, Plan, Strength
from shared.domain.access.rules import addresses, unknown_rules
from shared.domain.catalogue import Catalogue
from shared.domain.people import Person, PersonRead
from shared.domain.policy.filter_text import parse_filter
from shared.domain.policy.model import NamedGrant, Policy, Rule, Selection
from shared.domain.policy.named_grants import named_grant
from tests.app.deciding import GROUPS, ID, NOW, catalogues, held, holdings, persons, policies, reads, selections

ADDRESS = "x@contoso.com"
"""What everybody whom `persons` makes is called."""

NAME = "grant:g"
AS_RULE = parse_filter(f"userPrincipalName eq '{ADDRESS}'")
ends = st.sampled_from([None, timedelta(seconds=1), timedelta(days=3), timedelta(days=50)])
anybody = st.sampled_from([ID, ADDRESS, "X@CONTOSO.com"])


def granted(person: str, profiles: Selection, end: timedelta | None, *, guests: bool) -> Rule:
    how_long = NamedGrant("why") if end is None else NamedGrant("why", until=(NOW + end).date(), end=NOW + end)
    return named_grant("g", person, profiles, guests, how_long)


def with_rule(policy: Policy, rule: Rule) -> Policy:
    return replace(policy, rules=(*policy.rules, rule))


def planned(
    person: PersonRead, policy: Policy, catalogue: Catalogue, before: tuple[Held, ...], late: timedelta = timedelta()
) -> Plan:
    now = NOW + late
    plan = decide(person, policy, catalogue, before, now)
    return with_near_misses(plan, person, policy, catalogue, Vocabulary.of(policy, catalogue), now)


def known(catalogue: Catalogue) -> Catalogue:
    return replace(catalogue, addresses={ADDRESS: ID})


@settings(max_examples=60)
@given(reads, policies, catalogues(), holdings(), anybody, selections, ends, st.booleans())
def test_until_it_ends_it_is_as_a_rule_for_that_person(
    person: PersonRead,
    policy: Policy,
    catalogue: Catalogue,
    before: tuple[Held, ...],
    whom: str,
    profiles: Selection,
    end: timedelta | None,
    guests: bool,
) -> None:
    rule = Rule(NAME, profiles, AS_RULE, guests=guests)
    as_rule = planned(person, with_rule(policy, rule), known(catalogue), before)
    grant = with_rule(policy, granted(whom, profiles, end, guests=guests))
    as_grant = planned(person, grant, known(catalogue), before)
    gives = any(NAME in names for names in as_rule.wanted.values())
    assert replace(as_grant, next_change=as_rule.next_change) == as_rule
    both = [moment for moment in (as_rule.next_change, None if end is None or not gives else NOW + end) if moment]
    assert as_grant.next_change == min(both, default=None)


@settings(max_examples=60)
@given(reads, policies, catalogues(), holdings(), anybody, selections, st.booleans(), st.data())
def test_once_it_has_ended_it_is_as_if_it_were_not_there(
    person: PersonRead,
    policy: Policy,
    catalogue: Catalogue,
    before: tuple[Held, ...],
    whom: str,
    profiles: Selection,
    guests: bool,
    data: st.DataObject,
) -> None:
    gave = data.draw(st.sampled_from([frozenset({NAME}), frozenset({NAME, "rule0"})]))
    before = tuple(held(one.profile, gave) for one in before)
    late = data.draw(st.sampled_from([timedelta(), timedelta(seconds=1), timedelta(days=9)]))
    ended = with_rule(policy, granted(whom, profiles, timedelta(), guests=guests))
    with_it = planned(person, ended, known(catalogue), before, late)
    without = planned(person, policy, known(catalogue), before, late)
    taken = [(one.profile, one.ask_first) for one in with_it.revokes]
    assert taken == [(one.profile, one.ask_first) for one in without.revokes]
    assert replace(with_it, revokes=()) == replace(without, revokes=())
    if (
        gave == {NAME} and with_it.employment is Employment.EMPLOYED
    ):  # it is the policy that says so, and not the directory
        assert {one.strength for one in with_it.revokes} <= {Strength.STRONG}
    else:
        strengths = [one.strength for one in without.revokes]
        assert [one.strength for one in with_it.revokes] == strengths


@settings(max_examples=60)
@given(persons, policies, catalogues(), holdings(), selections, st.sampled_from([{}, {ADDRESS: GROUPS[0]}]))
def test_an_address_of_nobody_knows_whom_gives_nothing(
    person: Person,
    policy: Policy,
    catalogue: Catalogue,
    before: tuple[Held, ...],
    profiles: Selection,
    whose: dict[str, str],
) -> None:
    assume(catalogue.unknown_rules is not None and catalogue.policy_digest == policy.digest)
    unknown = {**(catalogue.unknown_rules or {}), NAME: ()}
    policy = with_rule(policy, granted(ADDRESS, profiles, None, guests=True))
    before = tuple(held(one.profile, frozenset({NAME})) for one in before)
    catalogue = replace(catalogue, addresses=whose, unknown_rules=unknown)
    plan = planned(person, policy, catalogue, before)
    assert all(NAME not in rules for rules in plan.wanted.values())


@settings(max_examples=60)
@given(policies, catalogues(), st.lists(st.sampled_from([ADDRESS, "y@contoso.com", None]), max_size=3))
def test_whose_an_address_is_and_whether_it_is_not_known_agree(
    policy: Policy, catalogue: Catalogue, mails: list[str | None]
) -> None:
    people = [
        Person(f"0000000{number}", True, "Member", None, None, {"mail": mail}) for number, mail in enumerate(mails)
    ]
    policy = with_rule(policy, granted(ADDRESS, (), None, guests=False))
    whose = addresses(policy, people, NOW)
    found = unknown_rules(policy, catalogue, people, frozenset(), NOW).get(NAME, ())
    having = [one.object_id for one in people if one.attributes["mail"] == ADDRESS]
    assert whose == ({ADDRESS: having[0]} if len(having) == 1 else {})
    told = {0: ["nobody-has-address"], 1: []}.get(len(having), ["several-have-address"])
    assert [why.code.value for why in found] == told
