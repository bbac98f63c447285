"""Accounts and profiles of the billing stand-in: reading, paging, and the update that replaces everything."""

import re
from dataclasses import replace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.billing.models import BillingProfile, BillingProfileProperties

from tests.sandbox.contract.billing_standin import (
    ACCOUNT_OWNER,
    APP,
    CONTRIBUTOR,
    DE,
    EA,
    MANAGER,
    MCA,
    MPA,
    NL,
    OTHER_TENANT,
    PROFILE_OWNER,
    READER,
    TENANT,
    A,
    P,
    Standin,
    json_of,
)

SERVICE_OWN = {"soldTo", "currentPaymentTerm"}


def writable(standin: Standin) -> dict[str, Any]:
    """What a careful client sends back: all that it read, without what the service refuses."""
    body: dict[str, Any] = json_of(standin.call("GET", P))
    body["properties"] = {k: v for k, v in body["properties"].items() if k not in SERVICE_OWN}
    return body


def properties(standin: Standin, path: str = P) -> dict[str, Any]:
    found: dict[str, Any] = json_of(standin.call("GET", path))["properties"]
    return found


async def test_accounts_are_listed_for_those_with_a_role_there_or_below() -> None:
    standin = Standin()
    async with standin.client(ACCOUNT_OWNER) as client:
        owned = [account async for account in client.billing_accounts.list()]
        every = [account.name async for account in client.billing_accounts.list(include_deleted=True)]
    assert [account.name for account in owned] == [MCA, EA]
    assert every == [MCA, MPA, EA]
    assert owned[0].properties is not None
    assert owned[0].properties.has_read_access is True
    assert owned[0].properties.primary_billing_tenant_id == TENANT
    async with standin.client(MANAGER) as client:
        seen = [account async for account in client.billing_accounts.list()]
    assert [account.name for account in seen] == [MCA]
    assert seen[0].properties is not None
    assert seen[0].properties.has_read_access is False


async def test_sold_to_of_an_account_is_in_get_and_not_in_list() -> None:
    standin = Standin()
    listed = json_of(standin.call("GET", "/providers/Microsoft.Billing/billingAccounts"))["value"][0]
    assert "soldTo" not in listed["properties"]
    assert properties(standin, A)["soldTo"]["country"] == "NL"


async def test_profiles_are_listed_with_defaults_and_without_deleted_ones() -> None:
    standin = Standin()
    async with standin.client() as client:
        found = [each async for each in client.billing_profiles.list_by_billing_account(MCA)]
        every = [each.name async for each in client.billing_profiles.list_by_billing_account(MCA, include_deleted=True)]
        one = await client.billing_profiles.get(MCA, DE)
    assert [each.name for each in found] == [NL, DE]
    assert every == [NL, DE, "GONE-BG7"]
    assert one.properties is not None
    assert one.properties.status == "Active"
    assert one.properties.invoice_email_opt_in is False
    assert one.properties.currency == "EUR"
    assert one.properties.invoice_day == 5
    assert re.fullmatch(r"[A-Z2-7]{4}-[A-Z2-7]{4}-BG7-[A-Z2-7]{3}", one.properties.system_id or ""), "not its name"
    assert one.properties.bill_to is not None
    assert one.properties.sold_to is not None
    assert one.properties.current_payment_term is not None
    assert standin.call("GET", f"{A}/billingProfiles/GONE-BG7").status == 404


async def test_a_profile_role_lists_its_own_profile_alone() -> None:
    standin = Standin()
    async with standin.client(MANAGER) as client:
        found = [each async for each in client.billing_profiles.list_by_billing_account(MCA)]
    assert [each.name for each in found] == [NL]
    assert found[0].properties is not None
    assert found[0].properties.has_read_access is True


@pytest.mark.parametrize(("place", "inside"), [("envelope", False), ("properties", True)])
async def test_tags_are_where_the_switch_says(place: str, *, inside: bool) -> None:
    standin = Standin(tags_in=place, update_status=200)
    body = json_of(standin.call("GET", P))
    home, other = (body["properties"], body) if inside else (body, body["properties"])
    assert home["tags"] == {"company": "Contoso Nederland"}
    assert "tags" not in other
    sent = writable(standin)
    (sent["properties"] if inside else sent)["tags"] = {"company": "Contoso Holland"}
    assert standin.call("PUT", P, body=sent).status == 200
    assert standin.model.accounts[0].profiles[NL.casefold()].tags == {"company": "Contoso Holland"}


