"""Why somebody has or has not something: the first comparison of each rule that fails, and the fact that flips it."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.domain.access.changed_facts import Change, read_change
from shared.domain.access.ownership import Held, prove
from shared.domain.access.why import Effect, Facts, effects, flips, verdicts
from shared.domain.billing import INVOICE_MANAGER, Assignment, BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import TEXT_ATTRIBUTES, DeletedPerson, Person, PersonRead
from shared.domain.policy.load import load_policy
from shared.domain.policy.model import Policy
from shared.wording.say import say

NOW = datetime(2026, 3, 3, 8, tzinfo=UTC)
ID, US = "b0a1d000-0000-4000-8000-000000000175", "a0a1d000-0000-4000-8000-000000000002"
TREASURY = "7c0f5a0e-0000-4000-8000-000000000001"
UK, NL = ProfileKey("mca", "UK"), ProfileKey("mca", "NL")
POLICY = load_policy("""
version: 1
rules:
  - name: finance-nl
    who: "department eq 'Finance' and companyName eq 'Contoso Nederland'"
    profiles: [{ name: "Contoso Nederland" }]
  - name: own-company
    who: "jobTitle in ('Accounts payable clerk', 'Controller')"
    profiles: [{ tag: { company: "{companyName}" } }]
  - name: treasury-group
    member_of: [7c0f5a0e-0000-4000-8000-000000000001]
    profiles: all
