"""What principals of any kind are called, against the Graph stand-in and against answers written by hand."""

import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, Self

import pytest
from azure.core.credentials import AccessToken

from sandbox.graph import AUDIENCE, GraphModel, GraphService, Switches
from sandbox.identity import Identity, IdentityEndpoint
from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Request, Response, as_json
from shared.adapters.graph.directory import GraphDirectory
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.view import Called, Mailbox
from shared.errors import FailedRead, Permanent
from shared.settings import Settings

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
READ_ALL = frozenset({"User.Read.All", "GroupMember.Read.All", "User-LifeCycleInfo.Read.All"})
APPS_TOO = READ_ALL | {"Application.Read.All"}


def guid(kind: int, number: int) -> str:
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


ANNA, ZOE, GUEST, NOBOX, PLANLESS, GONE, NOWHERE = (guid(0xA, n) for n in range(7))
AUDIT, WITHIN, APP, PORTAL = (guid(0xB, n) for n in range(4))
CROWD = [guid(0xC, n) for n in range(1200)]

EXCHANGE = {"service": "exchange", "capabilityStatus": "Enabled", "servicePlanId": guid(0xD, 0)}


def user(object_id: str, name: str, **more: Any) -> dict[str, Any]:
    address = f"{name.lower()}@contoso.example"
    given = {"id": object_id, "displayName": name, "userPrincipalName": address, "mail": address}
    return {**given, "accountEnabled": True, **more}


class Token:
    def __init__(self, endpoint: IdentityEndpoint, app: Identity) -> None:
        self._endpoint, self._app = endpoint, app

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(self._endpoint.issue(self._app, scopes[0]), 9_999_999_999)

    async def close(self) -> None:
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


SETTINGS = Settings.read(
    {
        "INVOICE_ACCESS_GRAPH_URL": "http://127.0.0.1:1",
        "INVOICE_ACCESS_STORE": "sqlite:unused",
        "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
    }
)


@contextlib.asynccontextmanager
async def directory_of(
    permissions: frozenset[str] = READ_ALL, *, crowd: int = 0, **switches: Any
) -> AsyncIterator[GraphDirectory]:
    app = Identity("invoice-access", "c-app", APP, "tenant", graph_permissions=permissions)
    portal = Identity("portal-administrator", "c-portal", PORTAL, "tenant", default=True)
    endpoint = IdentityEndpoint([app, portal])
    model = GraphModel(
        tenant_id="tenant",
        identities=[app, portal],
        users=[
            user(ANNA, "Anna", employeeId="E1", assignedPlans=[{**EXCHANGE, "capabilityStatus": "Deleted"}, EXCHANGE]),
            user(ZOE, "Zoe", accountEnabled=False, assignedPlans=[EXCHANGE]),
            user(GUEST, "Ines", userPrincipalName="ines_audit.example#EXT#@contoso.example", userType="Guest"),
            user(NOBOX, "Nobox", mail=None, assignedPlans=[EXCHANGE]),
            user(PLANLESS, "Planless", assignedPlans=[{"service": "SharePoint", "capabilityStatus": "Enabled"}]),
            *(user(one, f"C{one[-4:]}", assignedPlans=[EXCHANGE]) for one in CROWD[:crowd]),
        ],
        deleted_users=[user(GONE, "Paul", assignedPlans=[EXCHANGE])],
        groups=[
            {"id": AUDIT, "displayName": "External Audit", "members": [GUEST, WITHIN]},
            {"id": WITHIN, "displayName": "Within", "members": [ANNA, GUEST, *CROWD[:crowd]]},
        ],
        clock=lambda: AT,
        random_source=random.Random(7),
        switches=Switches(**switches),
    )
    service = GraphService(model, endpoint.authenticate(AUDIENCE))
    directory = GraphDirectory(SETTINGS, Token(endpoint, app), transport=HandlerTransport(service.handle))
    yield directory
    await directory.close()


