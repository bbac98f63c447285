"""What the gate before a service costs a call that it lets through at once.

Run it alone with `python -m benchmarks.gate_cost`. Both are measured in turns in one run and one process, so that their
ratio holds on any machine: passing the gate by itself, and a whole read of an assignment, gate and all, without a
network.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, Self

import jwt
from azure.core.credentials import AccessToken

from benchmarks.figures import Figure, show
from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Response
from shared.adapters.billing.arm import PER_SECOND, ArmBilling
from shared.adapters.http.gate import Gate, Kind
from shared.domain.keys import ProfileKey
from shared.settings import Settings

CALLS: Final = 2000
ROUNDS: Final = 5

_PERSON: Final = "7c0f5a0e-0000-4000-8000-000000000001"
_KEY: Final = ProfileKey("account", "profile")
_ABSENT: Final = Response(
    404,
    {"x-ms-ratelimit-remaining-tenant-reads": "240", "content-type": "application/json"},
    b'{"error": {"code": "NotFound", "message": "none"}}',
)
_SETTINGS: Final = Settings.read(
    {
        "INVOICE_ACCESS_STORE": "sqlite::memory:",
        "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
    }
)


class _Token:
    """A credential with one token."""

    def __init__(self) -> None:
        self._token = AccessToken(jwt.encode({"oid": _PERSON, "tid": _PERSON}, "k" * 32), 4_000_000_000)

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return self._token

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close."""


async def measure() -> list[Figure]:
    """CPU of a pass through the gate and of a read, each the best of five rounds."""
    billing = ArmBilling(_SETTINGS, _Token(), transport=HandlerTransport(lambda _request: _ABSENT))
    gate = Gate("Azure Resource Manager", PER_SECOND, _SETTINGS)

    async def read() -> None:
        await billing.assignment(_KEY, _PERSON)

    async def gate_alone() -> None:
        async with gate.call(Kind.READS, "https://arm.example/a?b=c") as call:
            call.answered(200, left=240, wait=timedelta())

    passes, reads = [], []
    for _ in range(ROUNDS):
        passes.append(await _cpu_us(gate_alone))
        reads.append(await _cpu_us(read))
    await billing.close()
    return [
        Figure("CPU of passing the gate", min(passes), "us", 20.0),
        Figure("CPU of a billing read without a network", min(reads), "us"),
        Figure("  ratio", min(passes) / min(reads), "x", 0.05),
    ]


async def _cpu_us(work: Callable[[], Awaitable[None]]) -> float:
    begun = time.process_time()
    for _ in range(CALLS):
        await work()
    return 1e6 * (time.process_time() - begun) / CALLS


async def main() -> None:
    """Prints the figures."""
    show("The gate before a service", await measure())


if __name__ == "__main__":
    asyncio.run(main())
