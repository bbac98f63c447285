"""The billing stand-in's state: how a world is read, what is refused in it, and how switches are read."""

import random
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from sandbox.billing import BillingModel, Switches, read_switches
from sandbox.billing import switches as switches_module
from sandbox.billing.holdings import Assignment, AssignmentTable
from sandbox.billing.throttle import Taken, Throttle

ACCOUNT = "10000000-0000-0000-0000-000000000000:00000000-0000-0000-0000-0000000000aa_2019-05-31"
TENANT = "76e9ab9c-0000-4000-8000-0000000000aa"
PERSON = "00000000-0000-4000-8000-000000000008"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def world(**changes: Any) -> list[dict[str, Any]]:
    account = {
        "name": ACCOUNT,
        "properties": {"agreementType": "MicrosoftCustomerAgreement", "primaryBillingTenantId": TENANT},
        "billingProfiles": [{"name": "NL", "properties": {"displayName": "Contoso Nederland"}}],
    }
    return [account | changes]


def build(accounts: list[Any]) -> BillingModel:
    return BillingModel(accounts, clock=lambda: NOON, rng=random.Random(1), principal_type={PERSON: "User"}.get)


def profile(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": "NL", "properties": {"displayName": "x"}} | changes]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": "Contoso"}, "0.name"),
        ({"name": "10000000-0000-0000-0000-000000000000"}, "name must be"),
        ({"properties": {"agreementType": "MCA"}}, "0.properties.agreementType"),
        (
            {"properties": {"agreementType": "MicrosoftCustomerAgreement"}},
            "primaryBillingTenantId is required",
        ),
        ({"billingProfile": []}, "0.billingProfile"),
        ({"billingProfiles": profile(name="a b")}, "0.billingProfiles.0.name"),
        ({"billingProfiles": profile(properties={})}, "0.billingProfiles.0.properties.displayName"),
        (
            {"billingProfiles": profile(properties={"displayName": "x", "invoiceEmailOptin": True})},
            "0.billingProfiles.0.properties.invoiceEmailOptin",
        ),
        (
            {"billingProfiles": profile(properties={"displayName": "x", "invoiceEmailOptIn": "yes"})},
            "0.billingProfiles.0.properties.invoiceEmailOptIn",
        ),
        ({"billingProfiles": [*profile(), *profile(name="nl")]}, "appears twice"),
        (
            {"billingProfiles": profile(billingRoleAssignments=[{"principalId": PERSON, "role": "Manager"}])},
            "no role 'Manager' here; there are: Billing profile owner",
        ),
        (
            {"billingRoleAssignments": [{"principalId": PERSON, "role": "Invoice manager"}]},
            "no role 'Invoice manager' here; there are: Billing account owner",
        ),
        (
            {"billingRoleAssignments": [{"principalId": "anna", "role": "Billing account owner"}]},
            "0.billingRoleAssignments.0.principalId",
        ),
    ],
)
def test_a_mistake_in_the_world_is_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError) as refused:
        build(world(**changes))
    assert named in str(refused.value)


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(ValidationError) as refused:
        build([*world(name="x"), *world(billingProfiles=profile(properties={}))])
    assert refused.value.error_count() == 2


def test_two_accounts_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="appears twice"):
        build([*world(), *world(name=ACCOUNT.upper())])


def seeded(**changes: Any) -> Assignment:
    seed = {"principalId": PERSON.upper(), "role": "invoice MANAGER"} | changes
    model = build(world(billingProfiles=profile(billingRoleAssignments=[seed])))
    [row] = model.accounts[0].profiles["nl"].assignments.every()
    return row


def test_a_seeded_assignment_is_as_if_made_through_the_service() -> None:
    row = seeded()
    assert row.name == f"40000000-aaaa-bbbb-cccc-100000000004_{PERSON}"
    assert row.principal_type == "User"
    assert row.principal_tenant_id == TENANT
    assert row.created_on == "2024-01-15T09:00:00.0000000Z"
    assert row.created_by not in {None, PERSON}
    assert row.created_by_tenant == TENANT


def test_a_seeded_assignment_may_lack_its_maker_and_name_its_own() -> None:
    absent = seeded(createdByPrincipalId=None)
    assert (absent.created_by, absent.created_by_tenant) == (None, None)
    made = seeded(createdByPrincipalId=TENANT, createdOn="2025-05-05T05:05:05.5Z")
    assert (made.created_by, made.created_on) == (TENANT, "2025-05-05T05:05:05.5000000Z")


def test_a_seeded_principal_that_the_tenant_has_lost_is_unknown() -> None:
    assert seeded(principalId=TENANT).principal_type == "Unknown"
    assert seeded(principalId=TENANT, principalType="Group").principal_type == "Group"


def row(created_on: str) -> Assignment:
    return Assignment("Role_Person", "role", "person", None, "User", created_on, None, None)


def test_a_table_shows_each_change_from_its_moment_on() -> None:
    table = AssignmentTable()
    later = NOON + timedelta(seconds=30)
    table.put(row("1"), NOON)
    table.remove("ROLE_PERSON", later)
    assert table.actual("role_person") is None
    assert table.seen("role_person", NOON) == row("1")
    assert table.seen("role_person", later) is None
    table.put(row("2"), later + timedelta(seconds=30))
    assert table.held("role", "person") == row("2")
    assert table.all_seen(later) == []
    assert table.all_seen(later + timedelta(seconds=30)) == [row("2")]


def test_a_bucket_refills_up_to_its_size() -> None:
    throttle = Throttle()
    switches = Switches(deletes_bucket=2, deletes_per_second=0.5)
    taken = [throttle.take("a", "deletes", NOON, switches) for _ in range(3)]
    assert taken == [Taken(1), Taken(0), Taken(0, 2)]
    assert throttle.take("a", "reads", NOON, switches) == Taken(249)
    later = NOON + timedelta(seconds=3)
    assert throttle.take("a", "deletes", later, switches) == Taken(0)
    much_later = NOON + timedelta(days=1)
    assert throttle.take("a", "deletes", much_later, switches) == Taken(1)


def test_switches_are_read_from_json_and_every_mistake_is_named() -> None:
    assert read_switches({}) == Switches()
    assert read_switches({"create_status": 202, "page_size": 3}) == Switches(create_status=202, page_size=3)
    with pytest.raises(ValidationError) as refused:
        read_switches({"create_status": 203, "page_size": 0, "pagesize": 1})
    assert {error["loc"][0] for error in refused.value.errors()} == {"create_status", "page_size", "pagesize"}


def test_every_switch_is_followed_by_its_reason() -> None:
    assert switches_module.__file__ is not None
    with open(switches_module.__file__, encoding="utf-8") as source:  # noqa: PTH123 - one read
        lines = source.read().splitlines()
    for each in fields(Switches):
        [index] = [i for i, line in enumerate(lines) if line.startswith(f"    {each.name}: ")]
        assert lines[index + 1].startswith('    """'), each.name