""")
CATALOGUE = Catalogue(
    NOW,
    (BillingAccount("mca", "Contoso", "MicrosoftCustomerAgreement", "Active"),),
    (
        BillingProfile(UK, "Contoso UK", "Active", True, {"company": "Contoso UK"}),
        BillingProfile(NL, "Contoso Nederland", "Active", True, {"company": "Contoso Nederland"}),
    ),
    policy_digest=POLICY.digest,
    unknown_rules={},
)
QUENTIN = Person(
    ID,
    True,
    "Member",
    None,
    None,
    dict.fromkeys(TEXT_ATTRIBUTES)
    | {"department": "Finance", "companyName": "Contoso UK", "jobTitle": "Financial analyst"},
)


def held(profile: ProfileKey, rule: str) -> Held:
    row = Assignment(profile, f"{INVOICE_MANAGER}_{ID}", INVOICE_MANAGER, ID, "User", US)
    return prove(row, identities={US}, rules=frozenset({rule}))


def facts(person: PersonRead = QUENTIN, *before: Held, policy: Policy = POLICY) -> Facts:
    return Facts.of(person, before, policy, replace(CATALOGUE, policy_digest=policy.digest), NOW)


def with_texts(**texts: str | None) -> Person:
    return replace(QUENTIN, attributes={**QUENTIN.attributes, **texts})


def one_rule(rule: str) -> Policy:
    return load_policy(f"version: 1\nrules:\n  - {rule}\n")


def whys(of: Facts, profile: ProfileKey | None = UK) -> dict[str, str]:
    return {one.rule: "" if one.why is None else say(one.why) for one in verdicts(of, profile)}


def told(of: Facts, profile: ProfileKey | None = UK) -> set[tuple[str, str]]:
    return {(str(flip.change), flip.then.value) for flip in flips(of, profile)}


def test_each_rule_says_the_first_comparison_that_fails_with_the_value() -> None:
    assert whys(facts(QUENTIN, held(UK, "treasury-group"))) == {
        "finance-nl": "companyName is Contoso UK",
        "own-company": "jobTitle is Financial analyst",
        "treasury-group": "in no such group",
    }


def test_what_a_comparison_asks_for_is_told_as_well() -> None:
    own_company = verdicts(facts(), UK)[1]
    assert [say(one) for one in own_company.asks] == ["jobTitle in ('Accounts payable clerk', 'Controller')"]
    assert own_company.comparisons[0].texts == ("Accounts payable clerk", "Controller")
    assert verdicts(facts(), UK)[2].groups == (TREASURY,)


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("department eq 'Legal' or jobTitle eq 'Clerk'", "department is Finance and jobTitle is Financial analyst"),
        ("jobTitle eq 'Clerk' or jobTitle eq 'Chief'", "jobTitle is Financial analyst"),
        ("department ne 'Finance'", "department is Finance"),
        ("not (department eq 'Finance' and city eq 'Bonn')", "department is Finance and city is blank"),
        ("not (department eq 'Legal' or city eq 'Bonn')", "city is blank"),
        ("startsWith(department,'Leg')", "department is Finance"),
        ("department eq 'Finance' and (city eq 'Bonn' or city eq 'Ulm')", "city is blank"),
    ],
)
def test_of_alternatives_all_are_told_and_of_conditions_the_first(who: str, why: str) -> None:
    policy = one_rule(f'{{ name: r, who: "{who}", profiles: all }}')
    assert whys(facts(policy=policy)) == {"r": why}


def test_a_text_with_what_nobody_sees_is_shown_so_that_one_sees_it() -> None:
    assert whys(facts(with_texts(jobTitle="Controller\u00a0")))["own-company"] == r"jobTitle is 'Controller\u00a0'"


def test_a_guest_is_told_that_the_rule_is_for_no_guests() -> None:
    guest = replace(with_texts(jobTitle="Controller"), user_type="Guest")
    assert whys(facts(guest))["own-company"] == "an account of another tenant, or a guest's"


@pytest.mark.parametrize(
    ("company", "profile", "why"),
    [
        ("Litware", None, "no billing profile fits companyName 'Litware'"),
        ("Contoso Uk Ltd", None, "no billing profile fits companyName 'Contoso Uk Ltd', but there is 'Contoso UK'"),
        ("Contoso  UK", None, "no billing profile fits companyName 'Contoso  UK', but there is 'Contoso UK'"),
        (
            "Contoso Nederlnad",
            None,
            ("no billing profile fits companyName 'Contoso Nederlnad', but there is 'Contoso Nederland'"),
        ),
        (None, None, "companyName is blank"),
        (" ", UK, "companyName is blank"),
        ("Contoso Nederland", UK, "companyName is Contoso Nederland"),
    ],
)
def test_a_template_says_which_text_of_the_person_no_profile_has(
    company: str | None, profile: ProfileKey | None, why: str
) -> None:
    person = with_texts(jobTitle="Controller", companyName=company)
    assert whys(facts(person), profile)["own-company"] == why


def test_a_rule_of_other_profiles_says_how_many_it_gives() -> None:
    person = with_texts(companyName="Contoso Nederland")
    assert whys(facts(person))["finance-nl"] == "it gives 1 other profile"


@pytest.mark.parametrize(
    ("profiles", "why"),
    [
        ("none", "it gives no billing profile"),
        ("[{ name: Litware }]", "no billing profile is called 'Litware'"),
    ],
)
def test_a_rule_that_gives_nobody_anything_says_so(profiles: str, why: str) -> None:
    policy = one_rule(f"{{ name: r, who: \"department eq 'Finance'\", profiles: {profiles} }}")
    assert whys(facts(policy=policy), None) == {"r": why}


def test_the_one_fact_of_each_rule_that_would_let_somebody_keep_it_is_told() -> None:
    moved = facts(QUENTIN, held(UK, "treasury-group"))
    assert effects(moved.plan(), moved.held) == {UK: Effect.REMOVED_WHEN_SEEN_AGAIN}
    assert told(moved) == {
        ("jobTitle Accounts payable clerk", "stays"),
        ("jobTitle Controller", "stays"),
        (f"member of {TREASURY}", "stays"),
        ("accountEnabled false", "removed at once"),
    }


def test_the_facts_by_which_somebody_has_it_are_told_as_what_they_are_no_longer() -> None:
    person = with_texts(jobTitle="Controller")
    assert told(facts(person, held(UK, "own-company"))) == {
        ("jobTitle not Controller", "removed when seen again"),
        ("companyName not Contoso UK", "removed when seen again"),
        ("accountEnabled false", "removed at once"),
    }


def test_what_two_rules_give_flips_by_no_fact_of_one_of_them() -> None:
    person = replace(with_texts(jobTitle="Controller"), groups=frozenset({TREASURY}))
    assert told(facts(person, held(UK, "own-company"))) == {("accountEnabled false", "removed at once")}


def test_a_leaver_is_told_which_fact_makes_them_one() -> None:
    left = replace(QUENTIN, leave_date=datetime(2026, 3, 1, tzinfo=UTC), groups=frozenset({TREASURY}))
    assert told(facts(left, held(UK, "treasury-group"))) == {("employeeLeaveDateTime blank", "stays")}
    disabled = replace(QUENTIN, account_enabled=False, groups=frozenset({TREASURY}))
    assert told(facts(disabled)) == {("accountEnabled true", "given")}


def test_who_is_yet_to_begin_is_told_that_the_hire_date_makes_the_difference() -> None:
    ahead = replace(QUENTIN, hire_date=datetime(2026, 4, 1, tzinfo=UTC), groups=frozenset({TREASURY}))
    assert told(facts(ahead)) == {("employeeHireDate 2026-03-03", "given")}


def test_without_a_profile_a_flip_says_of_which_profiles_it_is() -> None:
    found = {str(flip.change): flip.profiles for flip in flips(facts())}
    assert found == {
        f"member of {TREASURY}": (NL, UK),
        "companyName Contoso Nederland": (NL,),
        "jobTitle Accounts payable clerk": (UK,),
        "jobTitle Controller": (UK,),
    }


def test_of_the_deleted_and_the_protected_no_fact_would_change_anything() -> None:
    assert flips(facts(DeletedPerson(ID), held(UK, "treasury-group")), UK) == ()
    assert verdicts(facts(DeletedPerson(ID))) == ()
    assert told(facts(QUENTIN, held(UK, "x"), policy=replace(POLICY, protected=frozenset({ID})))) == set()


def test_what_somebody_else_gave_is_unmanaged_and_stays() -> None:
    row = Assignment(UK, f"{INVOICE_MANAGER}_{ID}", INVOICE_MANAGER, ID, "User", ID)
    by_hand = facts(QUENTIN, prove(row, identities={US}))
    assert effects(by_hand.plan(), by_hand.held) == {UK: Effect.UNMANAGED}
    assert told(by_hand) == set()


@pytest.mark.parametrize(
    ("written", "change"),
    [
        ("jobTitle=Controller", Change("jobTitle", "Controller")),
        ("JOBTITLE=Controller = chief", Change("jobTitle", "Controller = chief")),
        ("jobTitle=", Change("jobTitle", None)),
        (f"memberOf={TREASURY}", Change("memberOf", TREASURY)),
        (f"memberOf!={TREASURY}", Change("memberOf", TREASURY, no_longer=True)),
        ("accountEnabled=False", Change("accountEnabled", "False")),
        ("employeeLeaveDateTime=2026-04-01", Change("employeeLeaveDateTime", "2026-04-01")),
    ],
)
def test_what_is_written_as_what_if_is_read(written: str, change: Change) -> None:
    assert read_change(written) == change


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("jobTitle", "'jobTitle' sets nothing; write attribute=text, such as jobTitle=Controller"),
        ("jobtitel=x", "'jobtitel' is not an attribute; did you mean 'jobTitle'?"),
        ("accountEnabled=maybe", "accountEnabled: 'maybe' is neither true nor false"),
        ("employeeHireDate=1-4-2026", "employeeHireDate: '1-4-2026' is not a date; write 2026-04-01"),
        ("memberOf=Treasury", "memberOf: 'Treasury' is no group's object id"),
        ("jobTitle!=x", "'jobTitle!=x': != is for memberOf only; write jobTitle= and the text it has instead"),
    ],
)
def test_what_cannot_be_set_is_refused_with_what_to_write(written: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        read_change(written)
    assert str(refused.value) == said


def test_what_if_a_date_were_set_is_decided_as_the_directory_would_have_it() -> None:
    treasurer = facts(replace(QUENTIN, groups=frozenset({TREASURY})), held(UK, "treasury-group"))
    left = treasurer.changed(read_change("employeeLeaveDateTime=2026-03-01"))
    assert effects(left.plan(), left.held)[UK] is Effect.REMOVED_AT_ONCE
    assert effects(treasurer.plan(), treasurer.held)[UK] is Effect.STAYS
