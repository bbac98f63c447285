"""A policy's own examples: which hold, and of those that do not, what is so and why."""

from datetime import UTC, datetime

import pytest

from shared.domain.access.examples import Judged, described, judge_examples
from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.policy.load import load_policy
from shared.wording.say import say

TREASURY = "7c0f5a0e-0000-4000-8000-000000000001"
RULES = f"""
version: 1
rules:
  - name: own-company
    who: "jobTitle eq 'Controller'"
    profiles: [{{ tag: {{ company: "{{companyName}}" }} }}]
  - name: treasury
    member_of: [{TREASURY}]
    profiles: all
  - name: france
    who: "city eq 'Paris'"
    profiles: [{{ name: Contoso France }}]
"""
PROFILES = """
  profiles:
    - { name: Contoso UK, tag: { company: Contoso UK } }
    - { name: Contoso France, account: "2222:b", profile: FR01, tag: { company: Contoso France } }
"""


def judged(example: str, rules: str = RULES, profiles: str = PROFILES, catalogue: Catalogue | None = None) -> Judged:
    policy = load_policy(f"{rules}tests:{profiles}\n  examples:\n    - {{ name: a, {example} }}\n")
    (found,) = judge_examples(policy, described(policy) if catalogue is None else catalogue)
    return found


@pytest.mark.parametrize(
    "example",
    [
        "person: { jobTitle: controller, companyName: CONTOSO UK }, gets: [contoso uk], gets_not: [FR01]",
        f"person: {{}}, member_of: [{TREASURY}], gets: all",
        f"person: {{}}, member_of: [{TREASURY.upper()}], gets: [2222:b/FR01]",
        "person: { jobTitle: Controller, companyName: Litware }, gets: none",
        "person: { jobTitle: Controller, companyName: Contoso UK, userType: Guest }, gets: none",
        "person: { city: Paris, jobTitle: Controller, companyName: Contoso UK }, gets: all",
        "person: {}, gets_not: [Contoso UK, Contoso France]",
    ],
)
def test_an_example_holds_where_the_rules_give_what_it_says(example: str) -> None:
    assert judged(example).failures == ()


def test_what_is_not_given_is_told_by_the_rules_that_could_give_it() -> None:
    (failure,) = judged("person: { jobTitle: Controler, companyName: Contoso UK }, gets: [Contoso UK]").failures
    assert (failure.profile, failure.gets, failure.rules) == ("Contoso UK", False, ())
    assert [(one.rule, "" if one.why is None else say(one.why)) for one in failure.verdicts] == [
        ("own-company", "jobTitle is Controler"),
        ("treasury", "in no such group"),
    ]
    assert [say(one) for one in failure.verdicts[0].asks] == ["jobTitle in ('Controller')"]


@pytest.mark.parametrize(
    ("example", "profile", "rules"),
    [
        ("person: { city: Paris }, gets: none", "Contoso France", ("france",)),
        (f"person: {{ city: Paris }}, member_of: [{TREASURY}], gets_not: [FR01]", "FR01", ("treasury", "france")),
    ],
)
def test_what_is_given_and_should_not_be_is_told_with_its_rules(
    example: str, profile: str, rules: tuple[str, ...]
) -> None:
    (failure,) = judged(example).failures
    assert (failure.profile, failure.gets, failure.rules) == (profile, True, rules)


def test_who_should_get_all_and_does_not_is_told_each_that_is_missing() -> None:
    found = judged("person: { city: Paris }, gets: all")
    assert [one.profile for one in found.failures] == ["Contoso UK"]
    assert [key.profile for key in found.gets] == ["FR01"]


@pytest.mark.parametrize("key", ["gets", "gets_not"])
def test_a_name_that_no_existing_profile_has_fails_with_the_nearest(key: str) -> None:
    account = BillingAccount("1111:a", "Contoso", "MicrosoftCustomerAgreement", "Active")
    profile = BillingProfile(ProfileKey("1111:a", "UK01"), "Contoso UK", "Active", None, {"company": "Contoso UK"})
    catalogue = Catalogue(datetime(2026, 3, 3, tzinfo=UTC), (account,), (profile,))
    example = "person: { jobTitle: Controller, companyName: Contoso UK }"
    assert judged(f"{example}, gets: [UK01]", profiles="", catalogue=catalogue).holds
    (failure,) = judged(f"{example}, {key}: [Contoso UKK]", profiles="", catalogue=catalogue).failures
    assert failure.unknown is not None
    assert say(failure.unknown) == "no billing profile is called 'Contoso UKK', but there is 'Contoso UK'"


def test_profiles_that_are_described_are_in_an_account_that_the_policy_manages() -> None:
    rules = RULES.replace("version: 1", 'version: 1\naccounts: ["1111:a"]')
    assert judged("person: { jobTitle: Controller, companyName: Contoso UK }, gets: [Contoso UK]", rules).holds
    elsewhere = judged(f"person: {{}}, member_of: [{TREASURY}], gets: [Contoso France]", rules)
    (failure,) = elsewhere.failures
    assert [one.rule for one in failure.verdicts] == ["own-company", "treasury", "france"]
    assert failure.verdicts[1].why is not None
    assert say(failure.verdicts[1].why) == "rule treasury gives it, but its billing account is not managed"
