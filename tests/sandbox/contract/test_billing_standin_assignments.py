"""Role assignments of the billing stand-in: each rule and switch, through the real client or as bare HTTP."""

from datetime import UTC, datetime

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.billing.models import BillingRoleAssignmentProperties

from sandbox.billing import AuditEntry
from tests.sandbox.contract.billing_standin import (
    ACCOUNT_OWNER,
    ACCOUNT_OWNER_ROLE,
    ANNA,
    APP,
    BEN,
    DE,
    EA,
    ENTERPRISE_ADMIN,
    GROUP,
    INVOICE_MANAGER,
    MANAGER,
    MCA,
    NL,
    NOBODY,
    OTHER_TENANT,
    PROFILE_OWNER,
    PROFILE_OWNER_ROLE,
    PROFILE_READER_ROLE,
    START,
    TENANT,
    A,
    P,
    Standin,
    json_of,
)

ANNAS = f"{INVOICE_MANAGER}_{ANNA}"


def asked(principal: str, role: str = INVOICE_MANAGER) -> BillingRoleAssignmentProperties:
    return BillingRoleAssignmentProperties(
        principal_id=principal,
        principal_tenant_id=TENANT,
        role_definition_id=f"{P}/billingRoleDefinitions/{role}",
    )


async def names(standin: Standin, profile: str = NL) -> list[str]:
    async with standin.client(ACCOUNT_OWNER) as client:
        pages = client.billing_role_assignments.list_by_billing_profile(MCA, profile)
        return [str(row.name) async for row in pages]


async def test_a_created_assignment_is_named_by_role_and_principal_and_says_who_made_it() -> None:
    standin = Standin()
    async with standin.client(PROFILE_OWNER) as client:
        poller = await client.billing_role_assignments.begin_create_by_billing_profile(MCA, NL, asked(ANNA))
        created = await poller.result()
        read = await client.billing_role_assignments.get_by_billing_profile(MCA, NL, ANNAS)
    for row in (created, read):
        assert row.name == ANNAS
        assert row.id == f"{P}/billingRoleAssignments/{ANNAS}"
        assert row.properties is not None
        assert row.properties.principal_id == ANNA
        assert row.properties.principal_type == "User"
        assert row.properties.scope == P
        assert row.properties.role_definition_id == f"{P}/billingRoleDefinitions/{INVOICE_MANAGER}"
        assert row.properties.created_by_principal_id == PROFILE_OWNER
        assert row.properties.created_by_principal_tenant_id == TENANT
        assert row.properties.modified_on == datetime(1, 1, 1, tzinfo=UTC)
        assert row.properties.user_email_address is None
    assert standin.clock.slept == []


@pytest.mark.parametrize(("principal", "kind"), [(APP, "ServicePrincipal"), (GROUP, "Group")])
async def test_the_principal_type_comes_from_the_directory(principal: str, kind: str) -> None:
    standin = Standin()
    assert json_of(standin.create(principal))["properties"]["principalType"] == kind


@pytest.mark.parametrize(("whole", "fraction"), [(True, "0000000"), (False, "6543210")])
async def test_created_on_has_seven_digits_cut_to_the_second_when_so_switched(*, whole: bool, fraction: str) -> None:
    standin = Standin(whole_second_timestamps=whole)
    created = json_of(standin.create(ANNA))["properties"]
    assert created["createdOn"] == "2026-03-02T09:00:00.6543210Z"
    properties = json_of(standin.call("GET", f"{P}/billingRoleAssignments/{ANNAS}"))["properties"]
    assert properties["createdOn"] == f"2026-03-02T09:00:00.{fraction}Z"
    assert properties["modifiedOn"] == "0001-01-01T00:00:00.0000000Z"


@pytest.mark.parametrize("polls", [0, 3])
async def test_a_create_answered_with_202_is_done_after_its_seconds_and_polls(polls: int) -> None:
    standin = Standin(create_status=202, create_polls=polls)
    async with standin.client(PROFILE_OWNER) as client:
        poller = await client.billing_role_assignments.begin_create_by_billing_profile(MCA, NL, asked(ANNA))
        assert ANNAS not in await names(standin)
        created = await poller.result()
    assert created.name == ANNAS
    assert created.properties is not None
    assert created.properties.created_by_principal_id == PROFILE_OWNER
    assert ANNAS in await names(standin)
    assert standin.clock.slept == [5.0] * max(1, polls)


