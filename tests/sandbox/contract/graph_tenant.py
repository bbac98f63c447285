"""A tenant with people, groups and an app that is notified, for tests: all in one process, on the test's clock.

Lives here: the directory, the app's address that answers Graph's handshake and keeps what it is sent, and letting time
pass. What should come of it is the tests' business.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

import httpx
from azure.core.credentials import AccessToken

from sandbox.graph import AUDIENCE, Deliveries, GraphModel, GraphService
from sandbox.identity import Identity, IdentityEndpoint
from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Handler, Outgoing, Reply, Request, Response, Send
from tests.sandbox.contract.httpx_in_process import HandlerTransport as HttpxTransport

TENANT: Final = "00000000-0000-4000-8000-0000000000ff"
ANNA: Final = "7c0f5a0e-0000-4000-8000-00000000000a"
BERT: Final = "7c0f5a0e-0000-4000-8000-00000000000b"
FINANCE: Final = "7c0f5a0e-0000-4000-8000-000000000001"
TREASURY: Final = "7c0f5a0e-0000-4000-8000-000000000002"
NOTIFICATIONS: Final = "http://127.0.0.1:7071/api/graph/notifications?code=k%3D1"
LIFECYCLE: Final = "http://127.0.0.1:7071/api/graph/lifecycle?code=k%3D1"

PORTAL: Final = Identity("portal", "c0", "a0000000-0000-4000-8000-000000000000", TENANT, default=True)
READS: Final = frozenset({"User.Read.All", "Group.Read.All"})


def app_identity(permissions: frozenset[str] = READS, number: int = 1) -> Identity:
    """An app of the tenant."""
    object_id = f"a0000000-0000-4000-8000-{number:012d}"
    return Identity(f"app-{number}", f"c{number}", object_id, TENANT, graph_permissions=permissions)


class Time:
    """The test's own clock."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    now = __call__

    def pass_by(self, **span: float) -> None:
        self.moment += timedelta(**span)


@dataclass
class Inbox:
    """The app's address: echoes the handshake, answers with `status` in `seconds`, and keeps what comes."""

    time: Time
    status: int = 202
    seconds: float = 0.05
    handshakes: list[str] = field(default_factory=list)
    posts: list[tuple[datetime, str, list[dict[str, Any]]]] = field(default_factory=list)
    broken_handshake: Reply | None = None
    deaf: bool = False

    async def send(self, call: Outgoing) -> Reply | None:
        if self.deaf:
            return None
        query = parse_qs(urlsplit(call.url).query)
        if "validationToken" in query:
            self.handshakes.append(call.url)
            plain = {"content-type": "text/plain; charset=utf-8"}
            return self.broken_handshake or Reply(200, plain, query["validationToken"][0].encode())
        if self.status < 300:
            self.posts.append((self.time(), call.url, json.loads(call.body)["value"]))
        return Reply(self.status)

    def items(self, url: str = NOTIFICATIONS) -> list[dict[str, Any]]:
        return [item for _, to, items in self.posts if to == url for item in items]


