"""What the rules give, and which of them may be trusted."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.domain.access.plan import NoteKind
from shared.domain.access.rules import dead_comparisons, managed_accounts, matches, unknown_rules, wanted
from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import TEXT_ATTRIBUTES, Person
from shared.domain.policy.filter_text import parse_filter
from shared.domain.policy.model import EXTERNAL_MEMBERS, Everything, Guests, Policy, Rule, Selector
from shared.domain.reasons import Code
from shared.wording.say import say

ID = "7c0f5a0e-0000-4000-8000-000000000001"
GROUP = "aaaaaaaa-0000-4000-8000-000000000001"
OTHER_GROUP = "aaaaaaaa-0000-4000-8000-000000000002"
P1, P2, EA = ProfileKey("mca", "P1"), ProfileKey("mca", "P2"), ProfileKey("ea", "P9")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CATALOGUE = Catalogue(
    NOW,
    (
        BillingAccount("mca", "Contoso", "MicrosoftCustomerAgreement", "Active"),
        BillingAccount("ea", "Old", "EnterpriseAgreement", "Active"),
        BillingAccount("closed", "Closed", "MicrosoftCustomerAgreement", "Disabled"),
    ),
    (
        BillingProfile(P1, "One", "Active", False, {"company": "Contoso"}),
        BillingProfile(P2, "Two", "Disabled", False, {"company": "Fabrikam"}),
        BillingProfile(EA, "Nine", "Active", False),
    ),
)
FINANCE = Rule("finance", (Selector(name="One"),), parse_filter("department eq 'Finance'"))


def person(*groups: str, user_type: str | None = "Member", **attributes: str) -> Person:
    known: dict[str, str | None] = dict.fromkeys(TEXT_ATTRIBUTES)
    return Person(ID, True, user_type, None, None, known | attributes, frozenset(groups))


@pytest.mark.parametrize(
    ("someone", "matched"),
    [
        (person(department="finance"), True),
        (person(department="Legal"), False),
        (person(), False),
        (person(department="Finance", user_type="Guest"), False),
        (person(department="Finance", userPrincipalName="x_fabrikam.com#EXT#@contoso.com"), False),
    ],
)
def test_a_rule_matches_members_of_whom_its_filter_is_true(someone: Person, matched: bool) -> None:
    assert matches(FINANCE, someone) is matched


def test_a_negated_filter_does_not_match_who_is_blank() -> None:
    rule = Rule("not-interns", Everything.ALL, parse_filter("not (jobTitle eq 'Intern')"))
    assert matches(rule, person(jobTitle="Clerk"))
    assert not matches(rule, person())


def test_a_guest_matches_a_rule_that_says_so() -> None:
    assert matches(replace(FINANCE, guests=True), person(department="Finance", user_type="Guest"))


@pytest.mark.parametrize(
    ("user_type", "name", "let_in"),
    [
        ("Member", "x@contoso.com", (True, True, True)),
        (None, "x@contoso.com", (True, True, True)),
        ("Member", "x_fabrikam.com#EXT#@contoso.com", (False, True, True)),
        ("member", "x_fabrikam.com#ext#@contoso.com", (False, True, True)),
        ("Guest", "x_fabrikam.com#EXT#@contoso.com", (False, False, True)),
        ("Guest", "x@contoso.com", (False, False, True)),
        (None, "x_fabrikam.com#EXT#@contoso.com", (False, False, True)),
        ("Vendor", "x_fabrikam.com#EXT#@contoso.com", (False, False, True)),
    ],
)
def test_a_rule_takes_no_account_of_another_tenant_or_members_or_all_as_it_says(
    user_type: str | None, name: str, let_in: tuple[bool, bool, bool]
) -> None:
    someone = person(department="Finance", user_type=user_type, userPrincipalName=name)
    choices: tuple[Guests, ...] = (False, EXTERNAL_MEMBERS, True)
    assert tuple(matches(replace(FINANCE, guests=guests), someone) for guests in choices) == let_in


def test_one_of_the_groups_suffices_and_is_anded_with_the_filter() -> None:
    groups = Rule("groups", Everything.ALL, member_of=frozenset({GROUP, OTHER_GROUP}))
    both = replace(groups, who=FINANCE.who)
    assert matches(groups, person(OTHER_GROUP))
    assert not matches(groups, person())
    assert matches(both, person(GROUP, department="Finance"))
    assert not matches(both, person(GROUP))
    assert not matches(both, person(department="Finance"))


def test_a_rule_for_nobody_matches_nobody() -> None:
    assert not matches(Rule("empty", Everything.ALL), person(GROUP, department="Finance"))


@pytest.mark.parametrize(
    ("accounts", "names"),
    [
        (Everything.ALL, {"mca"}),
        (frozenset({"MCA", "ea"}), {"mca"}),
        (frozenset({"elsewhere"}), set()),
        (Everything.NONE, set()),
    ],
)
def test_managed_are_named_active_accounts_of_the_right_kind(
    accounts: Everything | frozenset[str], names: set[str]
) -> None:
    assert managed_accounts(Policy((), accounts=accounts), CATALOGUE.manageable) == names


def test_rules_add_up_and_each_profile_names_them_in_policy_order() -> None:
    company = Rule("company", (Selector(tags={"company": "{companyName}"}),), FINANCE.who)
    everything = Rule("all", Everything.ALL, member_of=frozenset({GROUP}))
    policy = Policy((company, FINANCE, everything))
    found = wanted(person(GROUP, department="Finance", companyName="CONTOSO"), policy, CATALOGUE, NOW)
    assert dict(found.rules) == {P1: ("company", "finance", "all"), P2: ("all",)}
    assert found.notes == ()


def test_a_blank_template_gives_nothing_with_a_note() -> None:
    company = Rule("company", (Selector(tags={"company": "{companyName}"}),), FINANCE.who)
    found = wanted(person(department="Finance"), Policy((company,)), CATALOGUE, NOW)
    assert found.rules == {}
    assert [(note.kind, note.why) for note in found.notes] == [
        (NoteKind.TEMPLATE_BLANK, Code.TEMPLATE_BLANK(rule="company", attribute="companyName"))
    ]


def test_a_profile_that_a_selector_names_outside_the_managed_accounts_is_noted() -> None:
    nine = Rule("nine", (Selector(name="Nine"),), FINANCE.who)
    found = wanted(person(department="Finance"), Policy((nine,)), CATALOGUE, NOW)
    assert found.rules == {}
    assert [(note.kind, note.profile) for note in found.notes] == [(NoteKind.NOT_MANAGED, EA)]


def test_a_guest_whom_a_rule_would_mean_is_noted() -> None:
    found = wanted(person(department="Finance", user_type="Guest"), Policy((FINANCE,)), CATALOGUE, NOW)
    assert found.rules == {}
    assert [note.kind for note in found.notes] == [NoteKind.GUEST]


def test_a_rule_is_known_when_everything_it_names_exists_and_somebody_matches() -> None:
    group = Rule("group", Everything.ALL, member_of=frozenset({GROUP}))
    company = Rule("company", (Selector(tags={"company": "{companyName}"}),), parse_filter("companyName eq 'Contoso'"))
    people = [person(GROUP), person(department="Finance"), person(companyName="contoso")]
    assert unknown_rules(Policy((FINANCE, group, company)), CATALOGUE, people, frozenset(), NOW) == {}


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (replace(FINANCE, who=parse_filter("department eq 'Finances'")), "it matches nobody"),
        (replace(FINANCE, profiles=(Selector(name="Three"),)), "no billing profile is called 'Three'"),
        (replace(FINANCE, profiles=(Selector(account="gone"),)), "there is no billing account 'gone'"),
        (replace(FINANCE, profiles=(Selector(tags={"firm": "x"}),)), "no billing profile has the tag firm: 'x'"),
        (
            Rule("finance", Everything.ALL, member_of=frozenset({GROUP, OTHER_GROUP})),
            f"there is no group {OTHER_GROUP}",
        ),
        (
            replace(FINANCE, who=parse_filter("companyName eq 'X'"), profiles=(Selector(name="Three"),)),
            "no billing profile is called 'Three'; it matches nobody",
        ),
        (
            replace(FINANCE, profiles=(Selector(tags={"company": "Contoso "}),)),
            "no billing profile has the tag company: 'Contoso ', but there is 'Contoso'",
        ),
        (
            replace(FINANCE, profiles=(Selector(account="m\u200bca"),)),
            "there is no billing account 'm\\u200bca', but there is 'mca'",
        ),
    ],
)
def test_a_rule_is_not_known_for_a_reason(rule: Rule, why: str) -> None:
    people = [person(GROUP, department="Finance", companyName="Contoso")]
    found = unknown_rules(Policy((rule,)), CATALOGUE, people, frozenset({OTHER_GROUP}), NOW)
    assert {name: say(Code.TOGETHER(reasons=reasons)) for name, reasons in found.items()} == {"finance": why}


def test_a_rule_that_only_guests_would_match_matches_nobody() -> None:
    people = [person(department="Finance", user_type="Guest")]
    assert unknown_rules(Policy((FINANCE,)), CATALOGUE, people, frozenset(), NOW) == {
        "finance": (Code.MATCHES_NOBODY(),)
    }


@pytest.mark.parametrize(
    ("who", "text"),
    [
        ("department in ('Finance','Finanz')", "nobody listed has department 'Finanz'"),
        (
            "department eq 'Finance' or companyName in ('Contoso','Contosso')",
            "nobody listed has companyName 'Contosso', but there is 'Contoso'",
        ),
        (
            "department eq 'Finance' or jobTitle eq 'Control\u00a0ler'",
            "nobody listed has jobTitle 'Control\\u00a0ler', but there is 'Controller'",
        ),
        (
            "department eq 'Finance' or jobTitle eq 'Contoller'",
            "nobody listed has jobTitle 'Contoller', but there is 'Controller'",
        ),
        (
            "department eq 'Finance' or startsWith(jobTitle,'Clerk')",
            "nobody listed has a jobTitle that starts with 'Clerk'",
        ),
    ],
)
def test_one_of_several_comparisons_met_by_nobody_is_told_and_no_rule_is_unknown(who: str, text: str) -> None:
    policy = Policy((replace(FINANCE, who=parse_filter(who)),))
    people = [person(department="Finance", companyName="Contoso", jobTitle="Controller")]
    assert unknown_rules(policy, CATALOGUE, people, frozenset(), NOW) == {}
    assert [(dead.rule, say(dead.why)) for dead in dead_comparisons(policy, people)] == [("finance", text)]


@pytest.mark.parametrize(
    ("who", "attribute"),
    [
        ("mail in ('anna@contoso.example', 'femka@contoso.example')", "mail"),
        ("startsWith(userPrincipalName,'anna.berg') or department eq 'Finance'", "userPrincipalName"),
    ],
)
def test_a_comparison_that_nobody_meets_names_no_person(who: str, attribute: str) -> None:
    femke = person(department="Finance", mail="femke@contoso.example", userPrincipalName="femke@contoso.example")
    (dead,) = dead_comparisons(Policy((replace(FINANCE, who=parse_filter(who)),)), [femke])
    assert dead.why == Code.NOBODY_HAS_ONE_OF(attribute=attribute)


def test_a_comparison_that_somebody_meets_or_that_is_negated_is_not_told() -> None:
    who = "department in ('FINANCE') and companyName ne 'Sold' and not (startsWith(jobTitle,'Clerk'))"
    people = [person(department="finance", companyName="Contoso", jobTitle="Controller")]
    assert dead_comparisons(Policy((replace(FINANCE, who=parse_filter(who)),)), people) == ()


def test_a_company_that_is_excluded_need_not_exist() -> None:
    rule = replace(FINANCE, who=parse_filter("department eq 'Finance' and companyName ne 'Sold GmbH'"))
    people = [person(department="Finance", companyName="Contoso")]
    assert unknown_rules(Policy((rule,)), CATALOGUE, people, frozenset(), NOW) == {}