async def test_a_create_answered_with_202_is_done_even_if_nobody_polls() -> None:
    standin = Standin(create_status=202)
    accepted = standin.create(ANNA)
    assert accepted.status == 202
    assert accepted.body == b""
    assert accepted.headers["retry-after"] == "5"
    standin.clock.pass_by(5)
    assert ANNAS in await names(standin)


async def test_a_failing_operation_tells_so_at_its_end_and_changes_nothing() -> None:
    standin = Standin(create_status=202, operation_failure_status=409)
    async with standin.client(PROFILE_OWNER) as client:
        poller = await client.billing_role_assignments.begin_create_by_billing_profile(MCA, NL, asked(ANNA))
        with pytest.raises(HttpResponseError) as failure:
            await poller.result()
    assert failure.value.status_code == 409
    assert ANNAS not in await names(standin)


async def test_a_duplicate_answers_with_the_existing_assignment() -> None:
    standin = Standin()
    first = json_of(standin.create(ANNA))
    standin.clock.pass_by(60)
    second = standin.create(ANNA, by=APP)
    assert second.status == 200
    assert json_of(second) == first
    assert [entry.changed for entry in standin.model.audit] == [True, False]


async def test_a_duplicate_conflicts_when_so_switched() -> None:
    standin = Standin(duplicate="conflict")
    async with standin.client(PROFILE_OWNER) as client:
        with pytest.raises(ResourceExistsError):
            await client.billing_role_assignments.begin_create_by_billing_profile(MCA, NL, asked(MANAGER))


async def test_two_creates_under_way_make_one_assignment() -> None:
    standin = Standin(create_status=202)
    standin.create(ANNA)
    standin.clock.pass_by(2)
    standin.create(ANNA, by=APP)
    standin.clock.pass_by(10)
    assert (await names(standin)).count(ANNAS) == 1
    row = json_of(standin.call("GET", f"{P}/billingRoleAssignments/{ANNAS}"))
    assert row["properties"]["createdByPrincipalId"] == PROFILE_OWNER


@pytest.mark.parametrize(("kind", "maker"), [("object-id", APP), ("absent", None)])
async def test_whether_a_service_principal_is_named_as_maker_is_a_switch(kind: str, maker: str | None) -> None:
    standin = Standin(created_by_service_principal=kind)
    properties = json_of(standin.create(ANNA, by=APP))["properties"]
    assert properties.get("createdByPrincipalId") == maker
    assert ("createdByPrincipalTenantId" in properties) == (maker is not None)
    by_a_user = json_of(standin.create(BEN, by=PROFILE_OWNER))["properties"]
    assert by_a_user["createdByPrincipalId"] == PROFILE_OWNER


async def test_a_body_wrapped_in_properties_is_refused_with_problem_details() -> None:
    standin = Standin()
    body = {"properties": asked(ANNA).as_dict()}
    refused = standin.call("POST", f"{P}/createBillingRoleAssignment", body=body)
    assert refused.status == 400
    assert refused.headers["content-type"].startswith("application/problem+json")
    problem = json_of(refused)
    assert "error" not in problem
    assert problem["errors"]["RoleDefinitionId"] == ["The RoleDefinitionId field is required."]
    assert set(problem["errors"]) == {
        "PrincipalId",
        "UserEmailAddress",
        "UserAuthenticationType",
        "RoleDefinitionId",
    }
    assert ANNAS not in await names(standin)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("principalId", "anna@contoso.com", "PrincipalId"),
        ("principalId", 7, "PrincipalId"),
        ("principalTenantId", "contoso", "PrincipalTenantId"),
        ("roleDefinitionId", "", "RoleDefinitionId"),
        ("roleDefinitionId", f"{A}/billingRoleDefinitions/{ACCOUNT_OWNER_ROLE}", "RoleDefinitionId"),
        ("roleDefinitionId", "40000000-aaaa-bbbb-cccc-100000000003", "RoleDefinitionId"),
    ],
)
async def test_a_wrong_field_of_a_create_is_named(field: str, value: object, named: str) -> None:
    standin = Standin()
    body = asked(ANNA).as_dict() | {field: value}
    refused = standin.call("POST", f"{P}/createBillingRoleAssignment", body=body)
    assert refused.status == 400
    assert named in json_of(refused)["errors"]
    assert standin.model.audit == []