async def test_an_update_sent_by_the_client_model_is_refused_for_what_the_service_owns() -> None:
    standin = Standin()
    async with standin.client(PROFILE_OWNER) as client:
        profile = await client.billing_profiles.get(MCA, NL)
        assert profile.properties is not None
        profile.properties.invoice_email_opt_in = True
        with pytest.raises(HttpResponseError) as refused:
            await client.billing_profiles.begin_create_or_update(MCA, NL, profile)
    assert refused.value.status_code == 400
    assert refused.value.error is None
    assert refused.value.response is not None
    errors = refused.value.response.json()["errors"]  # type: ignore[attr-defined]  # present on every response
    assert errors == {
        "Properties.SoldTo": ["The field SoldTo is read-only."],
        "Properties.CurrentPaymentTerm": ["The field CurrentPaymentTerm is read-only."],
    }
    assert properties(standin)["invoiceEmailOptIn"] is False
    assert standin.model.audit == []


async def test_what_the_service_owns_is_ignored_in_an_update_when_so_switched() -> None:
    standin = Standin(read_only_refused=False, update_status=200)
    sent = json_of(standin.call("GET", P))
    sent["properties"] |= {"invoiceEmailOptIn": True, "soldTo": {"addressLine1": "x", "country": "XX"}}
    assert standin.call("PUT", P, body=sent).status == 200
    assert properties(standin)["soldTo"]["country"] == "NL"
    assert properties(standin)["invoiceEmailOptIn"] is True


async def test_a_careful_update_changes_the_flag_and_nothing_else_once_it_is_done() -> None:
    standin = Standin()
    before = properties(standin)
    async with standin.client(CONTRIBUTOR) as client:
        profile = await client.billing_profiles.get(MCA, NL)
        assert profile.properties is not None
        profile.properties.invoice_email_opt_in = True
        profile.properties.sold_to = None
        profile.properties.current_payment_term = None
        poller = await client.billing_profiles.begin_create_or_update(MCA, NL, profile)
        assert properties(standin) == before
        updated = await poller.result()
    assert updated.properties is not None
    assert updated.properties.invoice_email_opt_in is True
    assert properties(standin) == before | {"invoiceEmailOptIn": True}
    assert json_of(standin.call("GET", P))["tags"] == {"company": "Contoso Nederland"}
    assert standin.clock.slept == [10.0]


async def test_an_update_answered_with_202_has_no_body_and_its_location_under_the_account() -> None:
    standin = Standin(signed_locations=False)
    accepted = standin.call("PUT", P, body=writable(standin))
    assert accepted.status == 202
    assert accepted.body == b""
    assert accepted.headers["retry-after"] == "10"
    prefix = f"https://management.azure.com{A}/operationResults/putBillingProfile_"
    assert accepted.headers["location"].startswith(prefix)
    assert accepted.headers["location"].endswith("?api-version=2024-04-01")
    assert "azure-asyncoperation" not in accepted.headers


async def test_operation_results_lie_under_the_profile_when_so_switched() -> None:
    standin = Standin(signed_locations=False, operation_results_under="profile", update_seconds=0)
    accepted = standin.call("PUT", P, body=writable(standin))
    location = accepted.headers["location"].removeprefix("https://management.azure.com")
    assert location.startswith(f"{P}/operationResults/")
    assert standin.call("GET", location).status == 200


async def test_an_update_answered_at_once_is_visible_at_once() -> None:
    standin = Standin(update_status=200)
    sent = writable(standin)
    sent["properties"]["invoiceEmailOptIn"] = True
    answered = standin.call("PUT", P, body=sent)
    assert answered.status == 200
    assert json_of(answered)["properties"]["invoiceEmailOptIn"] is True
    assert properties(standin)["invoiceEmailOptIn"] is True


async def test_an_update_answered_with_201_shows_what_will_be() -> None:
    standin = Standin(update_status=201, update_polls=2)
    async with standin.client() as client:
        profile = BillingProfile(writable(standin))
        assert profile.properties is not None
        profile.properties.invoice_email_opt_in = True
        poller = await client.billing_profiles.begin_create_or_update(MCA, NL, profile)
        assert properties(standin)["invoiceEmailOptIn"] is False
        updated = await poller.result()
    assert updated.properties is not None
    assert updated.properties.invoice_email_opt_in is True
    assert standin.clock.slept == [10.0, 10.0]


