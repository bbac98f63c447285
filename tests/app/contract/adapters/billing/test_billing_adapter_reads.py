"""What the billing adapter reads out of every answer, and what it refuses to read into it."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.wire import Response, as_json
from shared.adapters.billing.arm import ArmBilling
from shared.domain.billing import INVOICE_MANAGER, AccountAssignment, Assignment, Written
from shared.domain.keys import ProfileKey
from shared.errors import FailedRead, InvoiceAccessError, MaybeWritten, Permanent
from tests.app.contract.billing_script import (
    ACCOUNT,
    KEY,
    MANAGED,
    NAME,
    OWN,
    PERSON,
    PROFILE_ID,
    SERVICES_OWN,
    Service,
    account_row,
    arm,
    assignment_row,
    bare,
    own_assignment,
    page,
    profile_row,
    without,
)

# -- one assignment


async def test_an_assignment_is_read_in_the_apps_own_spelling() -> None:
    service = Service(as_json(200, assignment_row(name=NAME.upper())))
    found = await service.billing().assignment(KEY, PERSON.upper())
    assert found == Assignment(
        profile=KEY,
        name=NAME.upper(),
        role=INVOICE_MANAGER,
        principal_id=PERSON,
        principal_type="User",
        created_by=MANAGED,
        created_on=datetime(2024, 3, 15, 22, 37, 20, 123456, UTC),
    )
    (request,) = service.requests
    assert request.path.endswith(f"/billingProfiles/{KEY.profile}/billingRoleAssignments/{NAME}")
    assert request.query == "api-version=2024-04-01"


@pytest.mark.parametrize("created_on", [..., None, "0001-01-01T00:00:00.0000000Z", "0001-01-01T00:00:00"])
async def test_a_row_that_does_not_say_when_it_was_made_has_no_time(created_on: Any) -> None:
    service = Service(as_json(200, assignment_row(createdOn=created_on, createdByPrincipalId=...)))
    found = await service.billing().assignment(KEY, PERSON)
    assert found is not None
    assert (found.created_on, found.created_by) == (None, None)


async def test_a_time_without_an_offset_is_in_utc() -> None:
    service = Service(as_json(200, assignment_row(createdOn="2024-03-15T22:37:20.0000000")))
    found = await service.billing().assignment(KEY, PERSON)
    assert found is not None
    assert found.created_on == datetime(2024, 3, 15, 22, 37, 20, tzinfo=UTC)


async def test_the_role_is_the_last_segment_of_whatever_id_the_service_gives() -> None:
    row = assignment_row(
        name="5b0b5a0e-0000-4000-8000-00000000000d",
        roleDefinitionId=f"/providers/Microsoft.Billing/billingAccounts/x/billingRoleDefinitions/{INVOICE_MANAGER}",
    )
    found = await Service(as_json(200, row)).billing().assignment(KEY, PERSON)
    assert found is not None
    assert (found.name, found.role) == ("5b0b5a0e-0000-4000-8000-00000000000d", INVOICE_MANAGER)


@pytest.mark.parametrize(
    "absent",
    [
        bare(404, "NotFound", "The resource or one of its dependencies could not be found."),
        bare(404, "notFound", "none"),
        bare(404, "BillingRoleAssignmentDoesNotExist", "none"),
        as_json(404, {"Code": "NotFound", "Message": "none"}),
        as_json(404, {"code": "NotFound", "message": None, "details": None, "target": None}),
        Response(404, {"content-type": "text/plain"}, b'{"code": "NotFound", "message": "none"}'),
        Response(404, {"content-type": "text/html"}, b'\xef\xbb\xbf{"code": "NotFound", "message": "none"}'),
        Response(404, {}, b'{"code": "NotFound", "message": "none"}'),
        arm(404, "NotFound", "There is no such assignment."),
        arm(404, "404", "There is no such assignment."),
        arm(404, "BillingProfileNotFound", "There is no such profile."),
        as_json(404, {"Error": {"Code": "NotFound", "Message": "none"}}),
        as_json(404, {"type": "x", "title": "Not Found", "status": 404, "traceId": "00-1"}),
        as_json(404, {"Title": "Not Found", "Status": 404}, {"content-type": "application/problem+json"}),
        as_json(404, {"errors": {"Name": ["There is none."]}, "title": "Not Found", "status": 404}),
        Response(404, SERVICES_OWN),
        as_json(404, {"code": "Vanished", "message": "in words nobody knows"}, SERVICES_OWN),
        arm(404, "ResourceNotFound", "of the service", **SERVICES_OWN),
    ],
)
async def test_the_services_own_404_means_absent(absent: Response) -> None:
    assert await Service(absent).billing().assignment(KEY, PERSON) is None
    assert await Service(absent).billing().profile(KEY) is None
    assert await Service(absent).billing().revoke_invoice_manager(own_assignment()) is Written.ALREADY


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response(404), FailedRead),
        (Response(404, {"content-type": "text/html"}, b"<html>gateway</html>"), FailedRead),
        (Response(404, SERVICES_OWN, b"<html>the host's own page</html>"), FailedRead),
        (as_json(404, {"hello": "world"}), FailedRead),
        (
            as_json(404, {"Message": "No HTTP resource was found that matches the request URI"}, SERVICES_OWN),
            FailedRead,
        ),
        (as_json(404, {"statusCode": 404, "message": "Resource not found"}), FailedRead),
        (as_json(404, {"error": "Not Found", "path": "/providers", "status": 404}), FailedRead),
        (as_json(404, {"code": 404, "message": "not found", "status": "Failure"}), FailedRead),
        (bare(404, "Vanished", "in words nobody knows"), FailedRead),
        (arm(404, "ResourceNotFound", "The Resource 'x' under resource group 'y' was not found."), FailedRead),
        (arm(404, "NotFound", "none", x_ms_failure_cause="gateway"), FailedRead),
        (Response(404, {"x-ms-failure-cause": "gateway", **SERVICES_OWN}), FailedRead),
        (arm(404, "InvalidResourceType", "The resource type could not be found."), Permanent),
        (bare(404, "MissingSubscription", "no valid tenant level resource provider"), Permanent),
        (arm(404, "ResourceProviderNotFound", "x", **SERVICES_OWN), Permanent),
    ],
)
async def test_a_404_of_somebody_else_is_never_absence(answer: Response, error: type[Exception]) -> None:
    reads: list[Callable[[ArmBilling], Any]] = [
        lambda billing: billing.assignment(KEY, PERSON),
        lambda billing: billing.profile(KEY),
    ]
    for read in reads:
        with pytest.raises(error) as caught:
            await read(Service(answer).billing())
        assert type(caught.value) is error
    with pytest.raises(InvoiceAccessError):
        await Service(answer).billing().revoke_invoice_manager(own_assignment())


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (assignment_row(principalId=...), "properties.principalId is missing"),
        (assignment_row(principalId=None), "properties.principalId"),
        (assignment_row(principalId=7), "properties.principalId"),
        (assignment_row(principalId=""), "properties.principalId"),
        (assignment_row(roleDefinitionId=...), "properties.roleDefinitionId is missing"),
        (assignment_row(createdOn="yesterday"), "properties.createdOn"),
        (assignment_row(createdOn=17), "properties.createdOn"),
        (assignment_row(createdByPrincipalId=True), "properties.createdByPrincipalId"),
        (without(assignment_row(), "name"), "name is missing"),
        (without(assignment_row(), "id"), "id is missing"),
        (without(assignment_row(), "properties"), "properties is missing"),
        (assignment_row() | {"properties": []}, "properties"),
        ([assignment_row()], "does not fit"),
        ({}, "id is missing"),
        (None, "does not fit"),
        (assignment_row(principalId="7c0f5a0e-0000-4000-8000-000000000002"), "another assignment"),
        (assignment_row(roleDefinitionId="/x/40000000-aaaa-bbbb-cccc-100000000000"), "another assignment"),
        (assignment_row(scope=PROFILE_ID.rpartition("/billingProfiles")[0]), "another assignment"),
    ],
)
async def test_an_answer_that_does_not_fit_is_a_failed_read_that_says_why(body: Any, named: str) -> None:
    with pytest.raises(FailedRead, match="Invoice manager assignment") as caught:
        await Service(as_json(200, body)).billing().assignment(KEY, PERSON)
    assert named in caught.value.reason


@pytest.mark.parametrize(
    "answer",
    [
        Response(200, {}, b"<html>signed out</html>"),
        Response(200, {}, b""),
        Response(200, {}, b"[" * 200_000),
        Response(200, {}, b"\xff\xfe\xfa"),
        Response(204),
        Response(302, {"location": "https://login.example/"}),
    ],
)
async def test_an_answer_that_is_no_answer_is_a_failed_read(answer: Response) -> None:
    service = Service(answer)
    with pytest.raises(FailedRead):
        await service.billing().assignment(KEY, PERSON)
    assert {request.base for request in service.requests} == {OWN}


# -- lists


async def test_pages_are_followed_as_the_service_links_them() -> None:
    token = "skiptoken=a+b%2Bc%3D{0}"
    service = Service(
        page(link=f"{OWN}{PROFILE_ID}/billingRoleAssignments?api-version=2024-04-01&{token}"),
        page(assignment_row(), assignment_row(name=NAME.upper()), link=f"{PROFILE_ID}/x?api-version=1&page=3"),
        page(assignment_row(name="other", principalId=MANAGED), link=""),
    )
    rows = await service.billing().assignments(KEY)
    assert [row.principal_id for row in rows] == [PERSON, MANAGED]
    assert service.requests[1].query == "api-version=2024-04-01&" + token.replace("{", "%7B").replace("}", "%7D")
    assert service.requests[2].query == "api-version=1&page=3"


async def test_pages_that_lead_back_to_themselves_end() -> None:
    there = page(assignment_row(), link=f"{OWN}/a?api-version=2024-04-01")
    back = page(link=f"{OWN}/b?api-version=2024-04-01")
    service = Service(there, back, there)
    with pytest.raises(FailedRead, match="no end"):
        await service.billing().assignments(KEY)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/next",
        "http://management.azure.com/next",
        "https://management.azure.com:444/next",
        "https://management.azure.com@evil.example/next",
        "https://management.azure.com.evil.example/next",
        "//evil.example/next",
        "https://[broken/next",
        "https://management.azure.com:port/next",
        "https://x:y@management.azure.com/next",
    ],
)
async def test_no_token_goes_to_a_foreign_host(elsewhere: str) -> None:
    service = Service(page(link=elsewhere))
    with pytest.raises(FailedRead):
        await service.billing().profiles(ACCOUNT)
    assert len(service.requests) == 1
    service = Service(Response(202, {"location": elsewhere, "retry-after": "1"}))
    with pytest.raises(MaybeWritten):
        await service.billing().grant_invoice_manager(KEY, PERSON)
    assert service.verbs == ["POST"]


async def test_the_default_port_written_out_is_our_own_host() -> None:
    service = Service(page(link="HTTPS://MANAGEMENT.azure.com:443/next"), page(profile_row()))
    assert [profile.key for profile in await service.billing().profiles(ACCOUNT)] == [KEY]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "value is missing"),
        ({"value": None}, "value"),
        ({"value": {}}, "value"),
        ({"value": [7]}, "value[0]"),
        ({"value": [], "nextLink": 7}, "nextLink"),
        ({"value": [without(assignment_row(), "name")]}, "name is missing"),
        ({"value": [without(assignment_row(), "properties")]}, "properties is missing"),
        ({"value": [assignment_row(roleDefinitionId=...)]}, "properties.roleDefinitionId is missing"),
        (
            {"value": [assignment_row(name=f"r_{number}", principalId=...) for number in range(4)]},
            "4 rows do not fit, such as properties.principalId is missing",
        ),
    ],
)
async def test_a_list_that_does_not_fit_is_never_an_empty_list(body: Any, named: str) -> None:
    with pytest.raises(FailedRead) as caught:
        await Service(as_json(200, body)).billing().assignments(KEY)
    assert named in caught.value.reason


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (assignment_row(name="odd", principalId=..., principalType="Everyone"), "properties.principalId is missing"),
        (assignment_row(name="odd", principalId="", principalType="Everyone"), "properties.principalId"),
        (assignment_row(name="odd", principalId=None, principalPuid="10030000BBBBBBBB"), "properties.principalId"),
        (assignment_row(name="odd", principalId=7), "properties.principalId"),
        (assignment_row(name="odd", createdOn="yesterday"), "properties.createdOn"),
        (assignment_row(name="odd", createdOn="9999-12-31T23:59:59Z"), "properties.createdOn"),
        (assignment_row(name="odd", createdByPrincipalId=True), "properties.createdByPrincipalId"),
    ],
)
async def test_a_row_that_does_not_fit_costs_itself_and_is_told(odd: Any, why: str) -> None:
    found = await Service(page(odd, assignment_row(), odd)).billing().assignments(KEY)
    assert [row.name for row in found] == [NAME]
    (unread,) = found.unread
    assert (unread.profile, unread.name) == (KEY, "odd")
    assert unread.why.startswith(why)


async def test_an_odd_row_from_elsewhere_is_nobodys_business_here() -> None:
    inherited = assignment_row(scope=PROFILE_ID.rpartition("/billingProfiles")[0], name="x", principalId=...)
    found = await Service(page(inherited, assignment_row())).billing().assignments(KEY)
    assert ([row.name for row in found], found.unread) == ([NAME], ())


async def test_what_is_inherited_from_elsewhere_was_not_made_at_the_profile() -> None:
    account = PROFILE_ID.rpartition("/billingProfiles")[0]
    service = Service(page(assignment_row(scope=account, name="inherited"), assignment_row(scope=PROFILE_ID.upper())))
    assert [row.name for row in await service.billing().assignments(KEY)] == [NAME]


async def test_a_list_of_what_is_not_there_is_an_error() -> None:
    with pytest.raises(Permanent, match="no such profile"):
        await Service(arm(404, "BillingProfileNotFound", "no such profile")).billing().assignments(KEY)


async def test_accounts_of_every_agreement_are_facts() -> None:
    service = Service(
        page(
            account_row(),
            account_row(name=ACCOUNT.replace(":", "%3A")),
            account_row(name="6575495", agreementType="EnterpriseAgreement", accountStatus=..., displayName=None),
            account_row(name="pending", accountStatus="Pending"),
        )
    )
    accounts = await service.billing().accounts()
    assert [(account.name, account.is_manageable) for account in accounts] == [
        (ACCOUNT, True),
        ("6575495", False),
        ("pending", False),
    ]


@pytest.mark.parametrize(
    ("row", "named"),
    [
        (account_row(agreementType=...), "agreementType"),
        (account_row(accountStatus=...), "accountStatus"),
        (account_row(agreementType="MicrosoftPartnerAgreement", accountStatus=None), "accountStatus"),
        (without(account_row(), "name"), "name"),
    ],
)
async def test_an_account_without_what_a_decision_needs_is_a_failed_read(row: Any, named: str) -> None:
    with pytest.raises(FailedRead, match=named):
        await Service(page(row)).billing().accounts()


# -- profiles


async def test_a_profile_carries_its_whole_properties_and_the_services_spelling() -> None:
    row = profile_row(soldTo={"city": "A"}, unheardOf=[1, None, {"a": 1.5}]) | {"tags": {"company": "Contoso"}}
    service = Service(as_json(200, row))
    profile = await service.billing().profile(ProfileKey.parse(str(KEY).lower()))
    assert profile is not None
    assert str(profile.key) == str(KEY)
    assert profile.properties == row["properties"]
    assert profile.tags == {"company": "Contoso"}
    assert profile.invoice_email_opt_in is False


async def test_colons_may_be_encoded_in_ids() -> None:
    row = profile_row() | {"id": PROFILE_ID.replace(":", "%3A")}
    (profile,) = await Service(page(row)).billing().profiles(ACCOUNT)
    assert str(profile.key) == str(KEY)


@pytest.mark.parametrize(
    ("row", "named"),
    [
        (profile_row(displayName=...), "properties.displayName is missing"),
        (profile_row(status=...), "properties.status is missing"),
        (profile_row(invoiceEmailOptIn="false"), "properties.invoiceEmailOptIn"),
        (profile_row(invoiceEmailOptIn=0), "properties.invoiceEmailOptIn"),
        (profile_row() | {"tags": {"company": 7}}, "tags.company"),
        (profile_row() | {"name": "other"}, "another profile"),
        (profile_row() | {"id": PROFILE_ID.replace("11111111", "22222222")}, "another profile"),
        (profile_row() | {"id": "/providers/Microsoft.Billing/billingAccounts/x"}, "not a billing profile's"),
    ],
)
async def test_a_profile_without_what_a_decision_needs_is_a_failed_read(row: Any, named: str) -> None:
    with pytest.raises(FailedRead) as listed:
        await Service(page(row)).billing().profiles(ACCOUNT)
    with pytest.raises(FailedRead) as read:
        await Service(as_json(200, row)).billing().profile(KEY)
    assert named in listed.value.reason
    assert named in read.value.reason


async def test_a_profile_that_does_not_say_whether_it_mails_is_not_opted_out() -> None:
    profile = await Service(as_json(200, profile_row(invoiceEmailOptIn=...))).billing().profile(KEY)
    assert profile is not None
    assert profile.invoice_email_opt_in is None


async def test_a_list_that_goes_on_for_ever_ends() -> None:
    numbers = itertools.count()
    service = Service(lambda _request: page(link=f"/more?page={next(numbers)}"))
    with pytest.raises(FailedRead, match="no end"):
        await service.billing().assignments(KEY)


# -- what a profile says besides


@pytest.mark.parametrize("odd", ["5", 99, True, None, {"day": 5}, ["x"]])
async def test_odd_values_that_no_decision_rests_on_leave_a_profile_readable(odd: Any) -> None:
    row = profile_row(invoiceDay=odd, currency=[odd], invoiceRecipients={"a": odd})
    service = Service(as_json(200, row), page(row))
    billing = service.billing()
    one, (listed,) = await billing.profile(KEY), await billing.profiles(ACCOUNT)
    assert one == listed
    assert (listed.currency, listed.invoice_day, listed.invoice_recipients) == (None, None, ())
    assert listed.properties == row["properties"]


# -- the roles at an account

ACCOUNT_ID = PROFILE_ID.rpartition("/billingProfiles")[0]
ACCOUNT_READER = "50000000-aaaa-bbbb-cccc-100000000002"
READER_NAME = f"{ACCOUNT_READER}_{PERSON}"


def account_role(
    name: str = f"{ACCOUNT_READER}_{PERSON}", scope: str = ACCOUNT_ID, **properties: Any
) -> dict[str, Any]:
    role = f"{ACCOUNT_ID}/billingRoleDefinitions/{ACCOUNT_READER.upper()}"
    return assignment_row(name, scope=scope, **{"roleDefinitionId": role, **properties})


async def test_the_roles_at_an_account_are_read_page_by_page_each_in_our_spelling() -> None:
    other = account_role("second", principalId=MANAGED, principalType="ServicePrincipal", createdByPrincipalId="")
    service = Service(page(account_role(), link="?page=2"), page(other))
    read = await service.billing().account_assignments(ACCOUNT)
    assert read.unread == ()
    assert read.rows == (
        AccountAssignment(
            account=ACCOUNT,
            name=READER_NAME,
            role=ACCOUNT_READER,
            principal_id=PERSON,
            principal_type="User",
            created_by=MANAGED,
            created_on=datetime(2024, 3, 15, 22, 37, 20, 123456, UTC),
        ),
        AccountAssignment(
            account=ACCOUNT,
            name="second",
            role=ACCOUNT_READER,
            principal_id=MANAGED,
            principal_type="ServicePrincipal",
            created_on=datetime(2024, 3, 15, 22, 37, 20, 123456, UTC),
        ),
    )
    assert service.requests[0].path.endswith(f"/billingAccounts/{ACCOUNT}/billingRoleAssignments")


async def test_a_row_of_an_account_that_says_too_little_costs_itself_alone() -> None:
    nobodys = account_role("everyones", principalId=...)
    service = Service(page(account_role(), nobodys, account_role("a profiles", scope=PROFILE_ID)))
    read = await service.billing().account_assignments(ACCOUNT)
    assert [row.principal_id for row in read.rows] == [PERSON]
    assert read.unread == ("everyones",)


@pytest.mark.parametrize("row", [{}, {"name": "x"}, {"name": "", "properties": {"roleDefinitionId": "y"}}, {"name": 1}])
async def test_a_row_of_an_account_without_name_or_role_fails_the_list(row: dict[str, Any]) -> None:
    with pytest.raises(FailedRead, match="no name or no role"):
        await Service(page(account_role(), row)).billing().account_assignments(ACCOUNT)
