"""Texts that check alike, and who nearly matches a rule because of them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.domain.access.decide import decide
from shared.domain.access.near_misses import Vocabulary, missed_by, with_near_misses
from shared.domain.access.plan import NoteKind, Plan
from shared.domain.alike import closest, likeness, one_letter_apart, shown
from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import TEXT_ATTRIBUTES, Person
from shared.domain.policy.filter_text import parse_filter
from shared.domain.policy.model import Everything, Policy, Rule, Selector
from shared.wording.say import say

ID = "7c0f5a0e-0000-4000-8000-000000000001"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
NL, UK, US = (ProfileKey("mca", name) for name in ("NL", "UK", "US"))
CATALOGUE = Catalogue(
    NOW,
    (BillingAccount("mca", "Contoso", "MicrosoftCustomerAgreement", "Active"),),
    (
        BillingProfile(NL, "Contoso Nederland", "Active", True, {"company": "Contoso Nederland"}),
        BillingProfile(UK, "Contoso UK", "Active", True, {"company": "Contoso UK"}),
        BillingProfile(US, "Contoso US", "Active", True, {"company": "Contoso US"}),
    ),
)
OWN = Rule("own", (Selector(tags={"company": "{companyName}"}),), parse_filter("department eq 'Accounts Payable'"))
ALL = Rule("all", Everything.ALL, parse_filter("startsWith(jobTitle,'Head of')"))
POLICY = Policy((OWN, ALL))


def person(**attributes: str) -> Person:
    known: dict[str, str | None] = dict.fromkeys(TEXT_ATTRIBUTES)
    return Person(ID, True, "Member", None, None, known | attributes)


def judged(someone: Person, policy: Policy = POLICY) -> Plan:
    plan = decide(someone, policy, CATALOGUE, (), NOW)
    return with_near_misses(plan, someone, policy, CATALOGUE, Vocabulary.of(policy, CATALOGUE), CATALOGUE.read_at)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Finance", "Finance "),
        ("Finance", "FINANCE"),
        ("Accounts Payable", "Accounts\u00a0Payable"),
        ("Accounts Payable", "Accounts  payable"),
        ("Soci\u00e9t\u00e9", "Socie\u0301te\u0301"),
        ("R-D", "R\u2013D"),
        ("R - D", "R\u2212D"),
        ("Finance", "Fi\u00adnance"),
        ("Finance", "\u200bFinance"),
        ("Finance", "\uff26inance"),
        ("Stra\u00dfe", "STRASSE"),
    ],
)
def test_texts_that_nobody_can_tell_apart_have_one_likeness(one: str, other: str) -> None:
    assert likeness(one) == likeness(other)
    assert one == other or shown(one) != shown(other), "shown, they can be told apart"


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("Contoso Nederland", "Contoso Nederlend", True),
        ("Contoso Nederland", "Contoso Nedrland", True),
        ("Contoso Nederland", "Contoso Nederrland", True),
        ("Contoso Nederland", "Contoso Niederlende", False),
        ("Contoso Nederland", "Contoso Nederalnd", True),
        ("Contoso Nederland", "contoso nederland", False),
        ("Contoso UK", "Contoso US", True),
        ("Legal UK", "Legal US", True),
        ("Finance", "Finanze", False),
    ],
)
def test_one_letter_apart_is_for_texts_of_eight_characters_or_more(one: str, other: str, apart: bool) -> None:
    assert one_letter_apart(one, other) is apart
    assert one_letter_apart(other, one) is apart


@pytest.mark.parametrize(
    ("text", "known", "meant"),
    [
        ("Controller ", ["Controllers", "controller"], "controller"),
        ("Contoller", ["Clerk", "Controller"], "Controller"),
        ("Societe Generale", ["Societe Generale SA", "Société Générale"], "Société Générale"),
        ("Clerks", ["Clerk"], "Clerk"),
        ("Contoso Deutchland GmbH", ["Contoso Nederland", "Contoso Deutschland"], "Contoso Deutschland"),
        ("UK", ["US"], None),
        ("Contoso", ["Fabrikam"], None),
        ("Clerks", [f"Clerk {number}" for number in range(2000)], None),
    ],
)
def test_the_text_that_was_perhaps_meant_looks_the_same_or_nearly(
    text: str, known: list[str], meant: str | None
) -> None:
    assert closest(text, known) == meant


@pytest.mark.parametrize(
    ("attributes", "profiles", "text"),
    [
        (
            {"department": "Accounts Payable ", "companyName": "Contoso UK"},
            [UK],
            "rule own would give it if department 'Accounts Payable ' were 'Accounts Payable'",
        ),
        (
            {"department": "Accounts Payable", "companyName": "Contoso\u00a0UK"},
            [UK],
            "rule own would give it if companyName 'Contoso\\u00a0UK' were 'Contoso UK'",
        ),
        (
            {"department": "Accounts\u2002Payable", "companyName": "contoso  uk"},
            [UK],
            "companyName 'contoso  uk' were 'Contoso UK'",
        ),
        ({"jobTitle": "Head  of Treasury"}, [NL, UK, US], "if jobTitle 'Head  of Treasury' began with 'Head of'"),
    ],
)
def test_a_person_who_just_misses_a_rule_is_noted_with_both_texts(
    attributes: dict[str, str], profiles: list[ProfileKey], text: str
) -> None:
    plan = judged(person(**attributes))
    assert plan.wanted == {}
    assert plan.grants == ()
    noted = [note for note in plan.notes if note.kind is NoteKind.NEAR_MISS]
    assert [note.profile for note in noted] == profiles
    assert all(text in say(note.why) for note in noted)


@pytest.mark.parametrize(
    "attributes",
    [
        {"department": "accounts payable", "companyName": "CONTOSO UK"},
        {"department": "Sales", "companyName": "Contoso UK"},
        {"department": "Accounts Receivable"},
        {"companyName": "Contoso  UK"},
        {},
    ],
)
def test_who_matches_or_who_is_nowhere_near_is_not_noted(attributes: dict[str, str]) -> None:
    assert NoteKind.NEAR_MISS not in {note.kind for note in judged(person(**attributes)).notes}


def test_neither_leavers_nor_protected_people_miss_anything() -> None:
    someone = person(department="Accounts Payable ", companyName="Contoso UK")
    assert judged(replace(someone, account_enabled=False)).notes == ()
    assert {note.kind for note in judged(someone, replace(POLICY, protected=frozenset({ID}))).notes} == {
        NoteKind.PROTECTED
    }


def test_what_names_one_person_is_never_near_anything() -> None:
    mine = replace(POLICY, rules=(Rule("mine", Everything.ALL, parse_filter("mail eq 'anna.jansen@contoso.example'")),))
    someone = person(mail="anna.jansen@contoso.example ")
    assert judged(someone, mine).notes == ()
    assert Vocabulary.of(mine, CATALOGUE).slips(person(mail="anna.janssen@contoso.example"), frozenset({"mail"})) == []


def test_a_slip_is_one_letter_that_nothing_else_is_called() -> None:
    vocabulary = Vocabulary.of(POLICY, CATALOGUE)
    checked = frozenset({"companyName", "department"})
    slip = person(department="Accounts Payable", companyName="Contoso Nederlnad")
    assert [say(one.reason) for one in vocabulary.slips(slip, checked)] == [
        "companyName 'Contoso Nederlnad' were 'Contoso Nederland'"
    ]
    assert set(missed_by(vocabulary.slips(slip, checked), slip, POLICY, CATALOGUE, (), CATALOGUE.read_at)) == {NL}
    assert vocabulary.slips(person(companyName="Contoso US"), checked) == []
    assert vocabulary.slips(person(companyName="Contoso Nederland"), checked) == []