async def test_an_update_drops_what_it_omits_when_so_switched() -> None:
    standin = Standin(update_status=200, update_replaces=True)
    before = properties(standin)
    sent = {"properties": {"invoiceEmailOptIn": True}}
    assert standin.call("PUT", P, body=sent).status == 200
    after = properties(standin)
    dropped = {"displayName", "billTo", "invoiceRecipients", "poNumber", "enabledAzurePlans"}
    assert after == {k: v for k, v in before.items() if k not in dropped} | {"invoiceEmailOptIn": True}
    assert "tags" not in json_of(standin.call("GET", P))


async def test_an_update_keeps_what_it_omits() -> None:
    standin = Standin(update_status=200)
    before = properties(standin)
    assert standin.call("PUT", P, body={"properties": {"invoiceEmailOptIn": True}}).status == 200
    assert properties(standin) == before | {"invoiceEmailOptIn": True}
    assert json_of(standin.call("GET", P))["tags"] == {"company": "Contoso Nederland"}


async def test_an_update_that_replaces_and_lacks_the_flag_opts_out() -> None:
    standin = Standin(update_status=200, update_replaces=True)
    on = writable(standin)
    on["properties"]["invoiceEmailOptIn"] = True
    standin.call("PUT", P, body=on)
    del on["properties"]["invoiceEmailOptIn"]
    standin.call("PUT", P, body=on)
    assert properties(standin)["invoiceEmailOptIn"] is False


async def test_immutable_properties_survive_an_update_that_changes_them() -> None:
    standin = Standin(update_status=200)
    before = properties(standin)
    sent = writable(standin)
    sent["properties"] |= {"currency": "USD", "invoiceDay": 9, "status": "Disabled", "systemId": "x"}
    assert standin.call("PUT", P, body=sent).status == 200
    assert properties(standin) == before


async def test_a_plan_named_by_its_sku_alone_keeps_its_description() -> None:
    standin = Standin(update_status=200)
    sent = writable(standin)
    sent["properties"]["enabledAzurePlans"] = [{"skuId": "0001"}, {"skuId": "0002"}]
    standin.call("PUT", P, body=sent)
    plans = properties(standin)["enabledAzurePlans"]
    assert plans[0]["skuDescription"] == "Microsoft Azure Plan"
    assert plans[1] == {"skuId": "0002"}


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ({"invoiceEmailOptIn": True}, "Properties"),
        ({"properties": {"invoiceEmailOptIn": "true"}}, "Properties.InvoiceEmailOptIn"),
        ({"properties": {"billTo": {"country": "NL"}}}, "Properties.BillTo.AddressLine1"),
        ({"properties": {"invoiceRecipients": "ap@contoso.nl"}}, "Properties.InvoiceRecipients"),
    ],
)
async def test_a_wrong_field_of_an_update_is_named(sent: dict[str, Any], named: str) -> None:
    standin = Standin()
    refused = standin.call("PUT", P, body=sent)
    assert refused.status == 400
    assert named in json_of(refused)["errors"]


async def test_the_later_of_two_updates_under_way_wins() -> None:
    standin = Standin()
    first, second = writable(standin), writable(standin)
    first["properties"]["poNumber"] = "first"
    second["properties"]["poNumber"] = "second"
    standin.call("PUT", P, body=first)
    standin.clock.pass_by(1)
    standin.call("PUT", P, body=second)
    standin.clock.pass_by(9)
    assert properties(standin)["poNumber"] == "first"
    standin.clock.pass_by(1)
    assert properties(standin)["poNumber"] == "second"


async def test_a_failed_update_changes_nothing() -> None:
    standin = Standin(operation_failure_status=409, update_status=200)
    sent = writable(standin)
    sent["properties"]["invoiceEmailOptIn"] = True
    accepted = standin.call("PUT", P, body=sent)
    assert accepted.status == 202
    standin.clock.pass_by(10)
    location = accepted.headers["location"].removeprefix("https://management.azure.com")
    failed = standin.call("GET", location)
    assert failed.status == 409
    assert json_of(failed)["code"]
    assert properties(standin)["invoiceEmailOptIn"] is False


async def test_an_update_that_changes_nothing_is_audited_as_such() -> None:
    standin = Standin(update_status=200)
    standin.call("PUT", P, body=writable(standin), by=APP)
    sent = writable(standin)
    sent["properties"]["invoiceEmailOptIn"] = True
    standin.call("PUT", P, body=sent, by=APP)
    assert [(entry.caller, entry.operation, entry.changed) for entry in standin.model.audit] == [
        (APP, "put-profile", False),
        (APP, "put-profile", True),
    ]


