"""The billing adapter on answers of the kinds that were recorded from the real service, in process and on a socket.

Lives here: one small body for each kind, rebuilt with ids of our own, and what the adapter has to make of it. Nobody
outside has recorded every answer under the current api-version; where older ones differ, both kinds are here.
"""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest

from sandbox.shell import serve
from sandbox.wire import Request, Response, as_json
from shared.adapters.billing.arm import ArmBilling
from shared.domain.access.opt_in import FLAG
from shared.domain.billing import INVOICE_MANAGER, Written
from shared.domain.keys import ProfileKey
from shared.errors import AccessLost, Permanent, Transient
from shared.settings import Settings
from tests.app.contract.billing_script import (
    ACCOUNT,
    KEY,
    MANAGED,
    NAME,
    PERSON,
    PROFILE,
    PROFILE_ID,
    TENANT,
    Credential,
    Service,
    own_assignment,
    profile_row,
)

ACCOUNT_ID = PROFILE_ID.rpartition("/billingProfiles")[0]
OWNER_ROLE = "40000000-aaaa-bbbb-cccc-100000000000"
READER_ROLE = "40000000-aaaa-bbbb-cccc-100000000002"

HEADERS = {
    "api-supported-versions": "2019-10-01-preview, 2020-05-01, 2024-04-01, 2024-08-01-preview",
    "cache-control": "no-cache",
    "expires": "-1",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-ms-service-version": "10.6.2811.738",
}
NOT_FOUND = {"code": "NotFound", "message": "The resource or one of its dependencies could not be found."}
CONFLICT = {"code": "Conflict", "message": "The role assignment conflicts with an existing role assignment."}


def recorded(status: int, body: Any = None, **more: str) -> Response:
    """An answer with the service's own headers; without a body none about one."""
    headers = {**HEADERS, **{name.replace("_", "-"): value for name, value in more.items()}}
    return Response(status, headers) if body is None else as_json(status, body, headers)


def row_of_2020(**properties: Any) -> dict[str, Any]:
    """A row as lists had them in 2020: offsets written out, no type of principal, an older type of row."""
    return {
        "id": f"{PROFILE_ID}/billingRoleAssignments/{NAME}",
        "name": NAME,
        "properties": {
            "createdOn": "2020-10-11T21:22:46+00:00",
            "createdByPrincipalTenantId": TENANT,
            "createdByPrincipalId": MANAGED,
            "modifiedOn": "0001-01-01T00:00:00+00:00",
            "principalId": PERSON,
            "principalTenantId": TENANT,
            "roleDefinitionId": f"{PROFILE_ID}/billingRoleDefinitions/{INVOICE_MANAGER}",
            "scope": PROFILE_ID,
            **properties,
        },
        "type": "Microsoft.Billing/billingRoleAssignments",
    }


def row_by_puid() -> dict[str, Any]:
    """A row of an enterprise account in 2024: known by PUIDs alone, under a name of the client's choice."""
    name = "7c0f5a0e-0000-4000-8000-0000000000e1"
    return {
        "id": f"{PROFILE_ID}/billingRoleAssignments/{name}",
        "name": name,
        "properties": {
            "createdOn": "2021-02-22T17:29:26.4554261Z",
            "createdByPrincipalPuid": "10030000AAAAAAAA",
            "createdByUserEmailAddress": "a@contoso.example",
            "modifiedOn": "2021-02-22T17:29:26.4554261Z",
            "principalPuid": "10030000BBBBBBBB",
            "roleDefinitionId": f"{PROFILE_ID}/billingRoleDefinitions/{READER_ROLE}",
            "scope": PROFILE_ID,
            "userAuthenticationType": "Organization",
            "userEmailAddress": "b@contoso.example",
        },
        "type": "Microsoft.Billing/billingAccounts/billingRoleAssignments",
    }