async def test_everybody_is_named_by_kind_in_one_request_and_one_more_for_the_deleted() -> None:
    async with directory_of(APPS_TOO) as directory:
        found = await directory.called([ANNA, GUEST, AUDIT, APP, GONE, NOWHERE], AT)
        assert directory.calls == {"reads": 2}
    assert {one: (called.kind, called.name) for one, called in found.items()} == {
        ANNA: (PrincipalKind.PERSON, "Anna"),
        GUEST: (PrincipalKind.GUEST, "Ines"),
        AUDIT: (PrincipalKind.GROUP, "External Audit"),
        APP: (PrincipalKind.APP, "invoice-access"),
        GONE: (PrincipalKind.GONE, "Paul"),
        NOWHERE: (PrincipalKind.GONE, ""),
    }
    assert found[ANNA] == Called(
        object_id=ANNA,
        kind=PrincipalKind.PERSON,
        name="Anna",
        address="anna@contoso.example",
        upn="anna@contoso.example",
        employee_id="E1",
        mailbox=Mailbox.YES,
        asked=AT,
        used=AT,
    )
    assert found[GONE].upn == "paul@contoso.example"


async def test_a_mailbox_is_likely_with_an_address_and_a_plan_and_none_without_an_address() -> None:
    async with directory_of() as directory:
        found = await directory.called([ANNA, ZOE, GUEST, NOBOX, PLANLESS, GONE, AUDIT], AT)
    assert {one: called.mailbox for one, called in found.items()} == {
        ANNA: Mailbox.YES,
        ZOE: Mailbox.NOT_KNOWN,  # disabled
        GUEST: Mailbox.NOT_KNOWN,  # at home
        NOBOX: Mailbox.NO,
        PLANLESS: Mailbox.NOT_KNOWN,
        GONE: Mailbox.NO,
        AUDIT: Mailbox.NOT_KNOWN,
    }


async def test_ids_are_answered_as_they_were_asked_also_those_that_are_none() -> None:
    async with directory_of() as directory:
        found = await directory.called([ANNA.upper(), "portal", ""], AT)
        assert directory.calls == {"reads": 1}
        assert await directory.called([], AT) == {}
    assert {one: called.kind for one, called in found.items()} == {
        ANNA.upper(): PrincipalKind.PERSON,
        "portal": PrincipalKind.UNKNOWN,
        "": PrincipalKind.UNKNOWN,
    }
    assert found[ANNA.upper()].object_id == ANNA


async def test_a_thousand_people_are_named_in_three_requests() -> None:
    async with directory_of(crowd=1200) as directory:
        found = await directory.called(CROWD, AT)
        assert directory.calls == {"reads": 3}
    assert {called.mailbox for called in found.values()} == {Mailbox.YES}


async def test_an_app_stays_without_a_name_where_apps_may_not_be_read() -> None:
    async with directory_of() as directory:
        found = await directory.called([APP, ANNA], AT)
    assert (found[APP].kind, found[APP].name, found[APP].best) == (PrincipalKind.APP, "", APP)
    assert found[ANNA].name == "Anna"


@pytest.mark.parametrize("refused", ["getByIds without Directory.Read.All", "userPrincipalName of any object"])
async def test_where_ids_of_any_kind_are_refused_people_are_named_and_others_not_known(refused: str) -> None:
    switches: dict[str, Any] = {"get_by_ids_needs_directory": True}
    if refused.startswith("userPrincipalName"):
        switches = {"get_by_ids_refuses": "userPrincipalName"}
    async with directory_of(**switches) as directory:
        found = await directory.called([ANNA, AUDIT, GONE, NOWHERE], AT)
    assert {one: (called.kind, called.name) for one, called in found.items()} == {
        ANNA: (PrincipalKind.PERSON, "Anna"),
        AUDIT: (PrincipalKind.UNKNOWN, ""),
        GONE: (PrincipalKind.GONE, "Paul"),
        NOWHERE: (PrincipalKind.UNKNOWN, ""),
    }
    assert found[ANNA].mailbox is Mailbox.YES


async def test_where_plans_may_not_be_selected_names_are_known_and_mailboxes_not() -> None:
    async with directory_of(get_by_ids_refuses="assignedPlans") as directory:
        found = await directory.called([ANNA, NOBOX, AUDIT], AT)
    assert {one: (called.name, called.mailbox) for one, called in found.items()} == {
        ANNA: ("Anna", Mailbox.NOT_KNOWN),
        NOBOX: ("Nobox", Mailbox.NO),
        AUDIT: ("External Audit", Mailbox.NOT_KNOWN),
    }


