"""The Graph stand-in through Microsoft's own SDK: its builders ask, its typed models read the answers."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from kiota_abstractions.authentication import (
    AccessTokenProvider,
    AllowedHostsValidator,
    BaseBearerTokenAuthenticationProvider,
)
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_http.middleware.options import RetryHandlerOption
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
from msgraph.generated.groups.item.transitive_members.graph_user.graph_user_request_builder import (
    GraphUserRequestBuilder,
)
from msgraph.generated.models.directory_object import DirectoryObject
from msgraph.generated.models.group import Group
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.user import User
from msgraph.generated.models.user_collection_response import UserCollectionResponse
from msgraph.generated.users.item.check_member_groups.check_member_groups_post_request_body import (
    CheckMemberGroupsPostRequestBody,
)
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core import GraphClientFactory

from sandbox.contoso import contoso, names
from sandbox.graph import AUDIENCE, GraphModel, GraphService
from sandbox.identity import Identity, IdentityEndpoint
from sandbox.wire import Handler, Request, Response
from sandbox.world import parse_world
from tests.sandbox.contract.httpx_in_process import HandlerTransport

type Clients = Callable[[str], GraphServiceClient]

WORLD = parse_world(contoso())


class Time:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Token(AccessTokenProvider):
    def __init__(self, token: str) -> None:
        self._token = token

    async def get_authorization_token(
        self,
        uri: str,  # noqa: ARG002  the SDK's interface
        additional_authentication_context: dict[str, Any] | None = None,  # noqa: ARG002  likewise
    ) -> str:
        return self._token

    def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
        return AllowedHostsValidator(["127.0.0.1"])


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def permissions() -> list[str]:
    """What the app may do in Graph; a test may say otherwise."""
    return list(names.APP_PERMISSIONS)


@pytest.fixture
def identities(permissions: list[str]) -> tuple[Identity, ...]:
    portal, app = WORLD.principals()
    return portal, replace(app, graph_permissions=frozenset(permissions))


@pytest.fixture
def directory(time: Time, identities: tuple[Identity, ...]) -> GraphModel:
    return GraphModel(
        tenant_id=WORLD.tenant_id,
        identities=identities,
        users=[user.properties() for user in WORLD.users],
        deleted_users=[user.properties() for user in WORLD.deleted_users],
        groups=[group.properties() for group in WORLD.groups],
        clock=time,
        random_source=random.Random(1),
    )


@pytest.fixture
async def clients(directory: GraphModel, time: Time, identities: tuple[Identity, ...]) -> AsyncIterator[Clients]:
    """SDK clients by the name of the identity that they are."""
    endpoint = IdentityEndpoint(identities, clock=time)
    service = GraphService(directory, endpoint.authenticate(AUDIENCE))
    http = httpx.AsyncClient(transport=HandlerTransport(service.handle))
    client = GraphClientFactory.create_with_default_middleware(client=http)

    def of(name: str) -> GraphServiceClient:
        identity = next(i for i in identities if i.name == name)
        provider = BaseBearerTokenAuthenticationProvider(Token(endpoint.issue(identity, AUDIENCE)))
        adapter = GraphRequestAdapter(provider, client=client)
        adapter.base_url = "http://127.0.0.1:1/v1.0"
        return GraphServiceClient(request_adapter=adapter)

    yield of
    await http.aclose()


@pytest.fixture
def app(clients: Clients) -> GraphServiceClient:
    return clients(names.APP_NAME)


@pytest.fixture
def portal(clients: Clients) -> GraphServiceClient:
    return clients(names.PORTAL_NAME)


def selecting(*properties: str) -> RequestConfiguration[Any]:
    return RequestConfiguration(
        query_parameters=UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(select=list(properties))
    )


def listing(*, advanced: bool = True, **parameters: Any) -> RequestConfiguration[Any]:
    found: RequestConfiguration[Any] = RequestConfiguration(
        query_parameters=UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            count=True if advanced else None, **parameters
        )
    )
    if advanced:
        found.headers.add("ConsistencyLevel", "eventual")
    return found


def new_user(upn: str = "new.person@contoso.example", **more: Any) -> User:
    return User(
        account_enabled=True,
        display_name="New Person",
        mail_nickname="new.person",
        user_principal_name=upn,
        password_profile=PasswordProfile(password="xWwvJ]6NMw+bWH-d"),
        **more,
    )


async def refused(call: Awaitable[Any]) -> tuple[int | None, str | None]:
    with pytest.raises(ODataError) as caught:
        await call
    assert caught.value.error is not None
    assert caught.value.error.message
    inner = caught.value.error.inner_error
    assert inner is not None
    assert inner.request_id
    assert inner.client_request_id
    assert inner.date is not None
    return caught.value.response_status_code, caught.value.error.code


async def test_a_person_is_read_by_id_in_any_case_with_the_eleven_default_properties(
    app: GraphServiceClient,
) -> None:
    user = await app.users.by_user_id(names.FEMKE_DE_BOER.upper()).get()
    assert isinstance(user, User)
    assert user.id == names.FEMKE_DE_BOER
    assert user.display_name == "Femke de Boer"
    assert user.business_phones == []
    assert user.job_title == "Accounts payable clerk"
    assert user.department is None, "department does not come unless selected"
    assert user.account_enabled is None


async def test_selected_properties_come_typed(app: GraphServiceClient) -> None:
    user = await app.users.by_user_id(names.GRACE_TAYLOR).get(
        selecting(
            "accountEnabled",
            "department",
            "employeeHireDate",
            "employeeLeaveDateTime",
            "employeeOrgData",
            "onPremisesExtensionAttributes",
            "employeeType",
            "ageGroup",
        )
    )
    assert user is not None
    assert user.account_enabled is False
    assert user.department == "Finance"
    assert user.employee_hire_date is not None
    assert user.employee_hire_date.tzinfo is not None
    assert user.employee_leave_date_time == datetime(2025, 6, 30, 22, tzinfo=UTC)
    assert user.employee_org_data is not None
    assert user.employee_org_data.division == "contoso"
    assert user.on_premises_extension_attributes is not None
    assert user.on_premises_extension_attributes.extension_attribute1 is None
    assert user.age_group is None
    assert user.id is None


async def test_a_guest_is_read_by_a_name_with_a_hash_in_it(app: GraphServiceClient) -> None:
    upn = "ines.castro_northwind.example#EXT#@contoso.example"
    user = await app.users.by_user_id(upn).get(selecting("id", "userType"))
    assert user is not None
    assert (user.id, user.user_type) == (names.AUDITOR_GUEST, "Guest")


async def test_an_unknown_person_is_404_with_an_inner_error(app: GraphServiceClient) -> None:
    for key in ("b0a1d000-0000-4000-8000-000000099999", "nobody@contoso.example", "nonsense"):
        assert await refused(app.users.by_user_id(key).get()) == (404, "Request_ResourceNotFound")


async def test_an_advanced_filter_lists_and_counts(app: GraphServiceClient) -> None:
    page = await app.users.get(
        listing(
            filter="companyName eq 'contoso nederland' and department eq 'Finance'",
            select=["id", "companyName"],
            top=999,
        )
    )
    assert isinstance(page, UserCollectionResponse)
    assert page.value is not None
    assert names.FEMKE_DE_BOER in {user.id for user in page.value}
    assert {user.company_name for user in page.value} == {"Contoso Nederland"}
    assert page.odata_count == len(page.value)
    assert page.odata_next_link is None


async def test_the_same_filter_without_the_header_is_refused(app: GraphServiceClient) -> None:
    call = app.users.get(listing(advanced=False, filter="companyName eq 'Contoso Nederland'"))
    assert await refused(call) == (400, "Request_UnsupportedQuery")


async def pages(client: GraphServiceClient, first: RequestConfiguration[Any]) -> AsyncIterator[list[User]]:
    headers: RequestConfiguration[Any] = RequestConfiguration()
    headers.headers.add("ConsistencyLevel", "eventual")
    page = await client.users.get(first)
    while page is not None:
        yield page.value or []
        if page.odata_next_link is None:
            return
        page = await client.users.with_url(page.odata_next_link).get(headers)


@pytest.mark.parametrize("empty_pages", [False, True])
async def test_pages_hold_everybody_once_even_with_empty_ones_between(
    app: GraphServiceClient, directory: GraphModel, empty_pages: bool
) -> None:
    directory.switches.empty_pages = empty_pages
    found = [page async for page in pages(app, listing(select=["id"], top=100))]
    ids = [user.id for page in found for user in page]
    assert sorted(ids, key=str) == sorted(user.id for user in WORLD.users)
    assert len(ids) == len(set(ids))
    assert [len(page) for page in found] == ([0, 100, 0, 100, 0, 100, 0, 5] if empty_pages else [100, 100, 100, 5])


async def test_the_default_page_has_a_hundred(app: GraphServiceClient) -> None:
    page = await app.users.get()
    assert page is not None
    assert page.value is not None
    assert len(page.value) == 100
    assert page.odata_count is None
    assert page.odata_next_link is not None
    assert page.odata_next_link.startswith("http://127.0.0.1:1/v1.0/users?$skiptoken=")


async def test_ordering_down_pages_through_everybody(app: GraphServiceClient) -> None:
    first = listing(select=["displayName"], top=90, orderby=["displayName desc"])
    found = [str(user.display_name).casefold() async for page in pages(app, first) for user in page]
    assert len(found) == len(WORLD.users)
    assert found == sorted(found, reverse=True)


async def test_a_foreign_next_link_can_be_had(app: GraphServiceClient, directory: GraphModel) -> None:
    directory.switches.foreign_next_link = "https://graph.evil.example"
    page = await app.users.get()
    assert page is not None
    assert str(page.odata_next_link).startswith("https://graph.evil.example/v1.0/users?$skiptoken=")


async def test_a_person_is_hired_changed_deleted_restored_and_deleted_for_good(
    app: GraphServiceClient, portal: GraphServiceClient
) -> None:
    hired = datetime(2026, 4, 1, tzinfo=UTC)
    created = await portal.users.post(
        new_user(department="Finance", company_name="Contoso UK", employee_id="E50000", employee_hire_date=hired)
    )
    assert created is not None
    assert created.id is not None
    key = created.id
    person = app.users.by_user_id(key)
    seen = await person.get(selecting("department", "employeeHireDate", "userType", "passwordProfile"))
    assert seen is not None
    assert (seen.department, seen.employee_hire_date, seen.user_type) == ("Finance", hired, "Member")
    assert seen.password_profile is None

    assert await portal.users.by_user_id(key).patch(User(department="Sales", account_enabled=False)) is None
    seen = await person.get(selecting("department", "accountEnabled", "companyName"))
    assert seen is not None
    assert (seen.department, seen.account_enabled, seen.company_name) == ("Sales", False, "Contoso UK")

    await portal.users.by_user_id(key).delete()
    assert await refused(person.get()) == (404, "Request_ResourceNotFound")
    item = app.directory.deleted_items.by_directory_object_id(key)
    deleted = await item.get()
    assert isinstance(deleted, User)
    assert deleted.id == key
    as_user = await item.graph_user.get(selecting("employeeId", "userPrincipalName", "deletedDateTime"))
    assert as_user is not None
    assert as_user.employee_id == "E50000"
    assert as_user.deleted_date_time is not None
    assert as_user.user_principal_name == key.replace("-", "") + "new.person@contoso.example"

    await portal.directory.deleted_items.by_directory_object_id(key).restore.post()
    again = await app.users.by_user_id("new.person@contoso.example").get(selecting("id"))
    assert again is not None
    assert again.id == key
    assert await refused(item.get()) == (404, "Request_ResourceNotFound")

    await portal.users.by_user_id(key).delete()
    await portal.directory.deleted_items.by_directory_object_id(key).delete()
    assert await refused(item.get()) == (404, "Request_ResourceNotFound")
    assert await refused(person.get()) == (404, "Request_ResourceNotFound")


async def test_the_deleted_people_of_the_world_are_in_the_deleted_items_alone(
    app: GraphServiceClient,
) -> None:
    item = app.directory.deleted_items.by_directory_object_id(names.DELETED_CONTROLLER)
    deleted = await item.graph_user.get(selecting("employeeId"))
    assert deleted is not None
    assert deleted.employee_id == "E08001"
    found = await app.directory.deleted_items.graph_user.get()
    assert found is not None
    assert names.DELETED_CONTROLLER in {user.id for user in found.value or []}
    assert names.FEMKE_DE_BOER not in {user.id for user in found.value or []}


async def test_two_people_cannot_have_one_name(portal: GraphServiceClient) -> None:
    taken = "Femke.deBoer@contoso.example"
    assert await refused(portal.users.post(new_user(taken))) == (400, "Request_BadRequest")
    rename = portal.users.by_user_id(names.JAN_VISSER).patch(User(user_principal_name=taken))
    assert await refused(rename) == (400, "Request_BadRequest")
    same = User(user_principal_name=taken)
    await portal.users.by_user_id(names.FEMKE_DE_BOER).patch(same)


async def test_a_name_given_to_somebody_else_meanwhile_cannot_be_restored(portal: GraphServiceClient) -> None:
    await portal.users.by_user_id(names.JAN_VISSER).delete()
    await portal.users.post(new_user("jan.visser@contoso.example"))
    back = portal.directory.deleted_items.by_directory_object_id(names.JAN_VISSER).restore.post()
    assert await refused(back) == (400, "Request_BadRequest")


@pytest.mark.parametrize(
    "user",
    [
        User(additional_data={"departmnt": "Finance"}),
        User(id="b0a1d000-0000-4000-8000-000000000999"),
        User(department="x" * 65),
        User(department=""),
        User(additional_data={"department": 5}),
        User(additional_data={"accountEnabled": None}),
        User(additional_data={"employeeHireDate": "2026-01-01"}),
    ],
)
async def test_what_the_directory_cannot_hold_is_400_and_changes_nothing(
    portal: GraphServiceClient, directory: GraphModel, user: User
) -> None:
    before = directory.newest().live(names.FEMKE_DE_BOER)
    status, _ = await refused(portal.users.by_user_id(names.FEMKE_DE_BOER).patch(user))
    assert status == 400
    assert directory.newest().live(names.FEMKE_DE_BOER) == before


async def test_a_new_person_needs_what_graph_requires(portal: GraphServiceClient) -> None:
    for missing in (
        "account_enabled",
        "display_name",
        "mail_nickname",
        "user_principal_name",
        "password_profile",
    ):
        user = new_user()
        setattr(user, missing, None)
        assert await refused(portal.users.post(user)) == (400, "Request_BadRequest")


async def test_membership_is_asked_through_groups_in_groups(app: GraphServiceClient) -> None:
    back_office = await app.groups.by_group_id(names.TREASURY_BACK_OFFICE).members.get()
    assert back_office is not None
    within = next(m.id for m in back_office.value or [] if isinstance(m, User))
    asked = CheckMemberGroupsPostRequestBody(
        group_ids=[names.EXTERNAL_AUDIT, names.TREASURY, names.TREASURY_BACK_OFFICE, names.FEMKE_DE_BOER]
    )
    answer = await app.users.by_user_id(str(within)).check_member_groups.post(asked)
    assert answer is not None
    assert answer.value == [names.TREASURY, names.TREASURY_BACK_OFFICE]
    too_many = CheckMemberGroupsPostRequestBody(group_ids=[names.TREASURY] * 21)
    call = app.users.by_user_id(str(within)).check_member_groups.post(too_many)
    assert await refused(call) == (400, "Request_BadRequest")
    groups = await app.users.by_user_id(str(within)).transitive_member_of.get()
    assert groups is not None
    assert [type(group) for group in groups.value or []] == [Group, Group]
    assert {group.id for group in groups.value or []} == {names.TREASURY, names.TREASURY_BACK_OFFICE}


def cast(**parameters: Any) -> RequestConfiguration[Any]:
    found: RequestConfiguration[Any] = RequestConfiguration(
        query_parameters=GraphUserRequestBuilder.GraphUserRequestBuilderGetQueryParameters(count=True, **parameters)
    )
    found.headers.add("ConsistencyLevel", "eventual")
    return found


async def test_transitive_members_are_people_and_groups_and_the_cast_leaves_people(
    app: GraphServiceClient,
) -> None:
    treasury = app.groups.by_group_id(names.TREASURY)
    direct = await treasury.members.get()
    everything = await treasury.transitive_members.get()
    people = await treasury.transitive_members.graph_user.get(cast(select=["id", "department"], top=999))
    assert direct is not None
    assert everything is not None
    assert people is not None
    assert all(isinstance(found, DirectoryObject) for found in everything.value or [])
    assert names.TREASURY_BACK_OFFICE in {m.id for m in direct.value or [] if isinstance(m, Group)}
    assert {m.id for m in direct.value or []} < {m.id for m in everything.value or []}
    ids = {user.id for user in people.value or []}
    assert ids == {m.id for m in everything.value or [] if isinstance(m, User)}
    assert names.SANNE_BAKKER in ids
    assert names.DELETED_CONTROLLER not in ids, "a deleted member is not shown"
    assert {user.department for user in people.value or []} == {"Finance"}


async def test_a_cast_without_advanced_parameters_is_refused_unless_switched(
    app: GraphServiceClient, directory: GraphModel
) -> None:
    users = app.groups.by_group_id(names.TREASURY).transitive_members.graph_user
    assert await refused(users.get()) == (400, "Request_UnsupportedQuery")
    directory.switches.cast_needs_advanced = False
    found = await users.get()
    assert found is not None
    assert found.value


async def test_a_group_is_made_filled_emptied_and_deleted(app: GraphServiceClient, portal: GraphServiceClient) -> None:
    made = await portal.groups.post(
        Group(display_name="Invoices", mail_enabled=False, mail_nickname="invoices", security_enabled=True)
    )
    assert made is not None
    assert made.id is not None
    group = portal.groups.by_group_id(made.id)
    reference = ReferenceCreate(odata_id=f"https://graph.microsoft.com/v1.0/directoryObjects/{names.FEMKE_DE_BOER}")
    await group.members.ref.post(reference)
    assert await refused(group.members.ref.post(reference)) == (400, "Request_BadRequest")
    asked = CheckMemberGroupsPostRequestBody(group_ids=[made.id])
    answer = await app.users.by_user_id(names.FEMKE_DE_BOER).check_member_groups.post(asked)
    assert answer is not None
    assert answer.value == [made.id]
    await group.members.by_directory_object_id(names.FEMKE_DE_BOER).ref.delete()
    assert await refused(group.members.by_directory_object_id(names.FEMKE_DE_BOER).ref.delete()) == (
        404,
        "Request_ResourceNotFound",
    )
    members = await group.members.get()
    assert members is not None
    assert members.value == []
    await group.delete()
    assert await refused(app.groups.by_group_id(made.id).get()) == (404, "Request_ResourceNotFound")


async def test_a_reference_to_nobody_is_404(portal: GraphServiceClient) -> None:
    nobody = ReferenceCreate(odata_id="https://graph.microsoft.com/v1.0/users/b0a1d000-0000-4000-8000-000000099999")
    call = portal.groups.by_group_id(names.TREASURY).members.ref.post(nobody)
    assert await refused(call) == (404, "Request_ResourceNotFound")


async def test_groups_are_listed_by_filter(app: GraphServiceClient) -> None:
    found = await app.groups.get(
        RequestConfiguration(
            query_parameters=GroupsRequestBuilder.GroupsRequestBuilderGetQueryParameters(
                filter="startsWith(displayName,'treasury')", select=["id", "displayName"]
            )
        )
    )
    assert found is not None
    assert [group.id for group in found.value or []] == [names.TREASURY, names.TREASURY_BACK_OFFICE]
    one = await app.groups.by_group_id(names.TREASURY).get()
    assert one is not None
    assert (one.display_name, one.security_enabled, one.group_types) == ("Treasury", True, [])


async def test_the_app_may_read_and_not_write(app: GraphServiceClient, directory: GraphModel) -> None:
    denied = (403, "Authorization_RequestDenied")
    assert await refused(app.users.post(new_user())) == denied
    assert await refused(app.users.by_user_id(names.JAN_VISSER).patch(User(department="x"))) == denied
    assert await refused(app.users.by_user_id(names.JAN_VISSER).delete()) == denied
    assert await refused(app.groups.by_group_id(names.TREASURY).delete()) == denied
    assert [entry.status for entry in directory.audit] == [403] * 4
    assert {entry.caller_object_id for entry in directory.audit} == {names.APP_OBJECT_ID}


@pytest.mark.parametrize("permissions", [["User.Read.All"]])
async def test_with_user_read_all_alone_leave_dates_and_groups_are_blank(clients: Clients) -> None:
    app = clients(names.APP_NAME)
    user = await app.users.by_user_id(names.GRACE_TAYLOR).get(selecting("employeeLeaveDateTime", "id"))
    assert user is not None
    assert user.employee_leave_date_time is None, "blank, and no error"
    asked = CheckMemberGroupsPostRequestBody(group_ids=[names.TREASURY])
    call = app.users.by_user_id(names.SANNE_BAKKER).check_member_groups.post(asked)
    assert await refused(call) == (403, "Authorization_RequestDenied")
    groups = await app.users.by_user_id(names.SANNE_BAKKER).transitive_member_of.get()
    assert groups is not None
    (treasury,) = groups.value or []
    assert isinstance(treasury, Group)
    assert (treasury.id, treasury.display_name) == (names.TREASURY, None)


async def test_throttled_requests_are_429_with_the_retry_after_of_the_switch(
    app: GraphServiceClient, directory: GraphModel, time: Time
) -> None:
    directory.switches.throttle = True
    directory.switches.resource_units_per_10_seconds = 2
    directory.switches.retry_after_seconds = 200  # from 180 on the SDK does not retry by itself
    for _ in range(2):
        await app.users.by_user_id(names.JAN_VISSER).get()
    with pytest.raises(ODataError) as caught:
        await app.users.by_user_id(names.JAN_VISSER).get()
    assert caught.value.response_status_code == 429
    assert caught.value.response_headers["retry-after"] == "200"
    assert caught.value.response_headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    time.now += timedelta(seconds=11)
    assert await app.users.by_user_id(names.JAN_VISSER).get() is not None
    directory.switches.retry_after_seconds = None
    no_retry: RequestConfiguration[Any] = RequestConfiguration(
        options=[RetryHandlerOption(max_retries=0, should_retry=False)]
    )
    await app.users.by_user_id(names.JAN_VISSER).get()
    with pytest.raises(ODataError) as caught:
        await app.users.by_user_id(names.JAN_VISSER).get(no_retry)
    assert "retry-after" not in caught.value.response_headers


async def test_reads_trail_writes_by_the_replica_lag(
    app: GraphServiceClient, portal: GraphServiceClient, directory: GraphModel, time: Time
) -> None:
    directory.switches.replica_lag_seconds = 30
    await portal.users.by_user_id(names.JAN_VISSER).patch(User(department="Sales"))
    time.now += timedelta(seconds=10)
    await portal.users.by_user_id(names.JAN_VISSER).patch(User(department="IT"))
    created = await portal.users.post(new_user())
    assert created is not None

    async def department() -> str | None:
        user = await app.users.by_user_id(names.JAN_VISSER).get(selecting("department"))
        assert user is not None
        found: str | None = user.department
        return found

    assert await department() == "Finance"
    assert await refused(app.users.by_user_id(str(created.id)).get()) == (404, "Request_ResourceNotFound")
    time.now += timedelta(seconds=20)
    assert await department() == "Sales"
    time.now += timedelta(seconds=10)
    assert await department() == "IT"
    assert await app.users.by_user_id(str(created.id)).get() is not None


async def test_a_broken_connection_is_the_transports_error(directory: GraphModel) -> None:
    def cut(handler: Handler) -> Handler:
        return lambda request: Response(handler(request).status, hang_up=True)

    service = GraphService(directory, lambda _: None)
    async with httpx.AsyncClient(transport=HandlerTransport(cut(service.handle))) as client:
        with pytest.raises(httpx.ReadError):
            await client.get("http://127.0.0.1:1/v1.0/users")


def test_a_request_without_a_token_is_401(directory: GraphModel) -> None:
    service = GraphService(directory, lambda _: None)
    response = service.handle(Request("GET", "/v1.0/users", {}))
    assert response.status == 401
    assert b"InvalidAuthenticationToken" in response.body
