"""What a comparison of two policies needs in a directory of 100,000 people: memory, CPU and calls.

Run it alone with `python -m benchmarks.plan_memory`; it fails where the answer is wrong or the memory too much. The new
policy's rule is for the archivists among all staff, so that everybody is listed and almost nobody kept.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any, Final

from benchmarks.figures import Figure, show
from sandbox.contoso import STANDARD_WORLD
from sandbox.settings import STANDARD_POLICY
from shared import bootstrap
from shared.adapters.http.credentials import managed_identity
from shared.domain.policy.load import load_policy
from shared.domain.policy.model import ActionKind
from shared.services.sweep.plan import compare

PEOPLE: Final = 100_000
ARCHIVISTS: Final = 25
MOST_MEGABYTES: Final = 300.0

_ALL_STAFF: Final = "7c0f5a0e-0000-4000-8000-0000000a11a1"
_RULE: Final = f"""
  - name: archivists
    member_of: [{_ALL_STAFF}]
    who: "jobTitle eq 'Archivist'"
    profiles: [{{ name: "Contoso Nederland" }}]
"""


async def measure(folder: Path) -> list[Figure]:
    """Starts the stand-ins with such a directory, and compares in a process of its own."""
    _write_world(folder / "world.json")
    arguments = ("-m", "sandbox", "up", "--no-app", "--world", str(folder / "world.json"))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=PIPE, stderr=DEVNULL)
    assert process.stdout is not None, "it was asked for"
    try:
        places = json.loads(await process.stdout.readline())
        environment = {
            **os.environ,
            "IDENTITY_ENDPOINT": f"{places['identity']}/msi/token",
            "IDENTITY_HEADER": "any",
            "INVOICE_ACCESS_STORE": f"sqlite:{folder / 'ledger.sqlite'}",
            "INVOICE_ACCESS_POLICY": str(STANDARD_POLICY),
            "INVOICE_ACCESS_GRAPH_URL": places["graph"],
            "INVOICE_ACCESS_ARM_URL": places["arm"],
            "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
        }
        comparing = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.plan_memory", "--compare", stdout=PIPE, env=environment
        )
        said, _ = await comparing.communicate()
    finally:
        process.terminate()
        await process.wait()
    found = json.loads(said)
    assert found["people"] > PEOPLE, found
    assert found["given"] == ARCHIVISTS, found
    return [
        Figure(f"peak memory, {found['people']:,} people", found["peak"] / 2**20, "MB", MOST_MEGABYTES),
        Figure("CPU", found["seconds"], "s"),
        Figure("calls", found["calls"], ""),
    ]


async def _compare() -> dict[str, Any]:
    configuration = bootstrap.read_configuration(os.environ)
    new = STANDARD_POLICY.read_text(encoding="utf-8").replace("rules:\n", f"rules:{_RULE}", 1)
    async with AsyncExitStack() as closing:
        credential = await closing.enter_async_context(managed_identity(None))
        app = bootstrap.build(configuration, credential, closing)
        begun = time.process_time()
        found = await compare(app, load_policy(new, "new.yaml"))
        seconds = time.process_time() - begun
        calls = sum(app.calls().values())
    given = [one for one in found.planned.changes if one.kind is ActionKind.GRANTS and one.rules == ("archivists",)]
    return {
        "people": found.planned.people,
        "given": len(given),
        "peak": _peak_bytes(),
        "seconds": seconds,
        "calls": calls,
    }


def _peak_bytes() -> int:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return int(status["VmHWM"].split()[0]) * 1024


def _write_world(path: Path) -> None:
    world = json.loads(STANDARD_WORLD.read_text(encoding="utf-8"))
    staff = [_employee(number) for number in range(PEOPLE)]
    world["users"] += staff
    world["groups"].append({"id": _ALL_STAFF, "displayName": "All staff", "members": [one["id"] for one in staff]})
    path.write_text(json.dumps(world), encoding="utf-8")


def _employee(number: int) -> dict[str, Any]:
    name = f"employee.{number}@contoso.example"
    return {
        "id": f"c0a1d000-0000-4000-8000-{number:012x}",
        "userPrincipalName": name,
        "mail": name,
        "displayName": f"Employee {number}",
        "accountEnabled": True,
        "userType": "Member",
        "employeeId": f"S{number:06}",
        "companyName": "Contoso Warehouses",
        "department": f"Warehouse {number % 40}",
        "jobTitle": "Archivist" if number % (PEOPLE // ARCHIVISTS) == 0 else f"Hand {number % 300}",
        "city": "Rotterdam",
        "country": "Netherlands",
        "officeLocation": f"Hall {number % 12}",
    }


async def main() -> None:
    """Prints the figures; exits with 1 where the memory is too much."""
    if "--compare" in sys.argv:
        print(json.dumps(await _compare()))
        return
    with tempfile.TemporaryDirectory() as folder:
        figures = await measure(Path(folder))
    show("A comparison of two policies", figures)
    if any(one.at_most is not None and one.value > one.at_most for one in figures):
        sys.exit(1)


if __name__ == "__main__":
    asyncio.run(main())
