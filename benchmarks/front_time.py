"""The front's own time: what one request costs between the socket and the queue, in CPU milliseconds.

`python -m benchmarks.front_time` posts a collection of 100 notifications, and a batch of 100 signed events, and prints
median, p99 and the longest of each. The queue is one that remembers: the network is not managed.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from shared.services.front import Answer
from shared.sources.hr import HR
from tests.app.unit.front_desk import KEYS, Desk

ROUNDS = 1000


async def measure(name: str, call: Callable[[], Awaitable[Answer]]) -> float:
    """Times a call; its p99 in milliseconds."""
    taken: list[float] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        answer = await call()
        taken.append((time.process_time() - began) * 1000)
        if answer.status != 202:
            raise SystemExit(f"{name}: answered {answer.status}")
    taken.sort()
    p99 = taken[int(0.99 * ROUNDS)]
    print(f"{name:40} median {taken[ROUNDS // 2]:6.2f} ms   p99 {p99:6.2f} ms   longest {taken[-1]:6.2f} ms")
    return p99


async def run() -> None:
    """Measures both."""
    desk = Desk()
    items: list[dict[str, Any]] = [
        {
            "changeType": "updated",
            "clientState": KEYS["graph"][1],
            "resource": f"Users/7c0f5a0e-0000-4000-8000-{number:012}",
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.User",
                "@odata.id": f"Users/7c0f5a0e-0000-4000-8000-{number:012}",
                "id": f"7c0f5a0e-0000-4000-8000-{number:012}",
                "organizationId": "7c0f5a0e-0000-4000-8000-000000007e7a",
                "sequenceNumber": 638059995676961300,
            },
            "subscriptionExpirationDateTime": "2022-12-10T10:23:45.9356913-08:00",
            "subscriptionId": "7c0f5a0e-0000-4000-8000-0000000005b5",
            "tenantId": "7c0f5a0e-0000-4000-8000-000000007e7a",
        }
        for number in range(100)
    ]
    body = json.dumps({"value": items}).encode()
    events = json.dumps([{**HR.example, "id": str(number)} for number in range(100)]).encode()
    batch = "application/cloudevents-batch+json"
    await measure("100 notifications of Graph", lambda: desk.notify(body))
    await measure("100 signed events of an HR system", lambda: desk.post("hr", events, media_type=batch))
    await measure("1 signed event", lambda: desk.post("hr", HR.example))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    asyncio.run(run())
