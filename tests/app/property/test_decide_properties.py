"""What holds for every decision, whoever is decided about under whatever policy."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.access.decide import decide
from shared.domain.access.employment import standing
from shared.domain.access.evidence import sighting, weigh
from shared.domain.access.ownership import Held, ManagedAssignment
from shared.domain.access.plan import Employment, Plan, Strength
from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import TEXT_ATTRIBUTES, AbsentPerson, DeletedPerson, Person, PersonRead
from shared.domain.policy.model import Everything, Policy
from shared.domain.reasons import Reason
from tests.app.deciding import ID, NOW, STORY, catalogues, held, holdings, persons, policies, reads, unknown


def applied(plan: Plan, before: Sequence[Held]) -> list[Held]:
    """What is held once a plan has been carried out."""
    gone = {revoke.profile for revoke in plan.revokes}
    kept = [each for each in before if each.profile not in gone]
    return kept + [held(grant.profile, frozenset(grant.rules)) for grant in plan.grants]


def gist(plan: Plan) -> tuple[object, ...]:
    """A plan without the order of rules, which is the policy's own."""
    return (
        plan.employment,
        plan.next_change,
        [(key, sorted(rules)) for key, rules in plan.wanted.items()],
        [(grant.profile, sorted(grant.rules)) for grant in plan.grants],
        [(revoke.profile, revoke.strength, revoke.reason) for revoke in plan.revokes],
        plan.notes,
    )


@given(reads, policies, catalogues(), holdings())
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(
    person: PersonRead, policy: Policy, catalogue: Catalogue, before: tuple[Held, ...]
) -> None:
    plan = decide(person, policy, catalogue, before, NOW)
    again = decide(person, policy, catalogue, applied(plan, before), NOW)
    assert (again.grants, again.revokes) == ((), ())
    assert again.wanted == plan.wanted


@given(reads, policies, catalogues(), holdings(), st.randoms())
def test_no_order_makes_a_difference(
    person: PersonRead,
    policy: Policy,
    catalogue: Catalogue,
    before: tuple[Held, ...],
    chance: random.Random,
) -> None:
    shuffled_policy = replace(policy, rules=tuple(chance.sample(policy.rules, len(policy.rules))))
    shuffled_catalogue = replace(
        catalogue,
        accounts=tuple(chance.sample(catalogue.accounts, len(catalogue.accounts))),
        profiles=tuple(chance.sample(catalogue.profiles, len(catalogue.profiles))),
    )
    one = decide(person, policy, catalogue, before, NOW)
    other = decide(person, shuffled_policy, shuffled_catalogue, chance.sample(before, len(before)), NOW)
    assert gist(one) == gist(other)
    assert decide(person, policy, catalogue, before, NOW) == one


@given(reads, policies, catalogues(), holdings())
def test_only_what_is_managed_in_managed_accounts_is_touched(
    person: PersonRead, policy: Policy, catalogue: Catalogue, before: tuple[Held, ...]
) -> None:
    plan = decide(person, policy, catalogue, before, NOW)
    own = {id(each) for each in before if isinstance(each, ManagedAssignment)}
    manageable = {"mca", "mpa"} if policy.accounts is Everything.ALL else {"mca"}
    active = {profile.key for profile in catalogue.profiles if profile.is_active}
    assert {id(revoke.assignment) for revoke in plan.revokes} <= own
    assert not {grant.profile for grant in plan.grants} & {each.profile for each in before}
    assert {grant.profile.account for grant in plan.grants} <= manageable
    assert {revoke.profile.account for revoke in plan.revokes} <= manageable
    assert {grant.profile for grant in plan.grants} <= active
    if ID in policy.protected:
        assert (plan.grants, plan.revokes) == ((), ())


@given(reads, policies, catalogues(), holdings())
def test_on_strong_evidence_leavers_gain_nothing_and_the_employed_lose_nothing(
    person: PersonRead, policy: Policy, catalogue: Catalogue, before: tuple[Held, ...]
) -> None:
    plan = decide(person, policy, catalogue, before, NOW)
    if plan.employment is Employment.EMPLOYED:
        assert all(revoke.strength is Strength.WEAK for revoke in plan.revokes)
    else:
        assert (plan.grants, plan.wanted) == ((), {})