def profile_of_a_partner(name: str, currency: str) -> dict[str, Any]:
    """A profile of a partner account: one per currency, without tags, recipients or terms."""
    return {
        "id": f"{ACCOUNT_ID}/billingProfiles/{name}",
        "name": name,
        "properties": {
            "billingRelationshipType": "CSPPartner",
            "billTo": {"addressLine1": "1 Way", "addressLine2": "", "city": "Paris", "country": "FR"},
            "currency": currency,
            "displayName": f"Contoso-{currency}",
            "enabledAzurePlans": [{"skuId": "0001", "skuDescription": "Microsoft Azure Plan"}],
            "hasReadAccess": True,
            "invoiceDay": 6,
            "invoiceEmailOptIn": False,
            "invoiceSections": {"hasMoreResults": False},
            "spendingLimit": "Off",
            "status": "Active",
            "systemId": name,
            "targetClouds": [],
        },
        "type": "Microsoft.Billing/billingAccounts/billingProfiles",
    }


class Shell(Protocol):
    """A way to have the adapter talk to a scripted service."""

    def __call__(self, service: Service) -> Any: ...


@dataclass(slots=True)
class Talking:
    """The adapter, and the address under which it reaches the service."""

    billing: ArmBilling
    base: str


@asynccontextmanager
async def in_process(service: Service) -> AsyncIterator[Talking]:
    yield Talking(service.billing(), "https://management.azure.com")


@asynccontextmanager
async def on_a_socket(service: Service) -> AsyncIterator[Talking]:
    standin = await serve(service.handle)
    settings = Settings.read(
        {
            "INVOICE_ACCESS_STORE": "sqlite:unused",
            "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
            "INVOICE_ACCESS_ARM_URL": standin.url,
        }
    )
    billing = ArmBilling(settings, Credential())
    try:
        yield Talking(billing, standin.url)
    finally:
        await billing.close()
        await standin.close()


everywhere = pytest.mark.parametrize("shell", [in_process, on_a_socket])


# -- what is not there, and what conflicts


@everywhere
async def test_a_404_without_an_error_around_it_is_absence(shell: Shell) -> None:
    service = Service(recorded(404, NOT_FOUND, x_ms_ratelimit_remaining_tenant_writes="1199"))
    assert len(service.handle(Request("GET", "/")).body) == 91  # as one of 2024 whose body nobody kept
    async with shell(service) as talking:
        assert await talking.billing.assignment(KEY, PERSON) is None
        assert await talking.billing.profile(KEY) is None
        assert await talking.billing.revoke_invoice_manager(own_assignment()) is Written.ALREADY
        with pytest.raises(Permanent, match="NotFound: The resource or one of its dependencies"):
            await talking.billing.assignments(KEY)
        with pytest.raises(Transient, match="one of its dependencies"):
            await talking.billing.grant_invoice_manager(KEY, PERSON)


@everywhere
async def test_a_409_without_an_error_around_it_says_that_it_is_there(shell: Shell) -> None:
    async with shell(Service(recorded(409, CONFLICT))) as talking:
        assert await talking.billing.grant_invoice_manager(KEY, PERSON) is Written.ALREADY
        with pytest.raises(Transient, match="Conflict: The role assignment conflicts"):
            await talking.billing.revoke_invoice_manager(own_assignment())


@everywhere
@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_in_words_that_nobody_knows_is_the_loss_of_our_role(shell: Shell, status: int) -> None:
    body = {"code": "Unauthorized", "message": "The client is not allowed to do that here."}
    async with shell(Service(recorded(status, body))) as talking:
        for call in (talking.billing.assignment(KEY, PERSON), talking.billing.profiles(ACCOUNT)):
            with pytest.raises(AccessLost, match="not allowed to do that here"):
                await call


