"""The running app on Table Storage: over https and with tokens, as deployed, while the store stops or forgets."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

from sandbox.contoso import contoso
from sandbox.graph.objects import Entry
from sandbox.settings import PROJECT, Options
from sandbox.up import Sandbox, running
from shared.domain.billing import INVOICE_MANAGER
from tests.azurite_server import Azurite, azurite

AWAY_SECONDS: Final = 15.0
PATIENCE_SECONDS: Final = 300.0
"""The last check that met a store without an answer comes some two minutes after it is back."""
SAVING_SECONDS: Final = 60.0
"""Azurite saves its rows every five seconds, where it has the CPU for it."""

POLICY: Final = (PROJECT / "sandbox" / "contoso-policy.yaml").read_text(encoding="utf-8")
LIMITS: Final = "\ndaily_limits: { grants: 1000/1000/100 %, leaver_revokes: 1000/1000/100 % }\n"


@asynccontextmanager
async def deployed(folder: Path, store: Azurite) -> AsyncIterator[Sandbox]:
    """Contoso's app on that store, with limits that stop nobody of a burst."""
    policy = folder / "policy.yaml"
    policy.write_text(POLICY + LIMITS, encoding="utf-8")
    settings = {
        "INVOICE_ACCESS_STORE": store.endpoint,
        "INVOICE_ACCESS_COALESCE_SECONDS": "1",
        "INVOICE_ACCESS_INTENT_SECONDS": "20",  # for how long a write is not repeated whose record is all that there is
        "SSL_CERT_FILE": str(store.authority),
    }
    async with running(Options(state=folder / "state", policy=policy, settings=settings)) as sandbox:
        yield sandbox


def clerks() -> list[str]:
    """Who gets the profiles of their own company, but those whose profile is disabled."""
    return [
        user["id"]
        for user in contoso()["users"]
        if user.get("jobTitle") == "Accounts payable clerk"
        and user.get("accountEnabled")
        and user.get("companyName") != "Fabrikam Schweiz"
    ]


async def tell(sandbox: Sandbox, people: Sequence[str]) -> None:
    async with (
        ServiceBusClient.from_connection_string(sandbox.service_bus) as bus,
        bus.get_queue_sender("people-events") as sender,
    ):
        await sender.send_messages([ServiceBusMessage(json.dumps(event(person))) for person in people])


def event(person: str) -> dict[str, Any]:
    return {"specversion": "1.0", "id": person, "source": "/hr", "type": "hired", "subject": f"id:{person}"}


def holders(sandbox: Sandbox) -> set[str]:
    """Everybody who is Invoice manager by our hand."""
    sandbox.billing.now()
    return {
        row.principal_id
        for account in sandbox.billing.accounts
        for profile in account.profiles.values()
        for row in profile.assignments.every()
        if row.role == INVOICE_MANAGER and row.principal_id in set(clerks())
    }


async def until(sandbox: Sandbox, people: Sequence[str]) -> None:
    """Waits until they hold something, and nothing is under way."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not set(people) <= holders(sandbox) or busy(sandbox):  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.2)


def busy(sandbox: Sandbox) -> bool:
    assert sandbox.host is not None
    counts = [sandbox.broker.queue(name).counts() for name in ("people-events", "access-work")]
    return any(each.active + each.locked for each in counts) or any(
        tally.running for tally in sandbox.host.tallies.values()
    )


def unusable(sandbox: Sandbox) -> list[int]:
    """Dead letters, and rejected events."""
    queues = [sandbox.broker.queue(name).counts() for name in ("people-events", "access-work", "rejected-events")]
    return [*(each.dead_lettered for each in queues), queues[-1].active]


async def verb(sandbox: Sandbox, words: str) -> str:
    """What a verb of the command line says, which has to succeed."""
    script = f"set -a; . '{sandbox.environment}'; set +a; exec '{sys.executable}' -m cli {words}"
    process = await asyncio.create_subprocess_exec("sh", "-c", script, cwd=PROJECT, stdout=subprocess.PIPE)
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def chains(sandbox: Sandbox) -> int:
    """How many chains the ledger has, each of which is whole."""
    counted, _, rest = (await verb(sandbox, "ledger verify")).partition(" ")
    assert rest.startswith("chains, ")
    return int(counted)


def user(sandbox: Sandbox, person: str) -> Entry:
    found = sandbox.directory.newest().live(person)
    assert found is not None
    return found


async def sweep(sandbox: Sandbox) -> Mapping[str, Any]:
    """Runs a sweep and what follows from it; the report."""
    assert sandbox.host is not None
    assert (await sandbox.host.run_now("sweep", "")).ok
    await until(sandbox, ())
    report: dict[str, Any] = json.loads(await verb(sandbox, "report --json"))
    return report


async def test_a_burst_outlasts_a_store_that_stops_in_its_middle(tmp_path: Path) -> None:
    people = clerks()
    with azurite(tmp_path, secure=True) as store:
        async with deployed(tmp_path, store) as sandbox:
            await tell(sandbox, people)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while len(holders(sandbox)) < len(people) // 3:  # noqa: ASYNC110 - the stand-in tells nobody
                    await asyncio.sleep(0.02)
            store.pause()
            await asyncio.sleep(AWAY_SECONDS)
            assert len(holders(sandbox)) < len(people), "it stopped in the middle"
            store.go_on()
            await until(sandbox, people)
            assert unusable(sandbox) == [0, 0, 0, 0]
            assert await chains(sandbox) == len(people)


async def test_rows_that_a_killed_store_lost_are_missed_and_nothing_is_taken_for_them(tmp_path: Path) -> None:
    people = clerks()
    with azurite(tmp_path, secure=True, durable=True) as store:
        async with deployed(tmp_path, store) as sandbox:
            await tell(sandbox, people[:5])
            await until(sandbox, people[:5])
            async with asyncio.timeout(SAVING_SECONDS):
                while not all(person.encode() in store.saved for person in people[:5]):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.2)
            saved = store.saved
            await tell(sandbox, people[5:])
            await until(sandbox, people)
            store.kill(saved)  # it may have saved again meanwhile: that is luck
            store.start()
            known = await chains(sandbox)
            assert 5 <= known < len(people), "what was told and not saved is lost"
            held = holders(sandbox)
            report = await sweep(sandbox)
            assert report["complete"]
            assert report["remembered"] >= len(people) - known, "it says what it had to find out anew"
            assert holders(sandbox) >= held, "and takes nothing for it"
            leavers = people[5:]
            for person in leavers:
                sandbox.directory.update(user(sandbox, person), {"accountEnabled": False})
            await tell(sandbox, leavers)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while set(leavers) & holders(sandbox) or busy(sandbox):  # noqa: ASYNC110 - the broker tells nobody
                    await asyncio.sleep(0.2)
            assert unusable(sandbox) == [0, 0, 0, 0]