@given(persons, policies, catalogues(), st.sampled_from(["companyName", "department"]))
def test_a_blank_attribute_never_gives_anything(
    person: Person, policy: Policy, catalogue: Catalogue, blanked: str
) -> None:
    blank = replace(person, attributes={**person.attributes, blanked: None})
    with_blank = decide(blank, policy, catalogue, (), NOW).wanted
    without = decide(person, policy, catalogue, (), NOW).wanted
    assert {(key, rule) for key in with_blank for rule in with_blank[key]} <= {
        (key, rule) for key in without for rule in without[key]
    }


@given(persons, policies, catalogues(), holdings(), unknown)
def test_knowing_less_about_rules_only_ever_keeps_more(
    person: Person, policy: Policy, catalogue: Catalogue, before: tuple[Held, ...], less: dict[str, tuple[Reason, ...]]
) -> None:
    judged = replace(catalogue, policy_digest="d1", unknown_rules={})
    full = decide(person, policy, judged, before, NOW)
    for doubtful in (replace(judged, unknown_rules=less), replace(judged, unknown_rules=None)):
        plan = decide(person, policy, doubtful, before, NOW)
        assert plan.grants == full.grants
        if plan.employment is Employment.EMPLOYED:
            assert set(plan.revokes) <= set(full.revokes)
        else:
            assert plan.revokes == full.revokes
    if full.employment is Employment.EMPLOYED:
        assert decide(person, policy, replace(judged, unknown_rules=None), before, NOW).revokes == ()


@given(persons, policies, st.integers(0, 99))
def test_nothing_changes_by_itself_before_the_next_change(person: Person, policy: Policy, percent: int) -> None:
    now = standing(person, policy, NOW)
    end = now.next_change or NOW + timedelta(days=200)
    between = NOW + (end - NOW) * percent / 100
    assert standing(person, policy, between).employment is now.employment
    if now.next_change is not None:
        assert standing(person, policy, now.next_change).employment is not now.employment


checks = st.lists(
    st.tuples(
        st.sampled_from([-400, 0, 1, 299, 300, 301, 4000]),
        st.sampled_from([DeletedPerson(ID), AbsentPerson(ID), None]),
        st.sets(st.sampled_from(STORY)),
    ),
    max_size=8,
)


@given(checks, st.sampled_from([0, 300]), st.sampled_from([0, 3600]))
def test_weak_evidence_acts_only_when_an_earlier_check_saw_it_long_enough_ago(
    story: list[tuple[int, PersonRead | None, set[ProfileKey]]], settle_seconds: int, grace_seconds: int
) -> None:
    settle, grace = timedelta(seconds=settle_seconds), timedelta(seconds=grace_seconds)
    employed = Person(ID, True, None, None, None, dict.fromkeys(TEXT_ATTRIBUTES))
    accounts = (BillingAccount("mca", "", "MicrosoftCustomerAgreement", "Active"),)
    profiles = tuple(BillingProfile(key, "", "Active", None) for key in STORY)
    catalogue = Catalogue(NOW, accounts, profiles, policy_digest="d1", unknown_rules={})
    now, remembered = NOW, dict[str, datetime]()
    seen: list[tuple[datetime, set[str]]] = []
    for seconds, read, keys in story:
        now += timedelta(seconds=seconds)
        before = [held(key, frozenset({"old"})) for key in sorted(keys)]
        plan = decide(read or employed, Policy((), digest="d1"), catalogue, before, now)
        weighed = weigh(plan, remembered, now, settle=settle, grace=grace)
        assert {*weighed.apply, *(waiting.revoke for waiting in weighed.wait)} == set(plan.revokes)
        needed = max(settle, grace) if plan.employment is Employment.EMPLOYED else settle
        for revoke in weighed.apply:
            text = sighting(plan, revoke)
            assert revoke.strength is Strength.STRONG or any(text in what and now - at >= needed for at, what in seen)
        assert all(now <= waiting.due <= now + needed for waiting in weighed.wait)
        weak = {sighting(plan, revoke) for revoke in plan.revokes if revoke.strength is Strength.WEAK}
        assert weighed.sightings.keys() == weak
        seen.append((now, weak))
        remembered = dict(weighed.sightings)
