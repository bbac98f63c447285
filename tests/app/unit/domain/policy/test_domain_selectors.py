"""Which billing profiles a selection picks."""

from datetime import UTC, datetime

import pytest

from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import TEXT_ATTRIBUTES, Person
from shared.domain.policy.model import Everything, Selection, Selector
from shared.domain.policy.profile_index import ProfileIndex
from shared.domain.policy.selectors import compiled
from shared.domain.policy.unresolved import unresolved
from shared.wording.say import say


def profile(name: str, display_name: str, *, account: str = "acc:1", **tags: str) -> BillingProfile:
    return BillingProfile(ProfileKey(account, name), display_name, "Active", False, tags)


def person(**attributes: str) -> Person:
    known: dict[str, str | None] = dict.fromkeys(TEXT_ATTRIBUTES)
    return Person("7c0f5a0e-0000-4000-8000-000000000001", True, "Member", None, None, known | attributes)


PROFILES = (
    profile("P3", "Fabrikam", account="acc:2", company="Fabrikam"),
    profile("P1", "Contoso Nederland", company="Contoso Nederland", Stage="prod"),
    profile("P2", "Contoso * Special", company="Contoso GmbH"),
)
CATALOGUE = Catalogue(
    datetime(2026, 1, 1, tzinfo=UTC),
    tuple(BillingAccount(name, name, "MicrosoftCustomerAgreement", "Active") for name in ("acc:1", "acc:2")),
    PROFILES,
)


def names(selection: Selection, someone: Person | None = None) -> list[str]:
    return [picked.key.profile for picked in ProfileIndex(PROFILES).pick(selection, someone).profiles]


@pytest.mark.parametrize(
    ("selection", "picked"),
    [
        (Everything.ALL, ["P1", "P2", "P3"]),
        (Everything.NONE, []),
        ((Selector(name="contoso nederland"),), ["P1"]),
        ((Selector(name="Contoso"),), []),
        ((Selector(name="contoso*"),), ["P1", "P2"]),
        ((Selector(name="*special"),), ["P2"]),
        ((Selector(name="c*s*o*d"),), ["P1"]),
        ((Selector(name="*n*n*n*"),), ["P1"]),
        ((Selector(name="*n*n*n*n*"),), []),
        ((Selector(name="*"),), ["P1", "P2", "P3"]),
        ((Selector(name="contoso nederland*contoso nederland"),), []),
        ((Selector(profile="p3"),), ["P3"]),
        ((Selector(account="ACC%3A1"),), ["P1", "P2"]),
        ((Selector(account="acc:1", name="*special"),), ["P2"]),
        ((Selector(account="acc:2", profile="P1"),), []),
        ((Selector(profile="P*"),), []),
        ((Selector(tags={"COMPANY": "fabrikam"}),), ["P3"]),
        ((Selector(tags={"company": "Contoso Nederland", "stage": "prod"}),), ["P1"]),
        ((Selector(tags={"company": "Contoso*"}),), []),
        ((Selector(tags={"nobody": "x"}),), []),
        ((Selector(profile="P3"), Selector(profile="P1")), ["P1", "P3"]),
    ],
)
def test_keys_are_anded_and_items_are_ored(selection: Selection, picked: list[str]) -> None:
    assert names(selection) == picked


def test_a_template_stands_for_the_persons_own_text() -> None:
    own = (Selector(tags={"company": "{companyName}"}),)
    assert names(own, person(companyName="FABRIKAM")) == ["P3"]
    assert names((Selector(name="{companyName} {country}"),), person(companyName="Contoso", country="nederland")) == [
        "P1"
    ]


@pytest.mark.parametrize("company", ["*", "Contoso*", "{city}", "Contoso Nederland*"])
def test_what_a_person_is_called_is_never_a_pattern(company: str) -> None:
    selection = (Selector(name="{companyName}"), Selector(tags={"company": "{companyName}"}))
    assert names(selection, person(companyName=company, city="Fabrikam")) == []


def test_a_wildcard_beside_a_template_stays_a_wildcard() -> None:
    selection = (Selector(name="{companyName} * special"),)
    assert names(selection, person(companyName="contoso")) == ["P2"]


@pytest.mark.parametrize("blank", [{}, {"companyName": ""}, {"companyName": "  "}])
def test_a_blank_template_gives_nothing_and_is_noted(blank: dict[str, str]) -> None:
    selection = (Selector(name="*{companyName}*"), Selector(profile="P1"))
    picked = ProfileIndex(PROFILES).pick(selection, person(**blank))
    assert [found.key.profile for found in picked.profiles] == ["P1"]
    assert picked.blanks == ("companyName",)


def test_for_nobody_in_particular_a_template_gives_nothing() -> None:
    assert ProfileIndex(PROFILES).pick((Selector(name="{companyName}*"),)).profiles == ()


def test_the_attributes_of_templates_are_known() -> None:
    selector = Selector(name="{companyName} {city}", tags={"a": "{city}", "b": "x{state}"})
    assert compiled(selector).attributes == ("companyName", "city", "state")


@pytest.mark.parametrize(
    ("selection", "missing"),
    [
        (Everything.ALL, ()),
        ((Selector(name="contoso*"),), ()),
        ((Selector(name="{companyName}"),), ()),
        ((Selector(tags={"company": "{companyName}"}),), ()),
        ((Selector(name="Northwind*"),), ("no billing profile is called 'Northwind*'",)),
        ((Selector(name="Northwind {country}"),), ("no billing profile is called 'Northwind {country}'",)),
        (
            (Selector(profile="P9", account="acc:9"),),
            ("there is no billing account 'acc:9'", "there is no billing profile 'P9'"),
        ),
        ((Selector(tags={"firm": "{companyName}"}),), ("no billing profile has the tag firm: '{companyName}'",)),
        ((Selector(tags={"company": "Northwind"}),), ("no billing profile has the tag company: 'Northwind'",)),
        (
            (Selector(account="acc:2", profile="P1"),),
            ("no billing profile is all of {account: 'acc:2', profile: 'P1'}",),
        ),
        (
            (Selector(profile="P1"), Selector(tags={"company": "Fabrikam", "stage": "prod"})),
            ("no billing profile is all of {tag: {company: 'Fabrikam', stage: 'prod'}}",),
        ),
    ],
)
def test_what_does_not_exist_is_named(selection: Selection, missing: tuple[str, ...]) -> None:
    assert tuple(map(say, unresolved(selection, CATALOGUE))) == missing


def test_many_wildcards_cost_no_more_than_few() -> None:
    long = profile("P1", "a" * 20_000)
    assert ProfileIndex([long]).pick((Selector(name="*a" * 200 + "*b"),)).profiles == ()
    assert ProfileIndex([long]).pick((Selector(name="*a" * 200 + "*"),)).profiles == (long,)


def test_one_index_picks_each_persons_own() -> None:
    index, own = ProfileIndex(PROFILES), (Selector(tags={"company": "{companyName}"}),)
    picked = [index.pick(own, person(companyName=name)).profiles for name in ("Fabrikam", "Contoso GmbH", "Fabrikam")]
    assert [[one.key.profile for one in profiles] for profiles in picked] == [["P3"], ["P2"], ["P3"]]
