"""A sandbox with the app in it, and what its worker process has used so far.

Lives here: starting one, giving it events, waiting until they are handled, reading the counters. What is played,
and what the figures mean, is the benchmarks' own.
"""

import asyncio
import dataclasses
import json
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient, ServiceBusSender

from sandbox.contoso import contoso, names
from sandbox.host.process import WorkerProcess
from sandbox.settings import STANDARD_POLICY, Options
from sandbox.up import Sandbox, running

PATIENCE_SECONDS: Final = 300.0
"""How long handling may take before the benchmark says that it failed."""

_QUIET_SECONDS: Final = 1.5
_A_BATCH: Final = 100
_PLENTY: Final = 1_000_000
_AMPLE: Final = "daily_limits: { grants: 100000/100000/100 %, profile_updates: 1000/1000/100 % }\n"
_SETTINGS: Final = {
    # The second check after an event that changed nothing would fall into what is measured.
    "INVOICE_ACCESS_SETTLE_SECONDS": "3600",
    "INVOICE_ACCESS_SWEEP_BATCH": "1000",
}


@dataclass(frozen=True, slots=True)
class Spent:
    """What the worker process has used so far."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


class RunningApp:
    """A running sandbox, seen from outside the app."""

    def __init__(self, sandbox: Sandbox, sender: ServiceBusSender) -> None:
        self.sandbox = sandbox
        self._sender = sender

    def spent(self) -> Spent:
        """What the worker process has used so far."""
        cpu, peak = self._worker.cpu_seconds(), self._worker.peak_memory_bytes()
        assert cpu is not None, "the worker runs"
        assert peak is not None, "the worker runs"
        return Spent(cpu, time.monotonic(), peak)

    async def sweep(self) -> None:
        """Runs a sweep, without waiting for the checks that it enqueues."""
        assert self.sandbox.host is not None, "the sandbox has an app"
        outcome = await self.sandbox.host.run_now("sweep", "")
        if not outcome.ok:
            raise RuntimeError(f"the sweep failed: {outcome.error}")

    async def handle(self, people: Sequence[str]) -> None:
        """Sends an event for each of these people, and waits until as many checks were taken."""
        checks = self._runs("reconcile") + len(people)
        for start in range(0, len(people), _A_BATCH):
            await self._sender.send_messages([_event(person) for person in people[start : start + _A_BATCH]])
        await self._until(lambda: self._runs("reconcile") >= checks and not self._busy())

    async def rest(self) -> None:
        """Waits until nothing has been run for a while."""
        seen, since = -1, time.monotonic()

        def quiet() -> bool:
            nonlocal seen, since
            runs = sum(tally.invocations for tally in self._tallies.values())
            if runs != seen or self._busy():
                seen, since = runs, time.monotonic()
            return time.monotonic() - since > _QUIET_SECONDS

        await self._until(quiet)

    def requests(self) -> Counter[str]:
        """The requests that arrived at ARM and Graph since the last call of this."""
        calls = self.sandbox.rules.calls
        found = Counter(calls["arm"] + calls["graph"])
        for counted in calls.values():
            counted.clear()
        return found

    @property
    def _worker(self) -> WorkerProcess:
        assert self.sandbox.host is not None, "the sandbox has an app"
        assert self.sandbox.host.worker is not None, "the app runs"
        return self.sandbox.host.worker

    @property
    def _tallies(self) -> dict[str, Any]:
        assert self.sandbox.host is not None, "the sandbox has an app"
        return dict(self.sandbox.host.tallies)

    def _runs(self, function: str) -> int:
        return int(self._tallies[function].invocations)

    def _busy(self) -> bool:
        return any(tally.running for tally in self._tallies.values())

    async def _until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not done():  # noqa: ASYNC110 - another process does it
                await asyncio.sleep(0.02)


@asynccontextmanager
async def app_at_contoso(folder: Path, *, clerks: int = 0) -> AsyncIterator[tuple[RunningApp, list[str]]]:
    """An app in Contoso's world and as many more people as asked for, each given one profile; their object ids.

    The policy's daily limits let everybody be given everything: else most of it would be held, and nothing measured.
    ARM's throttling (25 reads a second) is turned off: it would be measured and not the app.
    """
    document = contoso()
    more = list(_clerks(document, clerks))
    path = folder / "world.json"
    path.write_text(json.dumps({**document, "users": [*document["users"], *more]}), encoding="utf-8")
    policy = folder / "policy.yaml"
    policy.write_text(f"{STANDARD_POLICY.read_text(encoding='utf-8')}\n{_AMPLE}", encoding="utf-8")
    options = Options(world=path, state=folder / "state", policy=policy, settings=_SETTINGS)
    async with running(options) as sandbox:
        sandbox.billing.switches = dataclasses.replace(
            sandbox.billing.switches, reads_bucket=_PLENTY, writes_bucket=_PLENTY
        )
        async with (
            ServiceBusClient.from_connection_string(sandbox.service_bus) as client,
            client.get_queue_sender("people-events") as sender,
        ):
            yield RunningApp(sandbox, sender), [person["id"] for person in more]


def _clerks(document: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    companies = [
        profile["tags"]["company"]
        for account in document["billingAccounts"]
        if account["name"] != names.ENTERPRISE_ACCOUNT
        for profile in account["billingProfiles"]
        if profile["properties"]["status"] == "Active"
    ]
    pattern = next(user for user in document["users"] if user.get("jobTitle") == "Accounts payable clerk")
    found = []
    for number in range(count):
        name = f"clerk{number}"
        own = {
            "id": f"c1e4c000-0000-4000-8000-{number:012d}",
            "userPrincipalName": f"{name}@contoso.example",
            "mail": f"{name}@contoso.example",
            "mailNickname": name,
            "displayName": name,
            "employeeId": name,
            "companyName": companies[number % len(companies)],
        }
        found.append(pattern | own)
    return found


def _event(person: str) -> ServiceBusMessage:
    event = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "/hr/contoso",
        "type": "com.contoso.hr.person.changed",
        "subject": f"id:{person}",
    }
    return ServiceBusMessage(json.dumps(event))
