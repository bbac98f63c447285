"""What holds for every decision, whoever is decided about under whatever policy."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.access.decide import decide
from shared.domain.access.employment import standing
from shared.domain.access.evidence import sighting, weigh
from shared.domain.access.ownership import Held, ManagedAssignment, prove
from shared.domain.access.plan import Employment, Plan, Strength
from shared.domain.billing import INVOICE_MANAGER, Assignment, BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import TEXT_ATTRIBUTES, AbsentPerson, DeletedPerson, Person, PersonRead
from shared.domain.policy.filters import parse_filter
from shared.domain.policy.model import Everything, Policy, Rule, Selection, Selector
from shared.domain.reasons import Code, Reason

ID: Final = "7c0f5a0e-0000-4000-8000-000000000001"
US: Final = "bbbbbbbb-0000-4000-8000-000000000001"
SOMEBODY: Final = "cccccccc-0000-4000-8000-000000000001"
GROUPS: Final = ("aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002")
NOW: Final = datetime(2026, 7, 15, 12, tzinfo=UTC)
COMPANIES: Final = ("Contoso", "Fabrikam", "*")
KEYS: Final = tuple(
    ProfileKey(account, f"P{number}") for account in ("mca", "mpa", "ea", "gone") for number in range(2)
)
STORY: Final = KEYS[:2]


def mostly[T](usual: st.SearchStrategy[T], rare: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """Four times in five the usual: `|` would leave no room for what has to come together."""
    return st.integers(0, 4).flatmap(lambda chance: usual if chance else rare)


maybe_company = st.sampled_from([*COMPANIES, "Contoso", "Fabrikam", None])
some_date = st.integers(-60, 60).map(lambda days: NOW.replace(hour=0) + timedelta(days=days))
maybe_date = mostly(st.none(), some_date)
filters = st.sampled_from(
    [
        "startsWith(userPrincipalName,'x')",
        "startsWith(userPrincipalName,'x')",
        "department eq 'Finance'",
        "companyName eq 'Contoso'",
        "not (companyName eq 'Contoso')",
        "department ne 'Finance' or startsWith(companyName,'F')",
        "companyName in ('Fabrikam','*') and not (department eq 'Legal')",
    ]
).map(parse_filter)
selectors = st.sampled_from(
    [
        Selector(name="Contoso*"),
        Selector(name="{companyName}"),
        Selector(tags={"company": "{companyName}"}),
        Selector(account="mca"),
        Selector(profile="P1"),
        Selector(name="nobody"),
    ]
)
several = st.lists(selectors, min_size=1, max_size=3).map(tuple)
selections: st.SearchStrategy[Selection] = mostly(
    several, st.sampled_from([Everything.ALL, Everything.ALL, Everything.NONE])
)
no_groups: st.SearchStrategy[frozenset[str]] = st.just(frozenset())
some_groups = mostly(no_groups, st.frozensets(st.sampled_from(GROUPS)))


@st.composite
def rule_lists(draw: st.DrawFn) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            f"rule{number}",
            draw(selections),
            draw(mostly(filters, st.none())),
            draw(some_groups),
            draw(st.booleans()),
        )
        for number in range(draw(st.integers(1, 4)))
    )


policies = st.builds(
    Policy,
    rules=rule_lists(),
    accounts=st.just(Everything.ALL) | st.just(frozenset({"mca"})),
    lead_days=st.sampled_from([0, 10]),
    time_zone=st.just(ZoneInfo("Europe/Amsterdam")),
    protected=mostly(st.just(frozenset()), st.just(frozenset({ID}))),
    digest=st.just("d1"),
)
persons = st.builds(
    Person,
    object_id=st.just(ID),
    account_enabled=mostly(st.just(True), st.sampled_from([False, None])),
    user_type=mostly(st.just("Member"), st.sampled_from(["Guest", None])),
    hire_date=maybe_date,
    leave_date=maybe_date,
    attributes=st.builds(
        lambda company, department: {
            **dict.fromkeys(TEXT_ATTRIBUTES),
            "userPrincipalName": "x@contoso.com",
            "companyName": company,
            "department": department,
        },
        maybe_company,
        st.sampled_from([None, "Finance", "Legal"]),
    ),
    groups=some_groups,
)
reads: st.SearchStrategy[PersonRead] = mostly(persons, st.sampled_from([DeletedPerson(ID), AbsentPerson(ID)]))
unknown = st.dictionaries(st.sampled_from(["rule0", "rule1", "rule2"]), st.just((Code.MATCHES_NOBODY(),)), max_size=2)


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    agreements = {"mca": "MicrosoftCustomerAgreement", "mpa": "MicrosoftPartnerAgreement", "ea": "EnterpriseAgreement"}
    return Catalogue(
        NOW,
        tuple(BillingAccount(name, name, agreement, "Active") for name, agreement in agreements.items()),
        tuple(
            BillingProfile(
                key,
                draw(st.sampled_from([*COMPANIES, "Contoso Nederland"])),
                draw(st.sampled_from(["Active", "Active", "Disabled"])),
                None,
                {"company": draw(st.sampled_from(COMPANIES))},
            )
            for key in KEYS
            if key.account != "gone" and draw(st.integers(0, 5))
        ),
        {key: {ID: "Billing profile reader"} for key in draw(st.sets(st.sampled_from(KEYS), max_size=2))},
        draw(st.sampled_from(["d1", "d1", "d1", "d0"])),
        draw(st.sampled_from([{}, {}, None]) | unknown),
    )


@st.composite
def holdings(draw: st.DrawFn) -> tuple[Held, ...]:
    return tuple(
        held(
            key,
            draw(st.none() | st.frozensets(st.sampled_from(["rule0", "rule1", "old"]))),
            by=draw(st.sampled_from([US, SOMEBODY])),
        )
        for key in sorted(draw(st.sets(st.sampled_from(KEYS), min_size=1, max_size=5)))
    )


def held(key: ProfileKey, rules: frozenset[str] | None, *, by: str = US) -> Held:
    row = Assignment(key, f"{INVOICE_MANAGER}_{ID}", INVOICE_MANAGER, ID, "User", by)
    return prove(row, identities={US}, rules=rules)


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