@everywhere
async def test_a_validation_names_its_fields_in_capitals(shell: Shell) -> None:
    said = "PrincipalId or UserEmailAddress/UserAuthenticationType must be specified."
    problem = {
        "errors": {"Properties.PrincipalId": [said]},
        "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        "title": "One or more validation errors occurred.",
        "status": 400,
        "traceId": "00-1-2-00",
    }
    async with shell(Service(recorded(400, problem, content_type="application/problem+json"))) as talking:
        with pytest.raises(Transient, match=r"Properties\.PrincipalId"):
            await talking.billing.grant_invoice_manager(KEY, PERSON)
        with pytest.raises(Permanent, match=r"Properties\.PrincipalId"):
            await talking.billing.opt_in(PROFILE)


# -- lists


@everywhere
async def test_the_profiles_of_a_partner_are_read_without_what_they_lack(shell: Shell) -> None:
    names = {"AAAA-BBBB-BG7-CCC": "CHF", "BBBB-CCCC-BG7-DDDD-SGB": "SEK"}
    body = {"value": [profile_of_a_partner(name, currency) for name, currency in names.items()]}
    async with shell(Service(recorded(200, body, vary="Accept-Encoding,Accept-Encoding"))) as talking:
        found = await talking.billing.profiles(ACCOUNT)
    assert [profile.key for profile in found] == [ProfileKey(ACCOUNT, name) for name in names]
    assert [(one.display_name, one.invoice_email_opt_in, dict(one.tags)) for one in found] == [
        ("Contoso-CHF", False, {}),
        ("Contoso-SEK", False, {}),
    ]


@everywhere
async def test_tags_are_in_the_envelope_and_the_name_is_not_what_the_service_calls_it(shell: Shell) -> None:
    tagged = profile_row(systemId="YYYY-ZZZZ-BG7-TGB") | {"type": "x", "tags": {"company": "Contoso"}}
    bare = profile_row(systemId="WWWW-ZZZZ-BG7-TGB")
    bare |= {"id": f"{ACCOUNT_ID}/billingProfiles/Mine", "name": "Mine"}
    body = {"totalCount": 2, "value": [tagged, bare]}
    answer = recorded(200, body, x_ms_ratelimit_remaining_tenant_resource_requests="98")
    async with shell(Service(answer)) as talking:
        found = {profile.key.profile: dict(profile.tags) for profile in await talking.billing.profiles(ACCOUNT)}
    assert found == {KEY.profile: {"company": "Contoso"}, "Mine": {}}


@everywhere
async def test_a_link_to_the_next_page_is_relative_and_has_spaces_in_it(shell: Shell) -> None:
    query = "$skiptoken=L2FhZC85MDEtMDE%3D&$top=50&api-version=2024-04-01&periodStartDate=2000-01-01 00:00:00Z"
    first = {"nextLink": f"{ACCOUNT_ID}/billingProfiles?{query}", "totalCount": 2, "value": [profile_row()]}
    second = profile_row() | {"id": f"{ACCOUNT_ID}/billingProfiles/LAST", "name": "LAST"}
    service = Service(recorded(200, first), recorded(200, {"totalCount": 2, "value": [second]}))
    async with shell(service) as talking:
        found = await talking.billing.profiles(ACCOUNT)
    assert [profile.key.profile for profile in found] == [KEY.profile, "LAST"]
    sent = service.requests[1]
    assert sent.path == f"{ACCOUNT_ID}/billingProfiles"
    assert sent.query == query.replace(" ", "%20")


def many(count: int) -> Sequence[dict[str, Any]]:
    ids = [f"7c0f5a0e-0000-4000-8000-{number:012x}" for number in range(count)]
    return [row_of_2020(principalId=one) | {"name": f"{INVOICE_MANAGER}_{one}"} for one in ids]


@everywhere
@pytest.mark.parametrize("count", [36, 130])
async def test_every_assignment_may_be_on_one_page(shell: Shell, count: int) -> None:
    async with shell(Service(recorded(200, {"value": many(count)}))) as talking:
        found = await talking.billing.assignments(KEY)
    assert len({row.principal_id for row in found}) == count
    assert all(row.created_on == datetime(2020, 10, 11, 21, 22, 46, tzinfo=UTC) for row in found)