async def test_nobody_is_named_where_nobody_may_be_read() -> None:
    async with directory_of(frozenset()) as directory:
        with pytest.raises(Permanent, match=r"User\.Read\.All"):
            await directory.called([ANNA, GONE], AT)


async def test_the_people_of_a_group_and_of_groups_within_are_listed_by_id_each_once() -> None:
    async with directory_of(crowd=1100) as directory:
        found = await directory.ids_in(AUDIT)
        assert directory.calls == {"reads": 2}
    assert len(found) == len(set(found))
    assert set(found) == {ANNA, GUEST, *CROWD[:1100]}


async def test_there_is_no_list_of_people_of_a_group_that_is_not_there() -> None:
    async with directory_of() as directory:
        with pytest.raises(Permanent, match="no such object"):
            await directory.ids_in(NOWHERE)


# -- answers written by hand


@contextlib.asynccontextmanager
async def answered(respond: Callable[[Request], Response]) -> AsyncIterator[GraphDirectory]:
    app = Identity("app", "c-app", APP, "tenant")
    directory = GraphDirectory(SETTINGS, Token(IdentityEndpoint([app]), app), transport=HandlerTransport(respond))
    yield directory
    await directory.close()


async def test_plans_are_asked_for_with_names_alone_and_with_no_read_of_a_person() -> None:
    requests: list[Request] = []

    def respond(request: Request) -> Response:
        requests.append(request)
        return as_json(200, {"value": [{"@odata.type": "#microsoft.graph.user", **user(ANNA, "Anna")}]})

    async with answered(respond) as directory:
        await directory.called([ANNA], AT)
        assert [request.method for request in requests] == ["POST"]
        assert json.loads(requests[0].body) == {"ids": [ANNA]}
        assert "assignedPlans" in requests[0].query
        with contextlib.suppress(FailedRead):
            await directory.person(ANNA, frozenset())
    assert "assignedPlans" not in requests[1].target


ODD: list[dict[str, Any]] = [
    {"displayName": 7, "mail": ["a"], "assignedPlans": "exchange", "userPrincipalName": None},
    {"displayName": {"a": 1}, "assignedPlans": [None, 3, {"service": 1}, {"capabilityStatus": "Enabled"}]},
    {"displayName": "  ", "employeeId": True, "accountEnabled": "yes"},
]


@pytest.mark.parametrize("odd", ODD)
async def test_odd_values_are_left_out_and_cost_nobody_else_a_name(odd: dict[str, Any]) -> None:
    rows = [{"@odata.type": "#microsoft.graph.user", "id": ZOE, **odd}, {"id": 3}, {"displayName": "nobody"}]
    anna = {"@odata.type": "#microsoft.graph.user", **user(ANNA, "Anna", accountEnabled=True)}

    async with answered(lambda _: as_json(200, {"value": [*rows, anna]})) as directory:
        found = await directory.called([ZOE, ANNA], AT)
    assert (found[ZOE].kind, found[ZOE].best, found[ZOE].mailbox) == (PrincipalKind.PERSON, ZOE, Mailbox.NOT_KNOWN)
    assert found[ANNA].name == "Anna"


async def test_a_text_that_nobody_could_store_is_no_name() -> None:
    body = (
        b'{"value": [{"@odata.type": "#microsoft.graph.group", "id": "%s", "displayName": "\\ud800"}]}' % AUDIT.encode()
    )

    async with answered(lambda _: Response(200, {"content-type": "application/json"}, body)) as directory:
        found = await directory.called([AUDIT], AT)
    assert (found[AUDIT].kind, found[AUDIT].name) == (PrincipalKind.GROUP, "")


@pytest.mark.parametrize("body", [{}, {"value": "x"}, {"value": [7]}, []])
async def test_an_answer_that_is_no_list_is_a_failed_read(body: Any) -> None:
    async with answered(lambda _: as_json(200, body)) as directory:
        with pytest.raises(FailedRead, match="does not fit"):
            await directory.called([ANNA], AT)