@pytest.mark.parametrize(
    "definition",
    [
        INVOICE_MANAGER,
        INVOICE_MANAGER.upper(),
        f"{A}/billingRoleDefinitions/{INVOICE_MANAGER}",
        f"{P}/{INVOICE_MANAGER}",
    ],
)
async def test_only_the_last_segment_of_a_role_definition_counts(definition: str) -> None:
    standin = Standin()
    body = asked(ANNA).as_dict() | {"roleDefinitionId": definition}
    created = standin.call("POST", f"{P}/createBillingRoleAssignment", body=body)
    assert json_of(created)["properties"]["roleDefinitionId"] == f"{P}/billingRoleDefinitions/{INVOICE_MANAGER}"


@pytest.mark.parametrize(
    ("status", "said"),
    [(400, '"PrincipalId":'), (404, "one of its dependencies could not be found"), (422, "PrincipalNotFound")],
)
async def test_an_unknown_principal_is_refused(status: int, said: str) -> None:
    standin = Standin(unknown_principal_status=status)
    refused = standin.create(NOBODY)
    assert refused.status == status
    assert said in refused.body.decode()
    assert standin.model.audit == []


async def test_a_list_shows_what_was_made_at_the_profile_and_nothing_inherited() -> None:
    standin = Standin()
    assert await names(standin) == [
        f"{PROFILE_OWNER_ROLE}_{PROFILE_OWNER}",
        "40000000-aaaa-bbbb-cccc-100000000001_00000000-0000-4000-8000-000000000003",
        f"{PROFILE_READER_ROLE}_00000000-0000-4000-8000-000000000004",
        f"{INVOICE_MANAGER}_{MANAGER}",
        f"{PROFILE_OWNER_ROLE}_{APP}",
    ]
    assert await names(standin, DE) == []
    async with standin.client() as client:
        rows = [row async for row in client.billing_role_assignments.list_by_billing_account(MCA)]
    assert [row.name for row in rows] == [f"{ACCOUNT_OWNER_ROLE}_{ACCOUNT_OWNER}"]


async def test_neither_list_nor_get_tells_an_address_and_resolve_does() -> None:
    standin = Standin()
    async with standin.client(PROFILE_OWNER) as client:
        listed = [row async for row in client.billing_role_assignments.list_by_billing_profile(MCA, NL)]
        poller = await client.billing_role_assignments.begin_resolve_by_billing_profile(MCA, NL)
        resolved = (await poller.result()).value
    assert all(row.properties and row.properties.user_email_address is None for row in listed)
    assert resolved is not None
    assert [row.name for row in resolved] == [row.name for row in listed]
    manager = next(row.properties for row in resolved if row.name == f"{INVOICE_MANAGER}_{MANAGER}")
    assert manager is not None
    assert manager.user_email_address == "05@contoso.com"
    assert manager.principal_display_name == "Person 05"
    assert manager.billing_profile_display_name is None
    app = next(row.properties for row in resolved if row.properties and row.properties.principal_id == APP)
    assert app.user_email_address is None


async def test_resolve_answers_202_with_the_unresolved_list_and_a_new_location_each_time() -> None:
    standin = Standin()
    first = standin.call("POST", f"{P}/resolveBillingRoleAssignments", by=PROFILE_OWNER)
    location = first.headers["location"].removeprefix("https://management.azure.com")
    standin.clock.pass_by(1)
    second = standin.call("GET", location, by=PROFILE_OWNER)
    assert first.status == second.status == 202
    assert first.headers["retry-after"] == second.headers["retry-after"] == "5"
    assert json_of(first) == json_of(second)
    assert len(json_of(first)["value"]) == 5
    assert second.headers["location"] != first.headers["location"]
    standin.clock.pass_by(5)
    again = second.headers["location"].removeprefix("https://management.azure.com")
    last = standin.call("GET", again, by=PROFILE_OWNER)
    assert last.status == 200
    assert json_of(last)["value"][0]["properties"]["userEmailAddress"] == "02@contoso.com"


