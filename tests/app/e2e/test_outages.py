"""The running app while something is away: nothing is a dead letter, and work goes on seconds after it is back."""

import asyncio
import json
from pathlib import Path

import httpx
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

from sandbox.faults import Effect, Rule
from sandbox.settings import Options
from sandbox.up import Sandbox, running

AWAY_SECONDS = 20.0
SECONDS = 15.0
"""How soon work goes on: the longest pause between two tries, and azure-identity's own repetitions."""


async def _send_leavers(sandbox: Sandbox) -> None:
    async with (
        ServiceBusClient.from_connection_string(sandbox.service_bus) as bus,
        bus.get_queue_sender("people-events") as sender,
    ):
        for number in (1, 2, 3):
            event = {"specversion": "1.0", "id": str(number), "source": "/hr", "type": "left"}
            event["subject"] = f"employee-id:E0000{number}"
            await sender.send_messages(ServiceBusMessage(json.dumps(event)))


def _events(sandbox: Sandbox) -> tuple[int, int]:
    """Events that wait or are being worked on, and dead letters of both queues."""
    counts = [sandbox.broker.queue(name).counts() for name in ("people-events", "access-work")]
    return counts[0].active + counts[0].locked, sum(each.dead_lettered for each in counts)


async def test_events_outlast_an_identity_endpoint_that_is_away_at_a_cold_start(tmp_path: Path) -> None:
    async with running(Options(state=tmp_path)) as sandbox, httpx.AsyncClient(timeout=60) as client:
        away = sandbox.rules.lay(Rule(target="identity", method="GET", path="token", effect=Effect(status=500)))
        (await client.post(f"{sandbox.functions}/admin/host/restart")).raise_for_status()
        await _send_leavers(sandbox)
        await asyncio.sleep(AWAY_SECONDS)
        assert _events(sandbox) == (3, 0)
        sandbox.rules.lift(away.id)
        async with asyncio.timeout(SECONDS):
            while _events(sandbox) != (0, 0):  # noqa: ASYNC110 - the broker tells nobody
                await asyncio.sleep(0.2)
        status = (await client.get(f"{sandbox.functions}/admin/host/status")).json()["functions"]["intake"]
        assert (status["failures"], status["running"]) == (0, 0)


async def test_good_events_of_a_batch_pass_while_the_queue_for_rejected_ones_is_off(
    tmp_path: Path,
) -> None:
    async with running(Options(state=tmp_path)) as sandbox, httpx.AsyncClient(timeout=60) as client:
        rejected = sandbox.broker.queue("rejected-events")
        rejected.is_disabled = True
        async with (
            ServiceBusClient.from_connection_string(sandbox.service_bus) as bus,
            bus.get_queue_sender("people-events") as sender,
        ):
            event = {"specversion": "1.0", "id": "1", "source": "/hr", "type": "left", "subject": "employee-id:E00001"}
            await sender.send_messages([ServiceBusMessage(b"noise"), ServiceBusMessage(json.dumps(event))])
        work = sandbox.broker.queue("access-work")
        async with asyncio.timeout(SECONDS):
            while _events(sandbox) != (0, 0) or not work.counts().scheduled:  # noqa: ASYNC110 - the broker tells nobody
                await asyncio.sleep(0.2)
        functions = (await client.get(f"{sandbox.functions}/admin/host/status")).json()["functions"]
        assert functions["intake"]["failures"] == 0  # nothing was given back, so that nobody is checked again
        noise = [each.message for each in work.peek(count=100) if each.message.body == b"noise"]
        assert len(noise) == 1
        assert rejected.counts().active == 0


async def test_events_outlast_a_work_queue_that_cannot_be_reached(tmp_path: Path) -> None:
    nowhere = {"ServiceBusConnection__fullyQualifiedNamespace": "127.0.0.1:9"}
    async with running(Options(state=tmp_path, settings=nowhere)) as sandbox:
        await _send_leavers(sandbox)
        await asyncio.sleep(AWAY_SECONDS)
        assert _events(sandbox) == (3, 0)
