"""The directory adapter against the Graph stand-in: in process, and over loopback with a real credential."""

import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import quote

import pytest
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.identity.aio import ManagedIdentityCredential

from sandbox.graph import AUDIENCE, GraphModel, GraphService, Switches
from sandbox.graph.objects import Entry
from sandbox.identity import Identity, IdentityEndpoint
from sandbox.shell import serve
from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Request, Response, as_json
from shared.adapters.graph.directory import GraphDirectory
from shared.domain.keys import NameKey, NameKind
from shared.domain.people import AbsentPerson, DeletedPerson, Person
from shared.domain.policy.filter_push_down import LONGEST_FILTER
from shared.errors import FailedRead, Permanent, QueryRefused, Transient
from shared.settings import Settings

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
READ_ALL = frozenset({"User.Read.All", "GroupMember.Read.All", "User-LifeCycleInfo.Read.All"})


def guid(kind: int, number: int) -> str:
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


ANNA, ZOE, GUEST, GONE = (guid(1, n) for n in range(4))
FINANCE, ALL_STAFF, EMPTY, MISSING = (guid(2, n) for n in range(4))
CROWD = [guid(3, n) for n in range(2100)]

PEOPLE: list[dict[str, Any]] = [
    {
        "id": ANNA,
        "displayName": "Anna O'Brien",
        "userPrincipalName": "anna.o'brien@contoso.com",
        "mail": "Anna.O'Brien@contoso.com",
        "employeeId": "0042",
        "accountEnabled": True,
        "userType": "Member",
        "department": "Finance",
        "companyName": "Contoso Nederland",
        "employeeHireDate": "2020-01-01T00:00:00Z",
        "employeeLeaveDateTime": "2026-12-31T22:59:59Z",
        "onPremisesExtensionAttributes": {"extensionAttribute1": "NL01"},
    },
    {"id": ZOE, "userPrincipalName": "zoë@contoso.com", "accountEnabled": False, "department": "Sales"},
    {
        "id": GUEST,
        "userPrincipalName": "kim_fabrikam.com#EXT#@contoso.com",
        "accountEnabled": True,
        "userType": "Guest",
    },
]


@dataclass
class World:
    """A directory, the stand-in that speaks for it, who asks, and what time it is."""

    model: GraphModel
    endpoint: IdentityEndpoint
    service: GraphService
    clock: list[datetime]

    @classmethod
    def make(cls, permissions: frozenset[str], switches: Switches, *, crowd: int = 0) -> Self:
        app = Identity("app", "c-app", "o-app", "tenant", graph_permissions=permissions)
        endpoint = IdentityEndpoint([app])
        clock = [NOW]
        model = GraphModel(
            tenant_id="tenant",
            identities=[app],
            users=[
                *PEOPLE,
                *({"id": i, "userPrincipalName": f"{i}@contoso.com", "accountEnabled": True} for i in CROWD[:crowd]),
            ],
            deleted_users=[{"id": GONE, "userPrincipalName": "gone@contoso.com", "accountEnabled": True}],
            groups=[
                {"id": FINANCE, "displayName": "Finance", "members": [ANNA]},
                {"id": ALL_STAFF, "displayName": "All", "members": [FINANCE, ZOE, *CROWD[:crowd]]},
                {"id": EMPTY, "displayName": "Empty", "members": []},
            ],
            clock=lambda: clock[0],
            random_source=random.Random(7),
            switches=switches,
        )
        return cls(model, endpoint, GraphService(model, endpoint.authenticate(AUDIENCE)), clock)


def entry(world: World, object_id: str) -> Entry:
    """An object as it is now."""
    found = world.model.newest().entry(object_id)
    assert found is not None
    return found


def settings(graph_url: str) -> Settings:
    return Settings.read(
        {
            "INVOICE_ACCESS_GRAPH_URL": graph_url,
            "INVOICE_ACCESS_STORE": "sqlite:unused",
            "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
        }
    )


class Token:
    """A credential of this world, without a managed identity endpoint to ask."""

    def __init__(self, endpoint: IdentityEndpoint) -> None:
        self._endpoint = endpoint

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        (scope,) = scopes
        token = self._endpoint.issue(Identity("app", "c-app", "o-app", "tenant"), scope)
        return AccessToken(token, 9_999_999_999)

    async def close(self) -> None:
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


