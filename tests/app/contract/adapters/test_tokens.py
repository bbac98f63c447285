"""A token that does not come: azure-identity's own credential, an endpoint on this machine, and every adapter.

Nothing here reaches a service: whoever gets no token sends nothing.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError

from shared.adapters.billing.arm import ArmBilling
from shared.adapters.graph.directory import GraphDirectory
from shared.adapters.graph.subscriptions import GraphSubscriptions
from shared.adapters.http.claims import ARM_SCOPE
from shared.adapters.http.credentials import Tokens, managed_identity
from shared.adapters.queues.service_bus import ServiceBusQueues
from shared.adapters.store.rows import Insert
from shared.adapters.store.rows_tables import TableRows
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.work import Cause, CauseKind, WorkItem, at_once
from shared.errors import FailedRead, MaybeWritten, Transient
from shared.settings import Settings

PERSON = "7c0f5a0e-0000-4000-8000-000000000001"
PROFILE = ProfileKey("account", "profile")
SECRET = "eyJhbGciOiJub25lIn0.a-token-that-nobody-may-see"


@dataclass
class Endpoint:
    """The identity endpoint, which answers with a status and a body; `asked` are the resources it was asked for."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    resets: bool = False
    hangs: bool = False
    asked: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request.query["resource"])
        if self.resets:
            assert request.transport is not None
            request.transport.abort()
        if self.hangs:
            await asyncio.sleep(3600)
        return web.Response(status=self.status, body=self.body, content_type=self.content_type)

    def refuses(self, status: int) -> None:
        self.status, self.body = status, json.dumps({"statusCode": status, "message": "as told"}).encode()

    def gives_a_token(self, **changes: object) -> None:
        self.status = 200
        self.body = json.dumps(
            {
                "access_token": SECRET,
                "expires_on": str(int(time.time()) + 86_400),
                "resource": "https://storage.azure.com",
                "token_type": "Bearer",
                **changes,
            }
        ).encode()


@pytest.fixture
async def endpoint(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Endpoint]:
    made = Endpoint()
    app = web.Application()
    app.router.add_get("/msi/token", made.handle)
    server = TestServer(app)
    await server.start_server()
    monkeypatch.setenv("IDENTITY_ENDPOINT", str(server.make_url("/msi/token")))
    monkeypatch.setenv("IDENTITY_HEADER", "secret of the platform")
    yield made
    await server.close()


@pytest.fixture
async def identity(endpoint: Endpoint) -> AsyncIterator[AsyncTokenCredential]:
    async with managed_identity("5c1f0000-0000-4000-8000-000000000002") as credential:
        yield credential


SETTINGS = Settings.read(
    {"INVOICE_ACCESS_STORE": "sqlite:unused", "ServiceBusConnection__fullyQualifiedNamespace": "unused.example"}
)


async def read_row(identity: AsyncTokenCredential) -> None:
    rows = TableRows("https://account.table.invalid", identity)
    try:
        await rows.get("p", "k")
    finally:
        await rows.close()


async def list_rows(identity: AsyncTokenCredential) -> None:
    rows = TableRows("https://account.table.invalid", identity)
    try:
        _ = [row async for row in rows.range("p", "a", "z")]
    finally:
        await rows.close()


async def write_row(identity: AsyncTokenCredential) -> None:
    rows = TableRows("https://account.table.invalid", identity)
    try:
        await rows.write("p", Insert("k", {}))
    finally:
        await rows.close()


async def read_billing(identity: AsyncTokenCredential) -> None:
    billing = ArmBilling(SETTINGS, identity)
    try:
        await billing.assignment(PROFILE, PERSON)
    finally:
        await billing.close()


async def write_billing(identity: AsyncTokenCredential) -> None:
    billing = ArmBilling(SETTINGS, identity)
    try:
        await billing.grant_invoice_manager(PROFILE, PERSON)
    finally:
        await billing.close()


async def who_we_are(identity: AsyncTokenCredential) -> None:
    billing = ArmBilling(SETTINGS, identity)
    try:
        await billing.identities()
    finally:
        await billing.close()