async def test_resolve_names_scopes_when_asked_to() -> None:
    standin = Standin()
    async with standin.client() as client:
        poller = await client.billing_role_assignments.begin_resolve_by_billing_profile(
            MCA, NL, resolve_scope_display_names=True
        )
        rows = (await poller.result()).value
    assert rows
    assert rows[0].properties is not None
    assert rows[0].properties.billing_profile_display_name == "Contoso Nederland"
    assert rows[0].properties.billing_account_display_name == "Contoso"


async def test_deleting_answers_200_and_then_204() -> None:
    standin = Standin()
    standin.create(ANNA)
    path = f"{P}/billingRoleAssignments/{ANNAS}"
    assert standin.call("DELETE", path).status == 200
    assert standin.call("DELETE", path).status == 204
    assert standin.call("GET", path).status == 404
    async with standin.client() as client:
        await client.billing_role_assignments.delete_by_billing_profile(MCA, NL, ANNAS)
        with pytest.raises(ResourceNotFoundError):
            await client.billing_role_assignments.get_by_billing_profile(MCA, NL, ANNAS)
    assert [entry.operation for entry in standin.model.audit] == [
        "create-role-assignment",
        "delete-role-assignment",
    ]


@pytest.mark.parametrize("status", [400, 409])
async def test_the_last_owner_of_a_scope_cannot_be_removed(status: int) -> None:
    standin = Standin(last_owner_status=status)
    owners = [f"{PROFILE_OWNER_ROLE}_{each}" for each in (APP, PROFILE_OWNER)]
    assert standin.call("DELETE", f"{P}/billingRoleAssignments/{owners[0]}").status == 200
    refused = standin.call("DELETE", f"{P}/billingRoleAssignments/{owners[1]}")
    assert refused.status == status
    assert owners[1] in await names(standin)
    last = f"{A}/billingRoleAssignments/{ACCOUNT_OWNER_ROLE}_{ACCOUNT_OWNER}"
    assert standin.call("DELETE", last).status == status


async def test_an_inherited_assignment_cannot_be_removed_below() -> None:
    standin = Standin()
    name = f"{ACCOUNT_OWNER_ROLE}_{ACCOUNT_OWNER}"
    refused = standin.call("DELETE", f"{P}/billingRoleAssignments/{name}")
    assert refused.status == 400
    assert standin.call("GET", f"{A}/billingRoleAssignments/{name}").status == 200


async def test_a_grant_becomes_visible_late_when_so_switched() -> None:
    standin = Standin(grants_visible_after_seconds=30)
    created = standin.create(ANNA)
    assert created.status == 200
    path = f"{P}/billingRoleAssignments/{ANNAS}"
    standin.clock.pass_by(29)
    assert standin.call("GET", path).status == 404
    assert ANNAS not in await names(standin)
    assert json_of(standin.create(ANNA)) == json_of(created)
    standin.clock.pass_by(1)
    assert standin.call("GET", path).status == 200
    assert ANNAS in await names(standin)


async def test_a_revoke_becomes_visible_late_when_so_switched() -> None:
    standin = Standin(revokes_visible_after_seconds=30)
    standin.create(ANNA)
    path = f"{P}/billingRoleAssignments/{ANNAS}"
    assert standin.call("DELETE", path).status == 200
    standin.clock.pass_by(29)
    assert ANNAS in await names(standin)
    assert standin.call("DELETE", path).status == 204
    standin.clock.pass_by(1)
    assert standin.call("GET", path).status == 404


async def test_an_assignment_deleted_and_made_by_hand_has_the_new_maker() -> None:
    standin = Standin()
    standin.create(ANNA, by=APP)
    standin.call("DELETE", f"{P}/billingRoleAssignments/{ANNAS}")
    standin.clock.pass_by(5)
    standin.create(ANNA, by=PROFILE_OWNER)
    properties = json_of(standin.call("GET", f"{P}/billingRoleAssignments/{ANNAS}"))["properties"]
    assert properties["createdByPrincipalId"] == PROFILE_OWNER
    assert properties["createdOn"] == "2026-03-02T09:00:05.0000000Z"


