"""What reading a person from Graph costs: over httpx's own transport, and over the one that the app has.

Run it alone with `python -m benchmarks.directory_cost`. Both are measured in turns in one run, against stand-ins in
a process of their own, so that their ratio holds on any machine.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from subprocess import DEVNULL, PIPE
from typing import Final

import httpx

from benchmarks.figures import Figure, show
from sandbox.contoso import names
from shared.adapters.graph.directory import GraphDirectory
from shared.adapters.graph.transport import AiohttpTransport
from shared.adapters.http.credentials import managed_identity
from shared.settings import Settings

READS: Final = 256
ROUNDS: Final = 3
GROUPS: Final = frozenset({names.TREASURY})

_TRANSPORTS: Final[dict[str, Callable[[], httpx.AsyncClient]]] = {
    "httpx's transport": lambda: httpx.AsyncClient(trust_env=False),
    "our transport": lambda: httpx.AsyncClient(transport=AiohttpTransport(local=True)),
}


async def measure() -> list[Figure]:
    """CPU milliseconds per person read (two requests), one after another and 32 side by side."""
    figures = []
    async with _standins() as settings:
        credential = managed_identity(None)
        for at_once in (1, 32):
            found = dict.fromkeys(_TRANSPORTS, float("inf"))
            for _ in range(ROUNDS):
                for name, client in _TRANSPORTS.items():
                    directory = GraphDirectory(settings, credential, http_client=client())
                    found[name] = min(found[name], await _cpu_ms(directory, at_once))
                    await directory.close()
            where = "one after another" if at_once == 1 else f"{at_once} side by side"
            figures += [Figure(f"{name}, {where}", cost, "ms") for name, cost in found.items()]
            figures.append(Figure("  ratio, ours to httpx's", found["our transport"] / found["httpx's transport"], "x"))
        await credential.close()
    return figures


async def _cpu_ms(directory: GraphDirectory, at_once: int) -> float:
    async def read(count: int) -> None:
        for _ in range(count):
            await directory.person(names.FEMKE_DE_BOER, GROUPS)

    await asyncio.gather(*(read(2) for _ in range(at_once)))  # opens the connections
    begun = time.process_time()
    await asyncio.gather(*(read(READS // at_once) for _ in range(at_once)))
    return 1000 * (time.process_time() - begun) / READS


@asynccontextmanager
async def _standins() -> AsyncIterator[Settings]:
    arguments = ("-m", "sandbox", "up", "--no-app")
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=PIPE, stderr=DEVNULL)
    assert process.stdout is not None, "it was asked for"
    try:
        places = json.loads(await process.stdout.readline())
        os.environ["IDENTITY_ENDPOINT"] = f"{places['identity']}/msi/token"
        os.environ["IDENTITY_HEADER"] = "any"
        yield Settings.read(
            {
                "INVOICE_ACCESS_STORE": "sqlite::memory:",
                "INVOICE_ACCESS_GRAPH_URL": places["graph"],
                "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
            }
        )
    finally:
        process.terminate()
        await process.wait()


async def main() -> None:
    """Prints the figures."""
    show("A person read from Graph (two requests), CPU", await measure())


if __name__ == "__main__":
    asyncio.run(main())