@contextlib.asynccontextmanager
async def in_process(world: World) -> AsyncIterator[GraphDirectory]:
    transport = HandlerTransport(world.service.handle)
    directory = GraphDirectory(settings("http://127.0.0.1:1"), Token(world.endpoint), transport=transport)
    yield directory
    await directory.close()


@contextlib.asynccontextmanager
async def over_sockets(world: World) -> AsyncIterator[GraphDirectory]:
    identity = await serve(world.endpoint.handle)
    graph = await serve(world.service.handle)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("IDENTITY_ENDPOINT", f"{identity.url}/msi/token")
        environment.setenv("IDENTITY_HEADER", "a secret of this process")
        credential: AsyncTokenCredential = ManagedIdentityCredential(client_id="c-app")
    directory = GraphDirectory(settings(graph.url), credential)
    try:
        yield directory
    finally:
        await directory.close()
        await credential.close()
        await graph.close()
        await identity.close()


@pytest.fixture(params=[in_process, over_sockets])
async def everyday(request: pytest.FixtureRequest) -> AsyncIterator[tuple[World, GraphDirectory]]:
    world = World.make(READ_ALL, Switches())
    async with request.param(world) as directory:
        yield world, directory


@contextlib.asynccontextmanager
async def bad_day(
    permissions: frozenset[str] = READ_ALL, *, crowd: int = 0, **switches: Any
) -> AsyncIterator[tuple[World, GraphDirectory]]:
    world = World.make(permissions, Switches(**switches), crowd=crowd)
    async with in_process(world) as directory:
        yield world, directory


async def test_a_person_is_read_whole_with_the_groups_that_were_asked_about(
    everyday: tuple[World, GraphDirectory],
) -> None:
    _, directory = everyday
    anna = await directory.person(ANNA, frozenset({ALL_STAFF, EMPTY, MISSING, FINANCE}))
    assert isinstance(anna, Person)
    assert anna.groups == {ALL_STAFF, FINANCE}
    assert anna.display_name == "Anna O'Brien"
    assert anna.hire_date == datetime(2020, 1, 1, tzinfo=UTC)
    assert anna.leave_date == datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)
    assert anna.attributes["department"] == "Finance"
    assert anna.attributes["onPremisesExtensionAttributes/extensionAttribute1"] == "NL01"
    assert anna.attributes["onPremisesExtensionAttributes/extensionAttribute2"] is None
    assert anna.attributes["city"] is None
    assert directory.calls == {"reads": 2}


async def test_groups_are_asked_about_alone_and_who_is_gone_meanwhile_is_in_doubt(
    everyday: tuple[World, GraphDirectory],
) -> None:
    world, directory = everyday
    assert await directory.groups_of(ANNA, frozenset({ALL_STAFF, EMPTY, MISSING, FINANCE})) == {ALL_STAFF, FINANCE}
    assert directory.calls == {"reads": 1}
    assert await directory.groups_of(ANNA, frozenset()) == frozenset()
    assert directory.calls == {"reads": 1}
    zoe = world.model.newest().live(ZOE)
    assert zoe is not None
    world.model.delete(zoe)
    with pytest.raises(Transient):
        await directory.groups_of(ZOE, frozenset({FINANCE}))


async def test_the_guest_the_deleted_and_the_unknown_are_told_apart(
    everyday: tuple[World, GraphDirectory],
) -> None:
    world, directory = everyday
    guest = await directory.person(GUEST, frozenset())
    assert isinstance(guest, Person)
    assert guest.is_guest
    assert await directory.person(GONE, frozenset({FINANCE})) == DeletedPerson(GONE)
    assert await directory.person(MISSING, frozenset()) == AbsentPerson(MISSING)
    zoe = world.model.newest().live(ZOE)
    assert zoe is not None
    world.model.delete(zoe)
    assert await directory.person(ZOE, frozenset()) == DeletedPerson(ZOE)
    deleted = world.model.newest().entry(ZOE)
    assert deleted is not None
    world.model.purge(deleted)
    assert await directory.person(ZOE, frozenset()) == AbsentPerson(ZOE)


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        (NameKind.UPN, "Anna.O'Brien@contoso.com", [ANNA]),
        (NameKind.MAIL, "anna.o'brien@CONTOSO.com", [ANNA]),
        (NameKind.EMPLOYEE_ID, "0042", [ANNA]),
        (NameKind.UPN, "kim_fabrikam.com#EXT#@contoso.com", [GUEST]),
        (NameKind.UPN, "zoë@contoso.com", [ZOE]),
        (NameKind.UPN, "gone@contoso.com", [GONE]),
        (NameKind.UPN, "one@contoso.com", []),
        (NameKind.EMPLOYEE_ID, "42", []),
        (NameKind.MAIL, "'or(id)ne'@x'", []),
    ],
)
async def test_people_are_found_by_what_others_call_them(
    everyday: tuple[World, GraphDirectory], kind: NameKind, value: str, found: list[str]
) -> None:
    _, directory = everyday
    assert await directory.find(NameKey(kind, value)) == found