async def test_another_tenants_principal_waits_until_it_accepts() -> None:
    standin = Standin()
    body = asked(NOBODY, PROFILE_OWNER_ROLE).as_dict() | {"principalTenantId": OTHER_TENANT}
    created = json_of(standin.call("POST", f"{P}/createBillingRoleAssignment", body=body))
    assert created["properties"]["provisioningState"] == "Pending"
    request = created["properties"]["billingRequestId"]
    profile = standin.model.accounts[0].profiles[NL.casefold()]
    assert standin.model.permissions(NOBODY, profile) == []
    standin.model.decide_billing_request(request, approve=True)
    assert standin.model.permissions(NOBODY, profile) != []
    row = json_of(standin.call("GET", f"{P}/billingRoleAssignments/{created['name']}"))
    assert "provisioningState" not in row["properties"]
    with pytest.raises(LookupError):
        standin.model.decide_billing_request(request, approve=True)


async def test_a_declined_assignment_is_gone() -> None:
    standin = Standin()
    body = asked(NOBODY).as_dict() | {"principalTenantId": OTHER_TENANT}
    created = json_of(standin.call("POST", f"{P}/createBillingRoleAssignment", body=body))
    standin.model.decide_billing_request(created["properties"]["billingRequestId"], approve=False)
    assert standin.call("GET", f"{P}/billingRoleAssignments/{created['name']}").status == 404


async def test_a_tenant_that_is_not_associated_is_refused() -> None:
    standin = Standin()
    body = asked(ANNA).as_dict() | {"principalTenantId": NOBODY}
    refused = standin.call("POST", f"{P}/createBillingRoleAssignment", body=body)
    assert refused.status == 400
    assert "PrincipalTenantId" in json_of(refused)["errors"]


async def test_put_is_for_enterprise_agreements_only() -> None:
    standin = Standin()
    body = {"properties": asked(ANNA).as_dict()}
    path = f"{A}/billingRoleAssignments/{ANNAS}"
    for scope in (path, f"{P}/billingRoleAssignments/{ANNAS}"):
        refused = standin.call("PUT", scope, body=body)
        assert refused.status == 422
        assert json_of(refused)["code"] == "UnprocessableEntity"


async def test_an_enterprise_account_takes_put_with_the_clients_name_and_no_post() -> None:
    standin = Standin()
    scope = f"/providers/Microsoft.Billing/billingAccounts/{EA}"
    name = "11111111-2222-4333-8444-555555555555"
    properties = {"principalId": ANNA, "roleDefinitionId": "24f8edb6-1668-4659-b5e2-40bb5f3a7d7e"}
    path = f"{scope}/billingRoleAssignments/{name}"
    created = standin.call("PUT", path, by=ENTERPRISE_ADMIN, body={"properties": properties})
    replaced = standin.call("PUT", path, by=ENTERPRISE_ADMIN, body={"properties": properties})
    assert (created.status, replaced.status) == (201, 200)
    assert json_of(created)["name"] == name
    post = standin.call("POST", f"{scope}/createBillingRoleAssignment", by=ENTERPRISE_ADMIN, body=properties)
    assert post.status == 422
    bare = standin.call("PUT", path, by=ENTERPRISE_ADMIN, body=properties)
    assert bare.status == 400
    assert "properties.RoleDefinitionId" in json_of(bare)["errors"]


async def test_the_audit_tells_who_changed_what_and_cannot_be_reached_over_http() -> None:
    standin = Standin()
    standin.create(ANNA, by=APP)
    standin.clock.pass_by(1)
    standin.call("DELETE", f"{P}/billingRoleAssignments/{ANNAS}", by=PROFILE_OWNER)
    assert standin.model.audit == [
        AuditEntry(START, APP, "create-role-assignment", P, ANNA, INVOICE_MANAGER, changed=True),
        AuditEntry(standin.clock(), PROFILE_OWNER, "delete-role-assignment", P, ANNA, INVOICE_MANAGER, changed=True),
    ]
    assert standin.call("GET", "/audit").status == 404


async def test_a_role_at_the_account_is_created_there() -> None:
    standin = Standin()
    async with standin.client() as client:
        poller = await client.billing_role_assignments.begin_create_by_billing_account(
            MCA, asked(ANNA, "50000000-aaaa-bbbb-cccc-100000000002")
        )
        created = await poller.result()
        assert created.properties is not None
        assert created.properties.scope == A
        assert created.type == "Microsoft.Billing/billingAccounts/billingRoleAssignments"
        await client.billing_role_assignments.delete_by_billing_account(MCA, str(created.name))
        left = [row.name async for row in client.billing_role_assignments.list_by_billing_account(MCA)]
    assert left == [f"{ACCOUNT_OWNER_ROLE}_{ACCOUNT_OWNER}"]