async def test_a_profile_is_created_and_deleted() -> None:
    standin = Standin()
    asked = BillingProfile(properties=BillingProfileProperties(display_name="Contoso Belgium"))
    async with standin.client() as client:
        poller = await client.billing_profiles.begin_create_or_update(MCA, "BE-BG7", asked)
        created = await poller.result()
        assert created.properties is not None
        assert created.properties.display_name == "Contoso Belgium"
        assert re.fullmatch(r"[A-Z2-7]{4}-[A-Z2-7]{4}-BG7-[A-Z2-7]{3}", created.properties.system_id or "")
        await (await client.billing_profiles.begin_delete(MCA, "BE-BG7")).result()
        with pytest.raises(ResourceNotFoundError):
            await client.billing_profiles.get(MCA, "BE-BG7")
        left = [each.name async for each in client.billing_profiles.list_by_billing_account(MCA)]
    assert left == [NL, DE]


async def test_creating_a_profile_takes_a_payment_method_when_so_switched() -> None:
    standin = Standin(creation_needs_payment=True, update_status=201)
    body = {"properties": {"displayName": "Contoso Belgium"}}
    assert standin.call("PUT", f"{A}/billingProfiles/BE-BG7", body=body).status == 400
    paying = {"x-ms-payment-method-id": "pm"}
    assert standin.call("PUT", f"{A}/billingProfiles/BE-BG7", body=body, headers=paying).status == 201


@pytest.mark.parametrize("links", ["relative", "absolute"])
@pytest.mark.parametrize(("page_size", "pages"), [(1, 2), (2, 1)])
async def test_the_client_follows_pages(page_size: int, pages: int, links: str) -> None:
    standin = Standin(page_size=page_size, next_links=links)
    async with standin.client() as client:
        iterator = client.billing_profiles.list_by_billing_account(MCA).by_page()
        found = [[each.name async for each in page] async for page in iterator]
    assert len(found) == pages
    assert [name for page in found for name in page] == [NL, DE]


async def test_the_client_passes_over_an_empty_first_page() -> None:
    standin = Standin(empty_first_page=True)
    first = json_of(standin.call("GET", f"{A}/billingProfiles"))
    assert [*first] == ["nextLink", "totalCount", "value"]
    assert (first["totalCount"], first["value"]) == (2, [])
    assert first["nextLink"].startswith(f"{A}/billingProfiles?$skiptoken=")
    assert first["nextLink"].endswith("%3D&$top=50&api-version=2024-04-01&asOf=2026-03-02 09:00:00Z")
    async with standin.client() as client:
        found = [each.name async for each in client.billing_profiles.list_by_billing_account(MCA)]
    assert found == [NL, DE]
    assert "nextLink" not in json_of(standin.call("GET", f"{A}/billingProfiles/{DE}/billingRoleAssignments"))


async def test_an_absolute_link_is_a_whole_and_encoded_address() -> None:
    standin = Standin(page_size=1, next_links="absolute", total_count=False)
    first = json_of(standin.call("GET", f"{A}/billingProfiles"))
    assert [*first] == ["nextLink", "value"]
    assert first["nextLink"].startswith(f"https://management.azure.com{A}/billingProfiles?$skiptoken=")
    assert " " not in first["nextLink"]


@pytest.mark.parametrize(
    ("was", "sent"),
    [("$skiptoken=", "$skiptoken=x"), ("billingProfiles?", "associatedTenants?"), ("%20", ""), ("asOf", "as")],
)
async def test_a_link_that_is_not_followed_as_it_was_is_refused(was: str, sent: str) -> None:
    standin = Standin(page_size=1)
    link = json_of(standin.call("GET", f"{A}/billingProfiles"))["nextLink"].replace(" ", "%20")
    assert standin.call("GET", link).status == 200
    assert standin.call("GET", link.replace(was, sent)).status == 400


