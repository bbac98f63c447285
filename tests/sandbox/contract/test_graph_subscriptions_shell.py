"""The stand-in's own POSTs over sockets: the handshake within a create, and notifications when they are due."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from aiohttp import web

from sandbox import shell
from sandbox.graph import AUDIENCE, Deliveries, GraphModel, GraphService
from sandbox.identity import IdentityEndpoint
from sandbox.notifier import Courier, Notifier
from sandbox.wire import Outgoing
from tests.sandbox.contract.graph_tenant import ANNA, PORTAL, TENANT, app_identity

type Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[str]:
    """A web server of the app's own; its address."""
    application = web.Application()
    application.router.add_post("/{anything:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def courier() -> AsyncIterator[Courier]:
    courier = Courier()
    yield courier
    await courier.close()


def now() -> datetime:
    return datetime.now(UTC)


async def test_a_create_waits_for_the_handshake_and_then_notifications_come_by_themselves(courier: Courier) -> None:
    identities = (PORTAL, app_identity())
    model = GraphModel(
        tenant_id=TENANT,
        identities=identities,
        users=[{"id": ANNA, "userPrincipalName": "anna@contoso.example", "displayName": "Anna"}],
        clock=now,
        random_source=random.Random(1),
    )
    deliveries = Deliveries(model, random_source=random.Random(1))
    deliveries.switches.least_latency_seconds, deliveries.switches.most_latency_seconds = 0.01, 0.05
    deliveries.switches.first_retry_seconds = 0.05
    endpoint = IdentityEndpoint(identities)
    graph = await shell.serve(GraphService(model, endpoint.authenticate(AUDIENCE)).handle, send=courier.send)
    notifier = Notifier(deliveries, courier, clock=now)
    notifier.start()
    came: asyncio.Queue[Any] = asyncio.Queue()
    refused = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal refused
        if (token := request.query.get("validationToken")) is not None:
            # The app may well talk to Graph while Graph waits for it.
            async with httpx.AsyncClient() as client:
                assert (await client.get(f"{graph.url}/v1.0/users")).status_code == 401
            return web.Response(text=token)
        if not refused:
            refused += 1
            return web.Response(status=503)
        came.put_nowait(json.loads(await request.text()))
        return web.Response(status=202)

    async with listening(answer) as app, httpx.AsyncClient(base_url=f"{graph.url}/v1.0") as client:
        body = {
            "changeType": "updated",
            "resource": "users",
            "notificationUrl": f"{app}/notifications?code=a%2Fb",
            "expirationDateTime": (now() + timedelta(hours=1)).isoformat(),
        }
        headers = {"authorization": f"Bearer {endpoint.issue(identities[1], AUDIENCE)}"}
        made = await client.post("/subscriptions", json=body, headers=headers)
        assert made.status_code == 201, made.text
        headers = {"authorization": f"Bearer {endpoint.issue(PORTAL, AUDIENCE)}"}
        await client.patch(f"/users/{ANNA}", json={"department": "Finance"}, headers=headers)
        async with asyncio.timeout(10):
            told = await came.get()
        assert told["value"][0]["resource"] == f"Users/{ANNA}"
        assert deliveries.counts.failed >= 1
    await notifier.close()
    await graph.close()


async def test_nobody_answers_in_time_or_at_all(courier: Courier) -> None:
    async def late(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async with listening(late) as app:
        assert await courier.send(Outgoing(f"{app}/x", {}, timeout_seconds=0.1)) is None
    assert await courier.send(Outgoing(f"{app}/x", {}, timeout_seconds=1)) is None, "it listens no more"


async def test_nothing_is_sent_to_another_machine(courier: Courier) -> None:
    for url in ("http://192.0.2.1/x", "https://contoso.example/x", "http://127.0.0.1.contoso.example/x"):
        assert await courier.send(Outgoing(url, {}, timeout_seconds=1)) is None
