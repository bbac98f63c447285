"""Permissions of apps in the Graph stand-in: msgraph-sdk gives, lists and takes them; refusals on the wire."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.app_role_assignment import AppRoleAssignment
from msgraph.generated.models.o_data_errors.o_data_error import ODataError

from sandbox.graph.app_roles import GRAPH_APP_ID, graph_object_id
from sandbox.identity import Identity
from tests.sandbox.contract.graph_tenant import ANNA, PORTAL, TENANT, Tenant, app_identity

READ_GROUPS = "98830695-27a2-44f7-8c18-0c3ebc9698f6"
GRAPH = graph_object_id(TENANT)
APP = app_identity(frozenset({"User.Read.All"}))
NOBODY = "a0000000-0000-4000-8000-00000000dead"


@pytest.fixture
def tenant() -> Tenant:
    return Tenant(APP)


@pytest.fixture
async def sdk(tenant: Tenant) -> AsyncIterator[GraphServiceClient]:
    """Microsoft's client in the portal's name."""
    async with tenant.client(PORTAL) as http:
        adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(), http)
        adapter.base_url = "http://127.0.0.1:1/v1.0"
        yield GraphServiceClient(request_adapter=adapter)


def wanted(principal: str = APP.object_id, role: str = READ_GROUPS) -> AppRoleAssignment:
    return AppRoleAssignment(principal_id=UUID(principal), resource_id=UUID(GRAPH), app_role_id=UUID(role))


async def test_an_app_is_given_a_permission_has_it_and_loses_it(sdk: GraphServiceClient, tenant: Tenant) -> None:
    graph = await sdk.service_principals_with_app_id(GRAPH_APP_ID).get()
    assert graph is not None
    assert graph.id == GRAPH
    roles = {role.value: str(role.id) for role in graph.app_roles or []}
    assert roles["GroupMember.Read.All"] == READ_GROUPS
    given = sdk.service_principals.by_service_principal_id(GRAPH).app_role_assigned_to
    made = await given.post(wanted())
    assert made is not None
    assert (made.principal_type, made.resource_display_name) == ("ServicePrincipal", "Microsoft Graph")
    held = await sdk.service_principals.by_service_principal_id(APP.object_id).app_role_assignments.get()
    assert held is not None
    assert [str(row.app_role_id) for row in held.value or []] == [roles["User.Read.All"], READ_GROUPS]
    assert tenant.directory.speaker(APP.object_id).graph_permissions == {"User.Read.All", "GroupMember.Read.All"}  # type: ignore[union-attr]
    await given.by_app_role_assignment_id(str(made.id)).delete()
    assert [row.value for row in tenant.directory.app_roles.of(APP.object_id)] == ["User.Read.All"]


async def test_an_app_is_found_by_either_of_its_ids(sdk: GraphServiceClient) -> None:
    one = await sdk.service_principals.by_service_principal_id(APP.object_id).get()
    other = await sdk.service_principals_with_app_id(APP.client_id).get()
    assert one is not None
    assert other is not None
    assert one.id == other.id == APP.object_id
    assert one.service_principal_type == "ManagedIdentity"


@pytest.mark.parametrize(
    ("assignment", "status", "code", "said"),
    [
        (wanted(role="df021288-bdef-4463-88db-98f22de89214"), 400, "Request_BadRequest", "already exists on the obj"),
        (wanted(role=NOBODY), 400, "Request_BadRequest", "was not found on application"),
        (wanted(NOBODY), 404, "Request_ResourceNotFound", "does not exist"),
        (wanted(ANNA), 400, "Request_BadRequest", "can only be assigned to applications"),
    ],
)
async def test_what_cannot_be_assigned_is_refused(
    sdk: GraphServiceClient, assignment: AppRoleAssignment, status: int, code: str, said: str
) -> None:
    with pytest.raises(ODataError) as refused:
        await sdk.service_principals.by_service_principal_id(GRAPH).app_role_assigned_to.post(assignment)
    error = refused.value.error
    assert error is not None
    assert (refused.value.response_status_code, error.code) == (status, code)
    assert said in (error.message or "")


async def test_an_app_gives_itself_nothing_and_reads_apps_only_with_a_permission(tenant: Tenant) -> None:
    body = {"principalId": APP.object_id, "resourceId": GRAPH, "appRoleId": READ_GROUPS}
    async with tenant.client(APP) as http:
        for path in (f"/servicePrincipals/{APP.object_id}", f"/servicePrincipals(appId='{GRAPH_APP_ID}')"):
            assert (await http.get(path)).status_code == 403
        for answer in (
            await http.post(f"/servicePrincipals/{GRAPH}/appRoleAssignedTo", json=body),
            await http.post(f"/servicePrincipals/{APP.object_id}/appRoleAssignments", json=body),
            await http.delete(f"/servicePrincipals/{GRAPH}/appRoleAssignedTo/x"),
        ):
            assert answer.status_code == 403
    assert [row.value for row in tenant.directory.app_roles.of(APP.object_id)] == ["User.Read.All"]


async def test_both_sides_of_an_assignment_list_it_and_take_it(tenant: Tenant) -> None:
    body = {"principalId": APP.object_id, "resourceId": GRAPH, "appRoleId": READ_GROUPS}
    async with tenant.client(PORTAL) as http:
        wrong = await http.post(f"/servicePrincipals/{APP.object_id}/appRoleAssignedTo", json=body)
        assert (wrong.status_code, wrong.json()["error"]["message"]) == (400, "Not a valid reference update.")
        made = await http.post(f"/servicePrincipals/{APP.object_id}/appRoleAssignments", json=body)
        assert made.status_code == 201
        theirs = await http.get(f"/servicePrincipals/{GRAPH}/appRoleAssignedTo")
        assert made.json()["id"] in [row["id"] for row in theirs.json()["value"]]
        mine = f"/servicePrincipals/{APP.object_id}/appRoleAssignments/{made.json()['id']}"
        assert [(await http.delete(mine)).status_code for _ in range(2)] == [204, 404]


async def test_a_permission_counts_as_late_as_the_switch_says(tenant: Tenant) -> None:
    """A managed identity's tokens are kept for up to a day."""
    tenant.directory.switches.permission_lag_seconds = 86_400
    tenant.directory.app_roles.add(APP.object_id, READ_GROUPS)
    tenant.directory.app_roles.remove(tenant.directory.app_roles.of(APP.object_id)[0].id)
    async with tenant.client(APP) as http:
        assert (await _statuses(http)) == (200, 403)
    tenant.time.pass_by(hours=24)
    async with tenant.client(APP) as http:
        assert (await _statuses(http)) == (403, 200)


async def _statuses(http: httpx.AsyncClient) -> tuple[int, int]:
    return (await http.get("/users")).status_code, (await http.get("/groups")).status_code


async def test_a_new_identity_is_known_as_late_as_the_switch_says(tenant: Tenant) -> None:
    tenant.directory.switches.identity_lag_seconds = 30
    fresh = Identity("fresh", "c0000000-0000-4000-8000-00000000f00d", NOBODY, TENANT)
    tenant.directory.add_identity(fresh)
    async with tenant.client(PORTAL) as http:
        paths = (f"/servicePrincipals/{NOBODY}", f"/servicePrincipals(appId='{fresh.client_id}')")
        assert [(await http.get(path)).status_code for path in paths] == [404, 404]
        assert tenant.directory.principal_type(NOBODY) is None
        tenant.time.pass_by(seconds=30)
        assert [(await http.get(path)).status_code for path in paths] == [200, 200]
        assert tenant.directory.principal_type(NOBODY) == "ServicePrincipal"