async def read_directory(identity: AsyncTokenCredential) -> None:
    directory = GraphDirectory(SETTINGS, identity)
    try:
        await directory.person(PERSON, frozenset())
    finally:
        await directory.close()


async def list_subscriptions(identity: AsyncTokenCredential) -> None:
    subscriptions = GraphSubscriptions(SETTINGS, identity)
    try:
        await subscriptions.mine()
    finally:
        await subscriptions.close()


async def delete_subscription(identity: AsyncTokenCredential) -> None:
    subscriptions = GraphSubscriptions(SETTINGS, identity)
    try:
        await subscriptions.delete("one")
    finally:
        await subscriptions.close()


async def send_work(identity: AsyncTokenCredential) -> None:
    queues = ServiceBusQueues("namespace.servicebus.invalid", identity)
    item = WorkItem(PersonKey(PERSON), Cause(CauseKind.EVENT, "/hr#1"), datetime(2026, 3, 2, tzinfo=UTC))
    try:
        await queues.send_work([at_once(item, "1")])
    finally:
        await queues.close()


CALLS: list[tuple[Callable[[AsyncTokenCredential], Awaitable[None]], str]] = [
    (read_row, "Table Storage"),
    (list_rows, "Table Storage"),
    (write_row, "Table Storage"),
    (read_billing, "Azure Resource Manager"),
    (write_billing, "Azure Resource Manager"),
    (who_we_are, "Azure Resource Manager"),
    (read_directory, "Microsoft Graph"),
    (list_subscriptions, "Microsoft Graph"),
    (delete_subscription, "Microsoft Graph"),
    (send_work, "Service Bus"),
]


async def missing(call: Callable[[AsyncTokenCredential], Awaitable[None]], identity: AsyncTokenCredential) -> str:
    """The words of a call that got no token: an outage, and of nothing that could have been written or read."""
    with pytest.raises(Transient) as raised:
        await call(identity)
    assert not isinstance(raised.value, MaybeWritten | FailedRead)
    assert SECRET not in raised.value.reason
    return raised.value.reason


@pytest.mark.parametrize(("call", "service"), CALLS)
async def test_whatever_the_identity_endpoint_refuses_is_an_outage_that_names_it(
    endpoint: Endpoint,
    identity: AsyncTokenCredential,
    call: Callable[[AsyncTokenCredential], Awaitable[None]],
    service: str,
) -> None:
    for status in (400, 401, 403, 404, 405, 410):
        endpoint.refuses(status)
        said = await missing(call, identity)
        assert said.startswith(f"no token for {service}: the identity endpoint answered {status} (")
        assert "as told" in said
        assert "AZURE_CLIENT_ID" in said


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_identity_endpoint_that_fails_is_asked_again_and_then_named(
    endpoint: Endpoint, identity: AsyncTokenCredential, status: int
) -> None:
    endpoint.refuses(status)
    said = await missing(read_row, identity)
    assert f"the identity endpoint answered {status}" in said
    assert len(endpoint.asked) == 4


GARBAGE = [
    b"",
    b"<html>starting</html>",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"42",
    f'"{SECRET}"'.encode(),
    f'["{SECRET}"]'.encode(),
    f'{{"access_token": "{SECRET}"}}'.encode(),
    f'{{"access_token": "{SECRET}", "expires_on": "11/29/2026 10:00:00 AM +00:00", "resource": "r"}}'.encode(),
    f'{{"access_token": "{SECRET}", "expires_on": 1e400, "resource": "r"}}'.encode(),
    f'{{"access_token": "{SECRET}", "expires_on": "9999999999"}}'.encode(),
    f'{{"access_token": "{SECRET}", "expires_on": "9999999999", "resource": 5}}'.encode(),
    b'{"access_token": null, "expires_on": "9999999999", "resource": "r"}',
    b'{"access_token": 7, "expires_on": "9999999999", "resource": "r"}',
    b'{"access_token": "", "expires_on": "9999999999", "resource": "r"}',
    b'{"access_token": "a\\r\\nb: c", "expires_on": "9999999999", "resource": "r"}',
    b'{"access_token": "a\\u0000\\u20ac", "expires_on": "9999999999", "resource": "r"}',
]