@pytest.mark.parametrize("name", ["anna.o'brien@contoso.com", "Anna.Old@contoso.com", "anna@home.example"])
@pytest.mark.parametrize("kind", [NameKind.UPN, NameKind.MAIL])
async def test_who_has_another_name_by_now_is_found_by_their_other_addresses(kind: NameKind, name: str) -> None:
    async with bad_day() as (world, directory):
        change = {
            "userPrincipalName": "anna.de-vries@contoso.com",
            "mail": "anna.de-vries@contoso.com",
            "proxyAddresses": [
                "SMTP:anna.de-vries@contoso.com",
                "smtp:anna.o'brien@contoso.com",
                "smtp:anna.old@contoso.com",
            ],
            "otherMails": ["anna@home.example"],
        }
        world.service.model.update(entry(world, ANNA), change)
        assert await directory.find(NameKey(kind, name)) == [ANNA]
        assert directory.calls == {"reads": 2}


async def test_who_was_deleted_since_is_found_by_the_name_of_then() -> None:
    async with bad_day() as (world, directory):
        model = world.service.model
        model.update(entry(world, ANNA), {"mail": "anna@contoso.com", "otherMails": ["anna@home.example"]})
        for name in (ANNA, ZOE):
            model.delete(entry(world, name))
        for kind, value in (
            (NameKind.UPN, "anna.o'brien@contoso.com"),
            (NameKind.MAIL, "anna@contoso.com"),
            (NameKind.MAIL, "anna@home.example"),
            (NameKind.EMPLOYEE_ID, "0042"),
        ):
            assert await directory.find(NameKey(kind, value)) == [ANNA], value
        assert await directory.find(NameKey(NameKind.UPN, "n@contoso.com")) == [], "the end of a name is none"
        assert isinstance(await directory.person(ANNA, frozenset()), DeletedPerson)


async def test_who_is_found_at_once_costs_one_read_and_nobody_three() -> None:
    async with bad_day() as (_, directory):
        await directory.find(NameKey(NameKind.MAIL, "anna.o'brien@contoso.com"))
        assert directory.calls == {"reads": 1}
        assert await directory.find(NameKey(NameKind.MAIL, "nobody@contoso.com")) == []
        assert directory.calls == {"reads": 4}


async def test_a_directory_that_takes_no_such_question_has_nobody_more() -> None:
    async with bad_day() as (world, _):
        inner = world.service.handle

        def without_lambdas(request: Request) -> Response:
            refusal = {"error": {"code": "Request_UnsupportedQuery", "message": "Unsupported."}}
            return as_json(400, refusal) if "consistencylevel" in request.headers else inner(request)

        transport = HandlerTransport(without_lambdas)
        other = GraphDirectory(settings("http://127.0.0.1:1"), Token(world.endpoint), transport=transport)
        assert await other.find(NameKey(NameKind.MAIL, "nobody@contoso.com")) == []
        assert await other.find(NameKey(NameKind.EMPLOYEE_ID, "0042")) == [ANNA]
        await other.close()


async def test_populations_groups_and_their_people_are_listed(
    everyday: tuple[World, GraphDirectory],
) -> None:
    _, directory = everyday
    finance = "department eq 'Finance' and companyName eq 'Contoso Nederland'"
    assert [person.object_id async for person in directory.people(finance)] == [ANNA]
    in_extension = "onPremisesExtensionAttributes/extensionAttribute1 eq 'NL01'"
    assert [person.object_id async for person in directory.people(in_extension)] == [ANNA]
    assert {person.object_id async for person in directory.people("")} == {ANNA, ZOE, GUEST}
    assert {person.object_id async for person in directory.members(ALL_STAFF)} == {ANNA, ZOE}
    assert [person async for person in directory.members(EMPTY)] == []
    assert await directory.group_exists(EMPTY)
    assert not await directory.group_exists(MISSING)
    with pytest.raises(Permanent, match=MISSING):
        assert [person async for person in directory.members(MISSING)]


