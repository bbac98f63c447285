"""The standard world: the same for everybody, and fit for the stories told about it."""

from collections import Counter
from typing import Any

import pytest

from sandbox.billing.world import ProfileSeed
from sandbox.contoso import STANDARD_WORLD, contoso, names
from sandbox.world import World, load_world


@pytest.fixture(scope="module")
def raw() -> dict[str, Any]:
    return contoso()


@pytest.fixture(scope="module")
def world() -> World:
    return load_world(STANDARD_WORLD)


def profiles(raw: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(account, profile) for account in raw["billingAccounts"] for profile in account["billingProfiles"]]


def test_every_managed_profile_can_have_three_people_by_two_simple_policies(raw: dict[str, Any]) -> None:
    at_work = [u for u in raw["users"] if u["accountEnabled"] and u["userType"] == "Member"]
    finance = Counter(u.get("companyName") for u in at_work if u.get("department") == "Finance")
    handling = Counter(
        u.get("companyName") for u in at_work if u.get("jobTitle") in {"Accounts payable clerk", "Controller"}
    )
    managed = [p for account, p in profiles(raw) if account["name"] != names.ENTERPRISE_ACCOUNT]
    assert len(managed) == 12
    for profile in managed:
        company = profile["tags"]["company"]
        assert company == profile["properties"]["displayName"]
        assert finance[company] >= 3
        assert handling[company] >= 3


def test_the_agreements_are_two_customer_one_partner_and_one_enterprise(raw: dict[str, Any]) -> None:
    assert Counter(account["properties"]["agreementType"] for account in raw["billingAccounts"]) == {
        "MicrosoftCustomerAgreement": 2,
        "MicrosoftPartnerAgreement": 1,
        "EnterpriseAgreement": 1,
    }


def test_the_app_owns_every_account_but_the_enterprise_one_and_the_portal_all(raw: dict[str, Any]) -> None:
    owners = {
        account["name"]: {
            a["principalId"]
            for a in account["billingRoleAssignments"]
            if a["role"] in {"Billing account owner", "Enterprise administrator"}
        }
        for account in raw["billingAccounts"]
    }
    assert all(names.PORTAL_OBJECT_ID in found for found in owners.values())
    assert {name for name, found in owners.items() if names.APP_OBJECT_ID in found} == {
        names.CONTOSO_ACCOUNT,
        names.FABRIKAM_ACCOUNT,
        names.LITWARE_ACCOUNT,
    }


def test_one_profile_is_opted_out_and_one_disabled(raw: dict[str, Any]) -> None:
    assert [p["name"] for _, p in profiles(raw) if not p["properties"]["invoiceEmailOptIn"]] == [names.FABRIKAM_NORDICS]
    assert [p["name"] for _, p in profiles(raw) if p["properties"]["status"] != "Active"] == [names.FABRIKAM_SCHWEIZ]


def test_invoices_are_made_on_the_5th_and_litwares_on_the_8th(raw: dict[str, Any]) -> None:
    days = {p["name"]: ProfileSeed.model_validate(p).properties.invoice_day for _, p in profiles(raw)}
    eighth = {names.LITWARE_SERVICES, names.LITWARE_POLSKA}
    assert {name for name, day in days.items() if day == 8} == eighth
    assert {day for name, day in days.items() if name not in eighth} == {5}


def test_whoever_holds_something_exists_and_got_it_from_the_portal(raw: dict[str, Any], world: World) -> None:
    known = {user.id for user in world.users} | {group.id for group in world.groups}
    given = [a for _, profile in profiles(raw) for a in profile["billingRoleAssignments"]]
    assert {a["principalId"] for a in given} <= known
    assert {a["createdByPrincipalId"] for a in given} == {names.PORTAL_OBJECT_ID}
    holders = {a["principalId"] for a in given if a["role"] == "Invoice manager"}
    assert {names.EXTERNAL_AUDIT, names.AUDITOR_GUEST, names.BREAK_GLASS, names.GRACE_TAYLOR} <= holders


def test_the_names_are_those_of_the_people_they_stand_for(world: World) -> None:
    by_id = {user.id: user.properties() for user in world.users}
    assert by_id[names.FEMKE_DE_BOER]["displayName"] == "Femke de Boer"
    assert by_id[names.CLAIRE_MARTIN]["companyName"] == "Contoso France"
    assert by_id[names.GRACE_TAYLOR]["accountEnabled"] is False
    assert "department" not in by_id[names.BREAK_GLASS]
    assert "#EXT#" in by_id[names.FINANCE_GUEST]["userPrincipalName"]
    assert by_id[names.FINANCE_GUEST]["department"] == "Finance"
    assert names.DELETED_CONTROLLER in {user.id for user in world.deleted_users}


def test_there_are_some_hundreds_of_people_with_addresses_and_numbers_of_their_own(world: World) -> None:
    people = [user.properties() for user in world.users]
    assert 280 <= len(people) <= 320
    assert len({p["userPrincipalName"] for p in people}) == len(people)
    numbers = [p["employeeId"] for p in people if "employeeId" in p]
    assert len(set(numbers)) == len(numbers)
    assert all(p["userPrincipalName"].isascii() for p in people)
