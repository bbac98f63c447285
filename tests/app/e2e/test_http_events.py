"""Events over HTTP through the running app: worker, real Service Bus client, broker. The core is left out."""

import asyncio
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.settings import Options
from sandbox.up import Sandbox, running
from shared.errors import Rejected
from shared.sources.bamboohr import BAMBOOHR
from shared.sources.event_grid import EVENT_GRID
from shared.sources.events import PersonEvent
from shared.sources.hr import HR
from shared.sources.lifecycle_workflows import LIFECYCLE_WORKFLOWS
from shared.sources.personio import PERSONIO
from shared.sources.read import read_message
from tests.app.unit.front_desk import ENVIRONMENT, KEYS

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROJECT = Path(__file__).parents[3]
OWN = {name: value for name, value in ENVIRONMENT.items() if name.startswith("INVOICE_ACCESS_")}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    options = Options(state=tmp_path_factory.mktemp("front"), settings={**OWN, "INVOICE_ACCESS_PART": "front"})
    async with running(options) as sandbox:
        yield sandbox


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(front: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{front.functions}/api", timeout=20) as made:
        yield made


def key(front: Sandbox) -> dict[str, str]:
    assert front.host is not None
    return {"x-functions-key": front.host.keys.function}


def queued(front: Sandbox) -> list[bytes]:
    """What lies on people-events, in its order; nobody takes it, as the front has no intake."""
    return [stored.message.body for stored in front.broker.queue("people-events").peek(0, count=10_000)]


def collection(count: int) -> dict[str, Any]:
    return {
        "value": [
            {"clientState": KEYS["graph"][0], "resource": f"Users/7c0f5a0e-0000-4000-8000-{number:012}", "n": 2**60}
            for number in range(count)
        ]
    }


async def test_the_handshake_goes_the_whole_way(client: httpx.AsyncClient) -> None:
    token = "Validation: Testing client application reachability, Request-Id: 5a+b/c=%"
    for route in ("graph/notifications", "graph/lifecycle"):
        answer = await client.post(
            route, params={"validationToken": token}, headers={"content-type": "text/plain; charset=utf-8"}
        )
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.text == token


async def test_an_event_in_chunks_is_told_to_come_with_its_length(front: Sandbox, client: httpx.AsyncClient) -> None:
    body = b'{"specversion":"1.0","id":"1","source":"/hr","type":"hired","subject":"employee-id:1"}'
    stamp = str(int(time.time()))
    digest = hmac.new(KEYS["hr"][0].encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    proof = {"x-signature": f"v1={digest}", "x-timestamp": stamp, "content-type": "application/cloudevents+json"}

    async def chunks() -> AsyncIterator[bytes]:
        yield body

    before = len(queued(front))
    answer = await client.post("events/hr", content=chunks(), headers=proof)
    assert (answer.status_code, answer.json()["field"]) == (411, "Content-Length")
    assert len(queued(front)) == before
    assert (await client.post("events/hr", content=body, headers=proof)).status_code == 202


async def test_a_hundred_notifications_become_one_message(front: Sandbox, client: httpx.AsyncClient) -> None:
    before = len(queued(front))
    answer = await client.post("graph/notifications", json=collection(100))
    assert (answer.status_code, answer.content) == (202, b"")
    added = queued(front)[before:]
    assert len(added) == 1
    assert [item["n"] for item in json.loads(added[0])["value"]] == [2**60] * 100
    assert b"clientState" not in added[0]


async def test_every_source_takes_its_own_in(front: Sandbox, client: httpx.AsyncClient) -> None:
    before = len(queued(front))
    stamp = str(int(time.time()))
    hr, bamboo = json.dumps(HR.example).encode(), json.dumps(BAMBOOHR.example).encode()
    hr_signature = hmac.new(KEYS["hr"][0].encode(), f"{stamp}.".encode() + hr, hashlib.sha256).hexdigest()
    bamboo_signature = hmac.new(KEYS["bamboohr"][0].encode(), bamboo + stamp.encode(), hashlib.sha256).hexdigest()
    cloud = {"content-type": "application/cloudevents+json"}
    answers = [
        await client.post(
            "events/hr", content=hr, headers={**cloud, "x-timestamp": stamp, "x-signature": f"v1={hr_signature}"}
        ),
        await client.post(
            "events/bamboohr",
            content=bamboo,
            headers={
                "content-type": "application/json",
                "x-bamboohr-timestamp": stamp,
                "x-bamboohr-signature": bamboo_signature,
            },
        ),
        await client.post("events/personio", params={"secret": KEYS["personio"][0]}, json=PERSONIO.example),
        await client.post("events/lifecycle-workflows", json=LIFECYCLE_WORKFLOWS.example, headers=key(front)),
        await client.post(
            "events/event-grid", content=json.dumps(EVENT_GRID.example).encode(), headers={**cloud, **key(front)}
        ),
    ]
    assert [answer.status_code for answer in answers] == [202] * 5
    one = {"accepted": 1, "ignored": 0, "rejected": 0, "mistakes": []}
    assert all(answer.json() == one for answer in answers)
    assert len(queued(front)) == before + 5


async def test_one_bad_employee_of_three_costs_the_others_nothing(front: Sandbox, client: httpx.AsyncClient) -> None:
    before = len(queued(front))
    body = json.dumps({"employees": [{"id": "119"}, {"action": "Updated"}, {"id": "121"}]}).encode()
    stamp = str(int(time.time()))
    signature = hmac.new(KEYS["bamboohr"][0].encode(), body + stamp.encode(), hashlib.sha256).hexdigest()
    headers = {"x-bamboohr-timestamp": stamp, "x-bamboohr-signature": signature, "content-type": "application/json"}
    answer = await client.post("events/bamboohr", content=body, headers=headers)
    assert answer.status_code == 202
    told = answer.json()
    assert (told["accepted"], told["ignored"], told["rejected"]) == (2, 0, 1)
    assert told["mistakes"][0]["field"] == "employees[1].id"
    (message,) = queued(front)[before:]
    reads = read_message(message, now=datetime.now(UTC))
    assert [read.key.canonical for read in reads if isinstance(read, PersonEvent)] == [
        "identity:employee-id:119",
        "identity:employee-id:121",
    ]
    (rejected,) = [read for read in reads if isinstance(read, Rejected)]
    assert (rejected.field, rejected.event) == ("employees[1].id", b'{"action":"Updated"}')


async def test_event_grid_may_ask_and_a_stranger_may_not(front: Sandbox, client: httpx.AsyncClient) -> None:
    asked = {"WebHook-Request-Origin": "eventgrid.azure.net"}
    answer = await client.options("events/event-grid", headers={**asked, **key(front)})
    assert (answer.status_code, answer.headers["WebHook-Allowed-Origin"]) == (200, "eventgrid.azure.net")
    assert (await client.options("events/event-grid", headers=asked)).status_code == 401
    for route in ("events/event-grid", "events/lifecycle-workflows"):
        assert (await client.post(route, json={})).status_code == 401
    assert (await client.post("events/workday", json={})).status_code == 404


async def test_the_front_runs_nothing_but_http(front: Sandbox, client: httpx.AsyncClient) -> None:
    shown = (await client.get(f"{front.functions}/admin/functions")).json()
    assert {entry["trigger"]["type"] for entry in shown} == {"httpTrigger"}


async def test_a_file_of_people_is_sent_by_command(front: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("employee-id;effective\n" + "".join(f"{number};2026-04-01\n" for number in range(250)))
    before = len(queued(front))
    environment = {**os.environ, "SERVICE_BUS_CONNECTION_STRING": front.service_bus}
    done = await asyncio_run([sys.executable, "-m", "cli", "events", "send", str(file)], environment)
    assert done.returncode == 0, done.stderr
    assert "250 checks asked for in 3 messages, 0 lines left out." in done.stdout
    file.write_text("employee-id\n7\n,8\n", encoding="utf-8")
    done = await asyncio_run([sys.executable, "-m", "cli", "events", "send", str(file), "--skip-bad"], environment)
    assert "1 check asked for in 1 message, 1 line left out." in done.stdout
    assert [len(json.loads(body)) for body in queued(front)[before:]] == [100, 100, 50, 1]


async def asyncio_run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs a program while the broker, which lives in this loop, goes on."""
    return await asyncio.to_thread(
        subprocess.run, command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