async def test_more_than_a_hundred_assignments_are_one_page() -> None:
    standin = Standin()
    row = standin.model.account(MCA).profiles[NL.casefold()].assignments.every()  # type: ignore[union-attr]
    one = next(iter(row))
    table = standin.model.account(MCA).profiles[DE.casefold()].assignments  # type: ignore[union-attr]
    for number in range(120):
        table.put(replace(one, name=f"x_{number}"), standin.clock())
    path = f"{A}/billingProfiles/{DE}/billingRoleAssignments"
    listed = json_of(standin.call("GET", path))
    assert ([*listed], len(listed["value"])) == (["value"], 120)
    standin.turn(assignments_on_one_page=False)
    assert len(json_of(standin.call("GET", path))["value"]) == 50


@pytest.mark.parametrize("page_size", [1, 50])
async def test_top_and_skip_cut_the_list_before_it_is_paged(page_size: int) -> None:
    standin = Standin(page_size=page_size)
    async with standin.client() as client:
        listing = client.billing_role_assignments.list_by_billing_profile
        found = [row.name async for row in listing(MCA, NL, top=2, skip=1)]
        every = [row.name async for row in listing(MCA, NL)]
    assert found == every[1:3]
    standin.turn(assignments_honour_top=False)
    async with standin.client() as client:
        found = [row.name async for row in client.billing_role_assignments.list_by_billing_profile(MCA, NL, top=2)]
    assert found == every


@pytest.mark.parametrize("query", ["top=51", "top=0", "top=-1", "skip=x", "includeDeleted=perhaps"])
async def test_a_wrong_query_is_refused(query: str) -> None:
    refused = Standin().call("GET", f"{A}/billingProfiles?{query}")
    assert refused.status == 400
    assert query.partition("=")[0] in json_of(refused)["errors"]


async def test_undocumented_query_options_are_refused_or_ignored_and_never_obeyed() -> None:
    standin = Standin()
    path = f"{A}/billingProfiles?filter=properties/status%20eq%20%27Disabled%27"
    assert standin.call("GET", path).status == 400
    standin.turn(undocumented_query="ignored")
    assert len(json_of(standin.call("GET", path))["value"]) == 2


async def test_an_enterprise_account_is_listed_and_its_profiles_are_refused() -> None:
    standin = Standin()
    base = f"/providers/Microsoft.Billing/billingAccounts/{EA}"
    account = json_of(standin.call("GET", base))
    assert account["properties"]["agreementType"] == "EnterpriseAgreement"
    profile = f"{base}/billingProfiles/EA-BG7"
    for path in (f"{base}/billingProfiles", profile, f"{profile}/billingRoleAssignments"):
        refused = standin.call("GET", path)
        assert refused.status == 422
        assert json_of(refused)["code"] == "UnprocessableEntity"
    rows = json_of(standin.call("GET", f"{base}/billingRoleAssignments"))["value"]
    assert len(rows) == 2
    assert all("_" not in row["name"] for row in rows)


async def test_an_enterprise_accounts_profiles_can_be_read_and_no_more_when_so_switched() -> None:
    standin = Standin(unmanaged_profiles="readable")
    profile = f"/providers/Microsoft.Billing/billingAccounts/{EA}/billingProfiles/EA-BG7"
    async with standin.client() as client:
        found = [each async for each in client.billing_profiles.list_by_billing_account(EA)]
    assert [each.name for each in found] == ["EA-BG7"]
    assert properties(standin, profile)["hasReadAccess"] is True
    assert standin.call("GET", f"{profile}/billingRoleDefinitions").status == 200
    assert standin.call("GET", f"{profile}/billingRoleAssignments").status == 422
    assert standin.call("PUT", profile, body={"properties": {}}).status == 422
    assert standin.call("POST", f"{profile}/createBillingRoleAssignment", body={}).status == 422
    assert standin.call("GET", profile, by=PROFILE_OWNER).status == 401


async def test_associated_tenants_are_listed_without_revoked_ones() -> None:
    standin = Standin()
    async with standin.client() as client:
        found = [each async for each in client.associated_tenants.list_by_billing_account(MCA)]
        every = [each async for each in client.associated_tenants.list_by_billing_account(MCA, include_revoked=True)]
    assert [each.name for each in found] == [OTHER_TENANT]
    assert found[0].properties is not None
    assert found[0].properties.billing_management_state == "Active"
    assert len(every) == 2


async def test_a_reader_cannot_update() -> None:
    standin = Standin()
    sent = writable(standin)
    for caller in (READER, MANAGER):
        assert standin.call("PUT", P, body=sent, by=caller).status == 403
        assert standin.call("DELETE", P, by=caller).status == 403
    assert standin.model.audit == []