class Tenant:
    """Everything together; `faults` may stand in front of the stand-in."""

    def __init__(self, *apps: Identity, seed: int = 1) -> None:
        self.time = Time()
        self.identities = (PORTAL, *(apps or (app_identity(),)))
        self.directory = GraphModel(
            tenant_id=TENANT,
            identities=self.identities,
            users=[
                {"id": ANNA, "userPrincipalName": "anna@contoso.example", "displayName": "Anna"},
                {"id": BERT, "userPrincipalName": "bert@contoso.example", "displayName": "Bert"},
            ],
            groups=[
                {"id": FINANCE, "displayName": "Finance", "members": [BERT]},
                {"id": TREASURY, "displayName": "Treasury"},
            ],
            clock=self.time,
            random_source=random.Random(seed),
        )
        self.deliveries = Deliveries(self.directory, random_source=random.Random(seed))
        self.inbox = Inbox(self.time)
        self.endpoint = IdentityEndpoint(self.identities, clock=self.time)
        service = GraphService(self.directory, self.endpoint.authenticate(AUDIENCE))
        self.handler: Handler = service.handle

    @property
    def book(self) -> Any:
        return self.directory.subscriptions

    def quiet(self) -> None:
        """No duplicates, no repetitions, nothing late: one notification for one change."""
        switches = self.deliveries.switches
        switches.updates_per_edit, switches.duplicate_share, switches.late_share = 1, 0.0, 0.0

    def transport(self, send: Send | None = None) -> HandlerTransport:
        """The app's way here."""
        return HandlerTransport(self._handle, send=send or self.inbox.send)

    def _handle(self, request: Request) -> Response:
        return self.handler(request)  # which a test may have replaced meanwhile

    def client(self, identity: Identity | None = None, send: Send | None = None) -> httpx.AsyncClient:
        """Plain HTTP in an identity's name: the first app's unless said otherwise."""
        token = self.endpoint.issue(identity or self.identities[1], AUDIENCE)
        return httpx.AsyncClient(
            transport=HttpxTransport(self._handle, send=send or self.inbox.send),
            base_url="http://127.0.0.1:1/v1.0",
            headers={"authorization": f"Bearer {token}"},
        )

    def credential(self, identity: Identity | None = None) -> "Credential":
        return Credential(self, identity or self.identities[1])

    async def let_pass(self, **span: float) -> None:
        """Time passes, and everything that is due in it is sent and answered."""
        until = self.time() + timedelta(**span)
        while (moment := self.deliveries.next_moment()) is not None and moment <= until:
            self.time.moment = max(self.time(), moment)
            for post in self.deliveries.due():
                reply = await self.inbox.send(post.outgoing(self.deliveries.switches.answer_seconds))
                seconds = self.inbox.seconds if reply is not None else self.deliveries.switches.answer_seconds
                self.deliveries.answered(post, reply.status if reply is not None else None, seconds)
        self.time.moment = until


class Credential:
    """A managed identity's credential, as azure-identity's, on the tenant's clock."""

    def __init__(self, tenant: Tenant, identity: Identity) -> None:
        self._tenant = tenant
        self._identity = identity

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        token = self._tenant.endpoint.issue(self._identity, scopes[0].removesuffix("/.default"))
        return AccessToken(token, int(self._tenant.time().timestamp()) + 3600)

    async def close(self) -> None:
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


def wanted(tenant: Tenant, **changes: Any) -> dict[str, Any]:
    """The body of a create, with what is changed; None leaves a member away."""
    body: Mapping[str, Any] = {
        "changeType": "updated,deleted",
        "notificationUrl": NOTIFICATIONS,
        "lifecycleNotificationUrl": LIFECYCLE,
        "resource": "users",
        "expirationDateTime": (tenant.time() + timedelta(days=20)).isoformat(),
        "clientState": "a-secret-of-the-app",
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


async def subscribed(*resources: str, quiet: bool = True, seed: int = 1, **changes: Any) -> Tenant:
    """A tenant in which the app has subscribed to these resources, or to users."""
    tenant = Tenant(seed=seed)
    if quiet:
        tenant.quiet()
    async with tenant.client() as app:
        for resource in resources or ("users",):
            made = await app.post("/subscriptions", json=wanted(tenant, resource=resource, **changes))
            assert made.status_code == 201, made.text
    return tenant


async def change(tenant: Tenant, method: str, path: str, body: Any = None) -> Any:
    """The portal's administrator changes something; what Graph answers."""
    async with tenant.client(PORTAL) as portal:
        answer = await portal.request(method, path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


def new_user(name: str) -> dict[str, Any]:
    """What it takes to make a user."""
    return {
        "accountEnabled": True,
        "displayName": name,
        "mailNickname": name,
        "userPrincipalName": f"{name}@contoso.example",
        "passwordProfile": {"password": "xWwvJ]6NMw+bWH-d"},
    }
