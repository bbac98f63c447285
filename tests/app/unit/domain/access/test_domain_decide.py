"""What one person gains and loses, and what is found and left alone."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.access.decide import decide
from shared.domain.access.ownership import Held, prove
from shared.domain.access.plan import Employment, NoteKind, Plan, StoppedBy, Strength
from shared.domain.billing import INVOICE_MANAGER, Assignment, BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import TEXT_ATTRIBUTES, AbsentPerson, DeletedPerson, Person, PersonRead
from shared.domain.policy.filter_text import parse_filter
from shared.domain.policy.model import Everything, Policy, Rule, Selector
from shared.domain.reasons import Code, Reason
from shared.wording.say import say

ID = "7c0f5a0e-0000-4000-8000-000000000001"
US = "bbbbbbbb-0000-4000-8000-000000000001"
SOMEBODY = "cccccccc-0000-4000-8000-000000000001"
READER = "40000000-aaaa-bbbb-cccc-100000000002"
NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
P1, P2, P3 = ProfileKey("mca", "P1"), ProfileKey("mca", "P2"), ProfileKey("mca", "P3")
EA, LOST = ProfileKey("ea", "P9"), ProfileKey("mca", "P4")

FINANCE = Rule("finance", (Selector(name="One"), Selector(name="Two")), parse_filter("department eq 'Finance'"))
LEGAL = Rule("legal", (Selector(name="Three"),), parse_filter("department eq 'Legal'"))
POLICY = Policy((FINANCE, LEGAL), digest="d1")
CATALOGUE = Catalogue(
    NOW,
    (
        BillingAccount("mca", "Contoso", "MicrosoftCustomerAgreement", "Active"),
        BillingAccount("ea", "Old", "EnterpriseAgreement", "Active"),
    ),
    (
        BillingProfile(P1, "One", "Active", False),
        BillingProfile(P2, "Two", "Active", False),
        BillingProfile(P3, "Three", "Active", False),
        BillingProfile(EA, "Nine", "Active", False),
    ),
    policy_digest="d1",
    unknown_rules={},
)
PERSON = Person(ID, True, "Member", None, None, dict.fromkeys(TEXT_ATTRIBUTES) | {"department": "Finance"})
NOBODYS = replace(PERSON, attributes=dict.fromkeys(TEXT_ATTRIBUTES))


def held(profile: ProfileKey, *rules: str, by: str = US, role: str = INVOICE_MANAGER, remembered: bool = True) -> Held:
    row = Assignment(profile, f"{role}_{ID}", role, ID, "User", by)
    return prove(row, identities={US}, rules=frozenset(rules) if remembered else None)


def check(
    person: PersonRead = PERSON,
    *holding: Held,
    policy: Policy = POLICY,
    catalogue: Catalogue = CATALOGUE,
) -> Plan:
    return decide(person, policy, catalogue, holding, NOW)


def kinds(plan: Plan) -> list[tuple[NoteKind, ProfileKey | None]]:
    return [(note.kind, note.profile) for note in plan.notes]


WHY = (Code.MATCHES_NOBODY(),)


def unknown(rules: Mapping[str, tuple[Reason, ...]]) -> Catalogue:
    return replace(CATALOGUE, unknown_rules=rules)


def test_who_is_employed_gets_what_the_rules_give() -> None:
    plan = check()
    assert plan.employment is Employment.EMPLOYED
    assert [(grant.profile, grant.rules, grant.reason) for grant in plan.grants] == [
        (P1, ("finance",), Code.GIVEN_BY(rules=("finance",))),
        (P2, ("finance",), Code.GIVEN_BY(rules=("finance",))),
    ]
    assert plan.wanted == {P1: ("finance",), P2: ("finance",)}
    assert (plan.revokes, plan.notes, plan.next_change) == ((), (), None)


def test_what_is_held_already_is_not_given_again() -> None:
    plan = check(PERSON, held(P1, "finance"), held(P2, by=SOMEBODY))
    assert (plan.grants, plan.revokes) == ((), ())
    assert plan.wanted.keys() == {P1, P2}
    assert kinds(plan) == [(NoteKind.UNMANAGED, P2)]


def test_another_role_on_the_profile_does_not_stand_in_for_invoice_manager() -> None:
    plan = check(PERSON, held(P1, by=SOMEBODY, role=READER))
    assert [grant.profile for grant in plan.grants] == [P1, P2]
    assert kinds(plan) == [(NoteKind.ALREADY_RECEIVES, P1)]


def test_who_receives_by_another_role_is_noted_and_still_given_access() -> None:
    catalogue = replace(CATALOGUE, other_roles={P1: {ID: READER}, P3: {ID: READER}, P2: {SOMEBODY: READER}})
    plan = check(catalogue=catalogue)
    assert [grant.profile for grant in plan.grants] == [P1, P2]
    assert [(note.kind, note.profile, note.why) for note in plan.notes] == [
        (NoteKind.ALREADY_RECEIVES, P1, Code.ALREADY_RECEIVES(role="Billing profile reader"))
    ]


@pytest.mark.parametrize("status", ["Disabled", "Deleted", "Warned", ""])
def test_a_profile_that_is_not_active_gains_nobody(status: str) -> None:
    profiles = tuple(replace(profile, status=status) for profile in CATALOGUE.profiles)
    plan = check(catalogue=replace(CATALOGUE, profiles=profiles))
    assert (plan.grants, plan.revokes) == ((), ())
    assert kinds(plan) == [(NoteKind.PROFILE_NOT_ACTIVE, P1), (NoteKind.PROFILE_NOT_ACTIVE, P2)]


def test_a_grant_on_an_inactive_profile_stays_while_wanted_and_goes_when_not() -> None:
    profiles = tuple(replace(profile, status="Disabled") for profile in CATALOGUE.profiles)
    plan = check(PERSON, held(P1), held(P3, "legal"), catalogue=replace(CATALOGUE, profiles=profiles))
    assert [revoke.profile for revoke in plan.revokes] == [P3]


def test_who_moved_on_loses_what_no_rule_gives_any_more_on_weak_evidence() -> None:
    plan = check(PERSON, held(P3, "legal"))
    assert [(revoke.profile, revoke.strength, revoke.reason) for revoke in plan.revokes] == [
        (P3, Strength.WEAK, Code.NO_RULE_GIVES_IT_ANY_MORE(gave=("legal",)))
    ]
    assert [grant.profile for grant in plan.grants] == [P1, P2]


def test_removing_a_rule_takes_back_what_it_gave() -> None:
    plan = check(PERSON, held(P1, "finance"), held(P2, "finance"), held(P3, "old"))
    assert [revoke.reason for revoke in plan.revokes] == [
        Code.NO_RULE_GIVES_IT_AND_RULES_ARE_GONE(gave=("old",), gone=("old",))
    ]


def test_what_a_rule_gave_that_is_not_known_stays() -> None:
    plan = check(
        NOBODYS, held(P1, "finance"), held(P3, "legal"), catalogue=unknown({"legal": (Code.MATCHES_NOBODY(),)})
    )
    assert [revoke.profile for revoke in plan.revokes] == [P1]
    assert [(note.kind, note.profile, note.why) for note in plan.notes] == [
        (NoteKind.RULE_NOT_KNOWN, P3, Code.STAYS_AS_RULE_NOT_KNOWN(rule="legal", because=WHY))
    ]


@pytest.mark.parametrize("remembered", [True, False])
def test_what_nobody_remembers_the_rule_of_stays_while_any_rule_is_not_known(remembered: bool) -> None:
    holding = held(P1, remembered=remembered)
    assert check(NOBODYS, holding).revokes
    kept = check(NOBODYS, holding, catalogue=unknown({"legal": WHY}))
    assert (kept.grants, kept.revokes) == ((), ())
    assert kinds(kept) == [(NoteKind.RULE_NOT_KNOWN, P1)]


@pytest.mark.parametrize(
    "catalogue",
    [replace(CATALOGUE, policy_digest="d0"), replace(CATALOGUE, unknown_rules=None, policy_digest=None)],
)
@pytest.mark.parametrize("policy", [POLICY, replace(POLICY, rules=())])
@pytest.mark.parametrize("rules", [("finance",), ("old",), ()])
def test_nothing_goes_before_a_sweep_has_judged_the_policy(
    catalogue: Catalogue, policy: Policy, rules: tuple[str, ...]
) -> None:
    plan = check(NOBODYS, held(P1, *rules), policy=policy, catalogue=catalogue)
    assert (plan.grants, plan.revokes) == ((), ())
    assert kinds(plan) == [(NoteKind.RULE_NOT_KNOWN, P1)]


def test_a_rule_that_is_not_known_still_gives() -> None:
    assert [grant.profile for grant in check(catalogue=unknown({"finance": WHY})).grants] == [P1, P2]


def test_a_profile_missing_from_the_last_bulk_read_costs_the_employed_nothing() -> None:
    plan = check(PERSON, held(LOST, "finance"), held(P1), held(P2))
    assert (plan.grants, plan.revokes) == ((), ())
    assert kinds(plan) == [(NoteKind.RULE_NOT_KNOWN, LOST)]
    assert [revoke.profile for revoke in check(DeletedPerson(ID), held(LOST)).revokes] == [LOST]


@pytest.mark.parametrize(
    "person",
    [
        replace(PERSON, account_enabled=False),
        replace(PERSON, leave_date=datetime(2026, 7, 1, tzinfo=UTC)),
        DeletedPerson(ID),
    ],
)
def test_a_leaver_loses_everything_of_ours_at_once_and_nothing_else(person: PersonRead) -> None:
    catalogue = unknown({"legal": WHY, "finance": WHY})
    holding = [held(P3, remembered=False), held(P1, "finance"), held(P2, by=SOMEBODY)]
    plan = check(person, *holding, catalogue=catalogue)
    assert plan.employment is Employment.LEAVER
    assert [(revoke.profile, revoke.strength) for revoke in plan.revokes] == [
        (P1, Strength.STRONG),
        (P3, Strength.STRONG),
    ]
    assert (plan.grants, plan.wanted) == ((), {})
    assert kinds(plan) == [(NoteKind.LEAVER_HOLDS_UNMANAGED, P2)]


@pytest.mark.parametrize(
    ("person", "unmanaged", "said"),
    [
        (DeletedPerson(ID), {}, f"invoice-access adopt {P2} {ID}"),
        (DeletedPerson(ID), {"profile": ProfileKey("a b", "c'd")}, f"""invoice-access adopt 'a b/c'"'"'d' {ID}"""),
        (DeletedPerson(ID), {"created_on": None}, "take it away in the portal"),
        (AbsentPerson(ID), {"principal_type": None}, "take it away in the portal"),
        (AbsentPerson(ID), {"principal_type": "User"}, f"invoice-access adopt {P2} {ID}"),
    ],
)
def test_what_a_leaver_holds_by_others_is_noted_with_how_to_remove_it(
    person: PersonRead, unmanaged: dict[str, Any], said: str
) -> None:
    row = replace(held(P2, by=SOMEBODY).assignment, **{"created_on": NOW, **unmanaged})
    (note,) = check(person, prove(row, identities=frozenset())).notes
    assert note.kind is NoteKind.LEAVER_HOLDS_UNMANAGED
    assert say(note.why).endswith(said)


def test_who_is_absent_loses_everything_of_ours_on_weak_evidence() -> None:
    plan = check(AbsentPerson(ID), held(P1))
    assert [revoke.strength for revoke in plan.revokes] == [Strength.WEAK]


def test_a_leaver_who_holds_other_roles_is_noted_once_for_each() -> None:
    catalogue = replace(CATALOGUE, other_roles={P1: {ID: READER}, EA: {ID: "owner"}})
    plan = check(DeletedPerson(ID), held(P1, by=SOMEBODY, role=READER), catalogue=catalogue)
    assert kinds(plan) == [(NoteKind.LEAVER_HOLDS_UNMANAGED, EA), (NoteKind.LEAVER_HOLDS_UNMANAGED, P1)]


def test_who_has_yet_to_begin_wants_nothing() -> None:
    begins = datetime(2026, 8, 1, tzinfo=UTC)
    plan = check(replace(PERSON, account_enabled=False, hire_date=begins), held(P1), held(P2, by=SOMEBODY))
    assert (plan.employment, plan.wanted, plan.grants) == (Employment.PRE_HIRE, {}, ())
    assert [(revoke.profile, revoke.strength) for revoke in plan.revokes] == [(P1, Strength.WEAK)]
    assert kinds(plan) == [(NoteKind.PRE_HIRE, None), (NoteKind.UNMANAGED, P2)]
    assert plan.next_change == begins


@pytest.mark.parametrize("enabled", [True, None])
def test_whose_hire_date_moves_ahead_keeps_what_a_rule_gives_and_gets_nothing_more(enabled: bool | None) -> None:
    begins = datetime(2026, 8, 1, tzinfo=UTC)
    serving = replace(PERSON, account_enabled=enabled, hire_date=begins)
    plan = check(serving, held(P1, "finance"), held(P3, "legal"))
    assert (plan.employment, plan.wanted, plan.grants) == (Employment.EMPLOYED, {P1: ("finance",)}, ())
    assert [(revoke.profile, revoke.strength) for revoke in plan.revokes] == [(P3, Strength.WEAK)]  # a mover's
    assert kinds(plan) == [(NoteKind.HIRE_DATE_AHEAD, None)]
    assert plan.next_change == begins
    assert check(serving, held(P1, by=SOMEBODY)).employment is Employment.PRE_HIRE


def test_what_an_unknown_rule_gave_to_whose_hire_date_moves_ahead_stays() -> None:
    serving = replace(PERSON, hire_date=datetime(2026, 8, 1, tzinfo=UTC))
    plan = check(serving, held(P3, "legal"), catalogue=unknown({"legal": (Code.MATCHES_NOBODY(),)}))
    assert (plan.revokes, kinds(plan)) == (
        (),
        [(NoteKind.HIRE_DATE_AHEAD, None), (NoteKind.RULE_NOT_KNOWN, P3)],
    )


LEFT = datetime(2026, 6, 15, 12, tzinfo=UTC)
"""Thirty days ago, to the second."""


@pytest.mark.parametrize(
    ("someone", "is_asked"),
    [
        (replace(PERSON, leave_date=LEFT), False),
        (replace(PERSON, leave_date=LEFT - timedelta(seconds=1)), True),
        (replace(PERSON, leave_date=datetime(2025, 6, 30, tzinfo=UTC)), True),
        (replace(PERSON, leave_date=datetime(2025, 6, 30, tzinfo=UTC), account_enabled=None), True),
        (replace(PERSON, leave_date=datetime(2025, 6, 30, tzinfo=UTC), account_enabled=False), False),
        (DeletedPerson(ID), False),
    ],
)
def test_an_old_leave_date_of_an_enabled_account_is_asked_about(someone: PersonRead, is_asked: bool) -> None:
    plan = check(someone, held(P1, "finance"))
    (revoke,) = plan.revokes
    assert (plan.employment, revoke.strength, plan.grants) == (Employment.LEAVER, Strength.STRONG, ())
    assert (revoke.ask_first is not None) is is_asked
    assert kinds(plan) == ([(NoteKind.STALE_LEAVE_DATE, P1)] if is_asked else [])
    if revoke.ask_first is not None:
        assert revoke.ask_first.stopped_by is StoppedBy.STALE_LEAVE_DATE


def test_how_old_a_leave_date_is_asked_about_the_policy_says() -> None:
    old = replace(PERSON, leave_date=LEFT - timedelta(days=5))
    for days, is_asked in ((34, True), (36, False)):
        (revoke,) = check(old, held(P1), policy=replace(POLICY, stale_leave_days=days)).revokes
        assert (revoke.ask_first is not None) is is_asked


def test_a_leave_date_to_come_is_the_next_change() -> None:
    plan = check(replace(PERSON, leave_date=datetime(2026, 8, 1, 15, tzinfo=UTC)))
    assert (len(plan.grants), plan.next_change) == (2, datetime(2026, 8, 1, 15, tzinfo=UTC))


@pytest.mark.parametrize(
    "person", [PERSON, DeletedPerson(ID), AbsentPerson(ID), replace(PERSON, account_enabled=False)]
)
def test_who_is_protected_is_never_touched(person: PersonRead) -> None:
    plan = check(person, held(P3, "legal"), held(P1, by=SOMEBODY), policy=replace(POLICY, protected=frozenset({ID})))
    assert (plan.grants, plan.revokes) == ((), ())
    assert kinds(plan) == [(NoteKind.PROTECTED, None)]


@pytest.mark.parametrize("person", [NOBODYS, DeletedPerson(ID)])
@pytest.mark.parametrize(
    ("profile", "accounts"),
    [(EA, Everything.ALL), (P1, frozenset({"ea"})), (ProfileKey("gone", "P1"), Everything.ALL)],
)
def test_what_we_made_outside_the_managed_accounts_is_left_alone(
    person: PersonRead, profile: ProfileKey, accounts: Everything | frozenset[str]
) -> None:
    plan = check(person, held(profile), policy=replace(POLICY, accounts=accounts))
    assert (plan.grants, plan.revokes) == ((), ())
    assert kinds(plan) == [(NoteKind.NOT_MANAGED, profile)]


def test_all_profiles_are_those_of_managed_accounts() -> None:
    everything = Policy((Rule("all", Everything.ALL, FINANCE.who),), digest="d1")
    plan = check(policy=everything)
    assert [grant.profile for grant in plan.grants] == [P1, P2, P3]
    assert plan.notes == ()


def test_two_assignments_of_ours_on_one_profile_both_go() -> None:
    first = Assignment(P3, "b", INVOICE_MANAGER, ID, "User", US)
    second = replace(first, name="a")
    plan = check(PERSON, *(prove(row, identities={US}, rules=frozenset({"legal"})) for row in (first, second)))
    assert [revoke.assignment.assignment.name for revoke in plan.revokes] == ["a", "b"]


def test_an_assignment_of_somebody_else_is_refused() -> None:
    row = Assignment(P1, "x", INVOICE_MANAGER, SOMEBODY, "User", US)
    with pytest.raises(ValueError, match="no fact about"):
        check(PERSON, prove(row, identities={US}))
