"""A tenant in which nothing is set up yet, and four who can sign in to it. No test.

Lives here: directory and billing behind sockets, for the command line, and in process, for what takes time.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any, Final

import pytest

from cli.setup.billing import Owners
from cli.setup.directory import AppPermissions
from cli.setup.permissions import Desk
from sandbox.billing import BillingModel, billing_handler
from sandbox.billing.model import Scope
from sandbox.graph import AUDIENCE, GraphService
from sandbox.identity import Identity, IdentityEndpoint
from sandbox.shell import serve
from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Request, Response
from sandbox.world import World, parse_world
from shared.adapters.graph.client import GraphClient
from shared.settings import ClientSettings

ARM: Final = "https://management.azure.com"


def guid(kind: int, number: int) -> str:
    return f"7c0f5a0e-0000-4000-{kind:04x}-{number:012x}"


TENANT = guid(0x8000, 0xFF)
APP, APP_CLIENT, PORTAL = guid(0x8001, 1), guid(0x9001, 1), guid(0x8001, 2)
CHIEF, GRAPH_ONLY, OWNER, CLERK = (guid(0x8002, number) for number in range(1, 5))
"""Chief may do everything, GRAPH_ONLY gives permissions, OWNER owns billing, CLERK may nothing."""

EUROPE, AGREEMENT = f"{guid(0x8003, 1)}:{guid(0x8003, 2)}_2019-05-31", "6575495"
NL, DE, DE2, OLD = "NLNL-NLNL-BG7-TGB", "DEDE-DEDE-BG7-TGB", "DED2-DED2-BG7-TGB", "OLDO-LDOL-BG7-TGB"


def _profile(name: str, display: str, **properties: Any) -> dict[str, Any]:
    owner = {"principalId": OWNER, "role": "Billing profile owner"}
    told = {"displayName": display, "currency": "EUR", "invoiceEmailOptIn": False, **properties}
    return {"name": name, "properties": told, "billingRoleAssignments": [owner]}


def world(*permissions: str) -> World:
    people = {CHIEF: "chief", GRAPH_ONLY: "graph", OWNER: "owner", CLERK: "clerk"}
    may = {CHIEF, GRAPH_ONLY}
    owners = [{"principalId": one, "role": "Billing account owner"} for one in (CHIEF, OWNER)]
    return parse_world(
        {
            "tenantId": TENANT,
            "identities": [
                {"name": "portal", "clientId": guid(0x9001, 2), "objectId": PORTAL, "default": True},
                {
                    "name": "id-invoice-access",
                    "clientId": APP_CLIENT,
                    "objectId": APP,
                    "graphPermissions": list(permissions),
                },
            ],
            "signIns": [
                {
                    "user": one,
                    "clientId": client_of(one),
                    "graphPermissions": ["AppRoleAssignment.ReadWrite.All"] if one in may else [],
                }
                for one in people
            ],
            "users": [{"id": one, "userPrincipalName": f"{name}@contoso.example"} for one, name in people.items()],
            "billingAccounts": [
                {
                    "name": EUROPE,
                    "properties": {"agreementType": "MicrosoftCustomerAgreement", "displayName": "Contoso Europe"},
                    "billingRoleAssignments": owners,
                    "billingProfiles": [
                        _profile(NL, "Contoso Nederland"),
                        _profile(DE, "Contoso Deutschland"),
                        _profile(DE2, "Contoso Deutschland"),
                        _profile(OLD, "Contoso Old", status="Disabled"),
                    ],
                },
                {
                    "name": AGREEMENT,
                    "properties": {"agreementType": "EnterpriseAgreement", "displayName": "Contoso Enterprise"},
                    "billingRoleAssignments": [{"principalId": CHIEF, "role": "Enterprise administrator"}],
                },
            ],
        }
    )


def client_of(person: str) -> str:
    """The client id by which azure-identity gets a person's token."""
    return f"9{person[1:]}"


class Tenant:
    """The stand-ins, and the time that they tell, which `sleep` lets pass."""

    def __init__(self, *permissions: str) -> None:
        given = world(*permissions)
        self.moment = datetime(2026, 3, 2, 9, tzinfo=UTC)
        self.slept: list[float] = []
        self.directory = given.directory(clock=self.now, random_source=random.Random(1))
        self.billing = BillingModel(
            given.billing(), clock=self.now, rng=random.Random(2), principal_type=self.directory.principal_type
        )
        people = given.people_signing_in()
        self.people = {person.object_id: person for person in people}
        self.tokens = IdentityEndpoint([*given.principals(), *people], clock=self.now)
        self.graph_service = GraphService(self.directory, self.tokens.authenticate(AUDIENCE))
        self.arm = billing_handler(self.billing, self.tokens.authenticate(ARM))
        self.sent: list[Request] = []
        self.before: Callable[[Request], Response | None] = lambda _: None

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)

    def graph(self, request: Request) -> Response:
        self.sent.append(request)
        return self.before(request) or self.graph_service.handle(request)

    def bill(self, request: Request) -> Response:
        self.sent.append(request)
        return self.before(request) or self.arm(request)

    @property
    def writes(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.sent if one.method != "GET"]

    def permissions(self, object_id: str = APP) -> list[str]:
        return sorted(row.value for row in self.directory.app_roles.of(object_id))

    def owned(self, object_id: str = APP) -> list[str]:
        """The scopes that somebody owns: an account's name, or a profile's."""
        account = self.billing.accounts[0]
        scopes: list[Scope] = [account, *account.profiles.values()]
        return [one.name for one in scopes for row in one.assignments.of_principal(object_id)]

    def desk(self, person: str = CHIEF) -> Desk:
        """The verb's clients in process, in somebody's name."""
        settings = ClientSettings.read({})
        credential: Any = Credential(self.tokens, self.people[person])
        graph = GraphClient(settings, credential, transport=HandlerTransport(self.graph, sleep=self.sleep))
        billing = Owners(settings, credential, transport=HandlerTransport(self.bill, sleep=self.sleep))
        return Desk(AppPermissions(graph), billing, settings, self.sleep)


class Credential:
    """Somebody's tokens, without an endpoint to ask."""

    def __init__(self, tokens: IdentityEndpoint, speaker: Identity) -> None:
        self._tokens, self._speaker = tokens, speaker

    async def get_token(self, *scopes: str, **_: Any) -> Any:
        from azure.core.credentials import AccessToken  # noqa: PLC0415 - one of two kinds, told apart by use

        audience = scopes[0].removesuffix("/.default")
        return AccessToken(self._tokens.issue(self._speaker, audience), 9_999_999_999)


@contextmanager
def reached(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tenant behind sockets, for the command line in this process."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()

    def run(doing: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, loop).result(timeout=30)

    servers = [run(serve(handler)) for handler in (tenant.tokens.handle, tenant.graph, tenant.bill)]
    identity, graph, arm = servers
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{identity.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "it's me")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
    monkeypatch.setenv("INVOICE_ACCESS_GRAPH_URL", graph.url)
    monkeypatch.setenv("INVOICE_ACCESS_ARM_URL", arm.url)
    try:
        yield
    finally:
        for server in servers:
            run(server.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
