"""The billing adapter reads what Microsoft published for api-version 2024-04-01, sloppy as some of it is."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Request, Response, as_json
from shared.adapters.billing.arm import ArmBilling
from shared.domain.keys import ProfileKey
from shared.errors import AccessLost, InvoiceAccessError, Permanent, Transient
from shared.settings import Settings
from tests.published import needs_published
from tests.sandbox.contract.billing_standin import CONFORMANCE, OwnCredential, published

pytestmark = needs_published

SETTINGS = Settings.read(
    {
        "INVOICE_ACCESS_STORE": "sqlite:unused",
        "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
    }
)


def answered(response: Response) -> ArmBilling:
    def handle(_request: Request) -> Response:
        return response

    async def at_once(_seconds: float) -> None:
        return

    return ArmBilling(SETTINGS, OwnCredential("nobody"), transport=HandlerTransport(handle, sleep=at_once))


def example(name: str) -> tuple[dict[str, Any], ArmBilling]:
    """A published example's parameters, and an adapter to which everything is answered with its 200."""
    content = published(name)
    return content["parameters"], answered(as_json(200, content["responses"]["200"]["body"]))


async def test_the_published_accounts_are_read() -> None:
    _, billing = example("billingAccountsList")
    accounts = await billing.accounts()
    assert [account.display_name for account in accounts] == [
        "Premier Business Account",
        "Standard Business Account",
        "Individual Account",
        "Premier Business Account",
    ]
    assert all(account.is_manageable for account in accounts)


async def test_the_published_profiles_are_read_whole() -> None:
    parameters, billing = example("billingProfilesListByBillingAccount")
    profiles = await billing.profiles(parameters["billingAccountName"])
    rows = published("billingProfilesListByBillingAccount")["responses"]["200"]["body"]["value"]
    assert [profile.properties for profile in profiles] == [row["properties"] for row in rows]
    assert [profile.status for profile in profiles][:2] == ["Warned", "UnderReview"]
    assert all(profile.invoice_email_opt_in is True for profile in profiles)


async def test_the_published_profile_is_read_whole() -> None:
    parameters, billing = example("billingProfilesGet")
    key = ProfileKey(parameters["billingAccountName"], parameters["billingProfileName"])
    profile = await billing.profile(key)
    assert profile is not None
    assert profile.display_name == "Billing Profile 1"
    assert profile.properties == published("billingProfilesGet")["responses"]["200"]["body"]["properties"]


async def test_the_published_assignments_are_read_though_their_names_are_plain_guids() -> None:
    parameters, billing = example("billingRoleAssignmentListByBillingProfile")
    key = ProfileKey(parameters["billingAccountName"], parameters["billingProfileName"])
    rows = await billing.assignments(key)
    assert [(row.name, row.role) for row in rows] == [
        ("00000000-0000-0000-0000-100000000001", "40000000-aaaa-bbbb-cccc-100000000000"),
        ("00000000-0000-0000-0000-200000000002", "40000000-aaaa-bbbb-cccc-100000000001"),
    ]
    assert rows[0].created_by == "47309529-17e6-4104-b9e8-39f62fa1e5ed"
    assert rows[0].created_on == datetime(2023, 10, 19, 20, 10, 50, 102839, UTC)


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("validation-problem-details", Permanent, "Properties.SoldTo: The field SoldTo is read-only."),
        ("role-assignment-bad-body", Permanent, "The RoleDefinitionId field is required."),
        ("put-role-assignment-on-mca", Permanent, "UnprocessableEntity"),
        ("no-claims", AccessLost, "No claims present"),
        ("rp-throttled", Transient, "Please retry after 60 seconds."),
    ],
)
async def test_every_reported_error_is_understood(name: str, error: type[InvoiceAccessError], said: str) -> None:
    reported = {each["id"]: each for each in json.loads((CONFORMANCE / "errors.json").read_text())["errors"]}[name]
    billing = answered(as_json(reported["status"], reported["body"]))
    with pytest.raises(error) as caught:
        await billing.assignments(ProfileKey("account", "profile"))
    assert type(caught.value) is error
    assert said in str(caught.value)
    if isinstance(caught.value, Transient):
        assert caught.value.retry_after is not None
        assert caught.value.retry_after.total_seconds() == 60