@pytest.mark.parametrize("empty_pages", [False, True])
async def test_everybody_of_many_pages_is_listed_once(empty_pages: bool) -> None:
    async with bad_day(crowd=len(CROWD), empty_pages=empty_pages) as (_, directory):
        people = [person.object_id async for person in directory.people("accountEnabled eq true")]
        assert people == [ANNA, GUEST, *CROWD]
        assert directory.calls == {"reads": 6 if empty_pages else 3}
        members = [person.object_id async for person in directory.members(ALL_STAFF)]
        assert sorted(members) == sorted([ANNA, ZOE, *CROWD])


async def test_the_longest_filter_of_one_request_fits_its_pages_too() -> None:
    long_name = "a" * 98 + "@contoso.com"
    async with bad_day(crowd=len(CROWD)) as (world, directory):
        for entry in list(world.service.model.newest().entries("user"))[::2]:
            world.service.model.update(entry, {"userPrincipalName": f"{entry.sequence:04}{long_name}"})
        alike = "startsWith(userPrincipalName,'0')"
        condition = f"{alike} or city eq '{'x' * (LONGEST_FILTER - len(quote(alike, safe='')) - 32)}'"
        assert LONGEST_FILTER - 10 < len(quote(condition, safe="")) <= LONGEST_FILTER
        listed = [person.object_id async for person in directory.people(condition)]
        assert len(listed) > 1000
        assert directory.calls == {"reads": 2}


async def test_a_filter_that_is_refused_is_told_apart_from_a_missing_permission() -> None:
    async with bad_day() as (_, directory):
        with pytest.raises(QueryRefused, match="shoeSize"):
            assert [person async for person in directory.people("shoeSize eq '9'")]


async def test_a_listing_whose_page_token_expired_may_be_begun_anew() -> None:
    async with bad_day(crowd=1200, page_token_lifetime_seconds=300) as (world, directory):
        listing = directory.people("")
        await anext(listing)
        world.clock[0] += timedelta(minutes=6)
        with pytest.raises(Transient, match="ExpiredPageToken"):
            assert [person async for person in listing]


async def test_a_next_link_to_another_host_gets_no_request() -> None:
    async with bad_day(crowd=1200, foreign_next_link="https://graph.example") as (_, directory):
        with pytest.raises(FailedRead, match=r"graph\.example"):
            assert [person async for person in directory.people("")]
        assert directory.calls == {"reads": 1}


async def test_being_throttled_is_transient_with_the_time_the_service_asks_for() -> None:
    async with bad_day(throttle=True, resource_units_per_10_seconds=1, retry_after_seconds=200) as (
        _,
        directory,
    ):
        await directory.person(ANNA, frozenset())
        with pytest.raises(Transient) as raised:
            await directory.person(ANNA, frozenset())
        assert raised.value.retry_after == timedelta(seconds=200)


async def test_missing_permissions_are_permanent_and_named() -> None:
    async with bad_day(frozenset()) as (_, directory):
        with pytest.raises(Permanent, match=r"User\.Read\.All"):
            await directory.person(ANNA, frozenset())
        with pytest.raises(Permanent, match=r"GroupMember\.Read\.All"):
            await directory.group_exists(FINANCE)
    async with bad_day(frozenset({"User.Read.All"})) as (_, directory):
        with pytest.raises(Permanent, match=r"GroupMember\.Read\.All"):
            await directory.person(ANNA, frozenset({FINANCE}))
        with pytest.raises(Permanent, match=r"GroupMember\.Read\.All"):
            await directory.groups_of(ANNA, frozenset({FINANCE}))
        assert isinstance(await directory.person(ANNA, frozenset()), Person)


@pytest.mark.parametrize("both", [True, False])
async def test_without_the_leave_date_permission_the_date_is_blank_and_nothing_fails(both: bool) -> None:
    async with bad_day(frozenset({"User.Read.All"}), hire_date_needs_permission=both) as (_, directory):
        anna = await directory.person(ANNA, frozenset())
        assert isinstance(anna, Person)
        assert (anna.leave_date, anna.hire_date is None) == (None, both)


async def test_a_token_that_the_directory_does_not_accept_is_transient() -> None:
    async with bad_day() as (world, _):
        stranger = IdentityEndpoint([])
        transport = HandlerTransport(world.service.handle)
        directory = GraphDirectory(settings("http://127.0.0.1:1"), Token(stranger), transport=transport)
        with pytest.raises(Transient, match="InvalidAuthenticationToken"):
            await directory.person(ANNA, frozenset())
        await directory.close()