@pytest.mark.parametrize("content_type", ["application/json", "text/html"])
@pytest.mark.parametrize("body", GARBAGE, ids=lambda body: body.decode(errors="replace").replace(SECRET, "t")[:40])
async def test_an_answer_that_is_no_token_is_an_outage_and_is_not_quoted(
    endpoint: Endpoint, identity: AsyncTokenCredential, body: bytes, content_type: str
) -> None:
    endpoint.body, endpoint.content_type = body, content_type
    for call in (who_we_are, read_row, read_directory, send_work):
        assert "the identity endpoint" in await missing(call, identity)


async def test_an_identity_endpoint_that_hangs_up_is_an_outage(
    endpoint: Endpoint, identity: AsyncTokenCredential
) -> None:
    endpoint.resets = True
    assert "the identity endpoint gave none" in await missing(read_row, identity)


async def test_an_identity_endpoint_that_does_not_answer_is_not_waited_for(
    endpoint: Endpoint, identity: AsyncTokenCredential
) -> None:
    endpoint.hangs = True
    tokens = Tokens(identity, "Table Storage", token_seconds=0.2)
    for ask in (tokens.get_token, tokens.get_token_info):
        with pytest.raises(Transient, match=r"the identity endpoint did not answer within 0\.2 s"):
            await ask(ARM_SCOPE)


STORAGE = "https://storage.azure.com/.default"


async def test_once_the_identity_endpoint_is_back_the_same_adapter_has_its_token(
    endpoint: Endpoint, identity: AsyncTokenCredential
) -> None:
    tokens = Tokens(identity, "Table Storage")
    endpoint.refuses(404)
    with pytest.raises(Transient):
        await tokens.get_token_info(STORAGE)
    endpoint.gives_a_token()
    assert (await tokens.get_token_info(STORAGE)).token == SECRET
    assert (await tokens.get_token(STORAGE)).token == SECRET
    assert len(endpoint.asked) == 2


class Aging:
    """A credential that asks the endpoint anew each time, as azure-identity does in a token's second half."""

    def __init__(self) -> None:
        self.expires_on = 0
        self.is_away = False
        self.asked = 0

    async def get_token(self, *_: str, **__: object) -> AccessToken:
        self.asked += 1
        if self.is_away:
            raise ClientAuthenticationError("the endpoint is away")
        return AccessToken(f"token-{self.asked}", self.expires_on)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


async def test_a_token_that_is_still_good_serves_while_the_endpoint_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    credential = Aging()
    tokens = Tokens(credential, "Table Storage")
    start, passed = time.monotonic(), 0.0
    monkeypatch.setattr(time, "monotonic", lambda: start + passed)
    credential.expires_on = int(time.time()) + 43_200
    assert (await tokens.get_token(STORAGE)).token == "token-1"
    credential.is_away, passed = True, 31.0
    assert (await tokens.get_token(STORAGE)).token == "token-1"
    assert (await tokens.get_token_info(STORAGE)).token == "token-1"
    assert credential.asked == 2, "an endpoint that is away is not asked for every call"
    with pytest.raises(Transient):
        await tokens.get_token(STORAGE, claims="the service refuses token-1")
    credential.is_away, passed = False, 62.0
    assert (await tokens.get_token(STORAGE)).token == "token-4"


async def test_a_token_that_is_nearly_over_serves_nobody_once_the_endpoint_is_away() -> None:
    credential = Aging()
    tokens = Tokens(credential, "Table Storage")
    credential.expires_on = int(time.time()) + 299
    assert (await tokens.get_token(STORAGE)).token == "token-1"
    assert (await tokens.get_token(STORAGE)).token == "token-2"
    credential.is_away = True
    with pytest.raises(Transient, match=r"the sign-in gave none \(the endpoint is away\)"):
        await tokens.get_token(STORAGE)
