"""The Functions host around its worker: nothing is dispatched before the app is indexed, and no bug is swallowed."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.broker.model import Message, QueueOptions
from shared.adapters.queues.work_wire import encode
from shared.domain.keys import PersonKey, session_id
from shared.domain.work import Cause, CauseKind, WorkItem
from tests.sandbox.e2e.test_host_functions import Running, StartHost, running

GATED = """
note(at="loading", pid=os.getpid())
while not (OUT.parent / "gate-open").exists():
    time.sleep(0.01)

@app.service_bus_queue_trigger(arg_name="msg", queue_name="work", connection="Bus", is_sessions_enabled=True)
def work(msg: func.ServiceBusMessage):
    note(at="run", count=msg.delivery_count, pid=os.getpid())

@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
def tick(timer: func.TimerRequest):
    note(at="tick", pid=os.getpid())

@app.route(route="me", auth_level=func.AuthLevel.ANONYMOUS)
def me(req: func.HttpRequest) -> str:
    return "it is me"
"""
"""An app that loads for as long as its gate is shut."""


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[StartHost]:
    """Starts an app on a host."""
    async with AsyncExitStack() as stack:

        async def begin(body: str, *queues: QueueOptions, settings: dict[str, str] | None = None) -> Running:
            return await stack.enter_async_context(
                running(tmp_path, body, host_json={}, settings=settings or {}, queues=list(queues))
            )

        yield begin


async def test_while_a_new_worker_loads_the_app_nothing_is_dispatched_to_it(start: StartHost, tmp_path: Path) -> None:
    gate = tmp_path / "gate-open"
    gate.touch()
    app = await start(GATED, QueueOptions(name="work", requires_session=True))
    queue = app.broker.queue("work")
    first = (await app.status())["workerPid"]
    gate.unlink()
    os.kill(first, signal.SIGKILL)
    await app.until(lambda: any(note["at"] == "loading" and note["pid"] != first for note in app.notes()))
    before = await app.status()
    assert before["state"] == "Starting"

    for session in "abc":
        queue.send(Message(session_id=session))
    # A tick of the timer's schedule passes while the app loads. Each answer from the host comes by its own event
    # loop: whatever it would dispatch, it has dispatched by then.
    second = int(datetime.now(UTC).timestamp())
    answers = set()
    while datetime.now(UTC).timestamp() < second + 1.1:
        answers.add((await app.client.get("/api/me")).status_code)
        answers.add((await app.client.post("/admin/functions/tick")).status_code)
        now = await app.status()
    assert now["workerPid"] not in {None, first}, "a worker is there, which could be spoken to"
    assert answers == {503}
    assert queue.counts().locked == 0
    assert {name: tally["invocations"] for name, tally in now["functions"].items()} == {
        name: tally["invocations"] for name, tally in before["functions"].items()
    }

    gate.touch()
    await app.until(lambda: sum(note["at"] == "run" for note in app.notes()) == 3)
    assert {note["count"] for note in app.notes() if note["at"] == "run"} == {1}
    assert (await app.client.get("/api/me")).status_code == 200
    assert (await app.status())["functions"]["work"]["failures"] == 0


RECONCILE = """
from dataclasses import replace
from functions.reconcile import blueprint
from shared import bootstrap

class BrokenLedger:
    async def open(self, key):
        note(opened=key)
        raise ZeroDivisionError("a bug of ours")

built = bootstrap.app
bootstrap.app = lambda: replace(built(), ledger=BrokenLedger())
app.register_functions(blueprint)
"""
"""The app's own reconcile function, on a ledger with a bug."""


async def test_a_bug_in_a_check_brings_the_message_back_and_in_the_end_to_the_dead_letters(
    start: StartHost, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\naccounts: all\nenforce: none\nrules: []\n")
    app = await start(
        RECONCILE,
        QueueOptions(name="access-work", requires_session=True, max_delivery_count=3),
        settings={
            "INVOICE_ACCESS_STORE": f"sqlite:{tmp_path / 'store.sqlite'}",
            "INVOICE_ACCESS_POLICY": str(policy),
            "ServiceBusConnection__fullyQualifiedNamespace": "127.0.0.1:1",
        },
    )
    queue = app.broker.queue("access-work")
    key = PersonKey("7c0f5a0e-0000-4000-8000-000000000001")
    item = WorkItem(key, Cause(CauseKind.EVENT, "/hr#1"), first_asked=datetime.now(UTC))
    queue.send(Message(body=encode(item), session_id=session_id(key), message_id="m-1"))
    await app.until(lambda: queue.counts().active == queue.counts().locked == 0, seconds=20)
    assert app.notes() == [{"opened": key.canonical}] * 3
    (dead,) = app.broker.queue("access-work/$deadletterqueue").peek()
    assert dead.message.body == encode(item)
    assert dead.message.application_properties["DeadLetterReason"] == "MaxDeliveryCountExceeded"
    tally = (await app.status())["functions"]["reconcile"]
    assert (tally["invocations"], tally["failures"]) == (3, 3)
    assert "a bug of ours" in tally["lastError"]