@everywhere
async def test_an_empty_creator_is_nobody(shell: Shell) -> None:
    nobodys = row_of_2020(createdByPrincipalId="", createdByPrincipalTenantId="")
    service = Service(recorded(200, {"value": [nobodys]}), recorded(200, nobodys))
    async with shell(service) as talking:
        (listed,) = await talking.billing.assignments(KEY)
        assert await talking.billing.assignment(KEY, PERSON) == listed
    assert (listed.created_by, listed.principal_type) == (None, None)


@everywhere
async def test_a_row_that_knows_its_principal_by_another_id_alone_costs_itself(shell: Shell) -> None:
    async with shell(Service(recorded(200, {"value": [row_by_puid(), row_of_2020()]}))) as talking:
        found = await talking.billing.assignments(KEY)
    assert [row.name for row in found] == [NAME]
    assert [(row.name, row.why) for row in found.unread] == [
        (row_by_puid()["name"], "properties.principalId is missing")
    ]


# -- writes


@everywhere
@pytest.mark.parametrize("status", [200, 201])
async def test_a_create_by_a_service_principal_names_its_maker_with_seven_digits(shell: Shell, status: int) -> None:
    made = row_of_2020(createdOn="2020-01-14T14:39:26.3342192+00:00")
    del made["properties"]["createdByPrincipalTenantId"]
    async with shell(Service(recorded(status, made), recorded(200, made))) as talking:
        assert await talking.billing.grant_invoice_manager(KEY, PERSON) is Written.DONE
        row = await talking.billing.assignment(KEY, PERSON)
    assert row is not None
    assert (row.created_by, row.created_on) == (MANAGED, datetime(2020, 1, 14, 14, 39, 26, 334219, UTC))


def an_update(base: Callable[[], str], retry_after: str) -> Service:
    """A PUT: 202 without a body, a signed address under the account, signed anew at each poll, done at the second."""

    def location(ticks: int) -> str:
        signature = f"&t={ticks}&c={'MIIHpT' * 500}&s={'Ab-_' * 300}&h=x"
        return f"{base()}{ACCOUNT_ID}/operationResults/putBillingProfile_1?api-version=2024-04-01{signature}"

    done = profile_row(poNumber="8901234", systemId="YYYY-ZZZZ-BG7-TGB") | {"type": "x"}
    done["properties"][FLAG] = True
    return Service(
        lambda _: recorded(202, location=location(1), retry_after=retry_after, content_length="0"),
        lambda _: recorded(202, location=location(2), retry_after=retry_after, content_length="0"),
        recorded(200, done),
    )


async def test_an_update_is_followed_for_as_long_as_it_asks() -> None:
    service = an_update(lambda: "https://management.azure.com", "10")
    async with in_process(service) as talking:
        await talking.billing.opt_in(PROFILE)
    assert service.verbs == ["PUT", "GET", "GET"]
    assert service.waits == [10, 10]
    assert ["&t=1&" in service.requests[1].query, "&t=2&" in service.requests[2].query] == [True, True]
    assert all(request.path.startswith(f"{ACCOUNT_ID}/operationResults/") for request in service.requests[1:])


async def test_an_update_is_followed_on_a_socket_with_its_long_addresses_untouched() -> None:
    base = ""
    service = an_update(lambda: base, "1")
    async with on_a_socket(service) as talking:
        base = talking.base
        await talking.billing.opt_in(PROFILE)
    assert service.verbs == ["PUT", "GET", "GET"]
    assert f"&c={'MIIHpT' * 500}&s={'Ab-_' * 300}&h=x" in service.requests[2].query
    body = json.loads(service.requests[0].body)
    assert body["properties"][FLAG] is True
