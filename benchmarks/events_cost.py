"""What an event costs that changes nothing: CPU of the worker process, requests, memory.

Run it alone with `python -m benchmarks.events_cost`. An event's cost is its share of intake, its check, the record
that the check leaves and the second check that it schedules (which itself is not measured: it costs a check more).
"""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.figures import Figure, reference_ms, show
from benchmarks.running_app import RunningApp, app_at_contoso

PEOPLE: Final = 250
"""How many people get an event at once: distinct ones, as intake merges what concerns one person."""

BURSTS: Final = 3
SINGLES: Final = 150
MOST_MS: Final = 10.0
MOST_MEGABYTES: Final = 150.0


async def measure(folder: Path) -> list[Figure]:
    """Events in bursts, then one at a time, for people who hold what they should."""
    async with app_at_contoso(folder, clerks=PEOPLE) as (app, people):
        await app.sweep()
        await app.rest()
        await app.handle(people)  # warms up
        app.requests()
        references = [reference_ms()]
        bursts = []
        for _ in range(BURSTS):
            bursts.append(await _cpu_ms_per_event(app, people))
            references.append(reference_ms())
        requests = app.requests()
        singles = await _one_by_one(app, people[:SINGLES])
        references.append(reference_ms())
        peak = app.spent().peak_bytes
    reference, burst = median(references), median(bursts)
    events = BURSTS * len(people)
    return [
        Figure(f"CPU per event, {PEOPLE} at once (median of {BURSTS} bursts)", burst, "ms", MOST_MS),
        Figure("  the same, in reference computations", burst / reference, "x", remark=f"one is {reference:.2f} ms"),
        Figure(f"CPU per event, one after another ({SINGLES})", singles, "ms", MOST_MS),
        Figure("  the same, in reference computations", singles / reference, "x"),
        *_per_event(requests, events),
        Figure("peak memory of the worker after that", peak / 2**20, "MB", MOST_MEGABYTES),
    ]


async def _cpu_ms_per_event(app: RunningApp, people: list[str]) -> float:
    before = app.spent()
    await app.handle(people)
    return 1000 * (app.spent().cpu_seconds - before.cpu_seconds) / len(people)


async def _one_by_one(app: RunningApp, people: list[str]) -> float:
    before = app.spent()
    for person in people:
        await app.handle([person])
    return 1000 * (app.spent().cpu_seconds - before.cpu_seconds) / len(people)


def _per_event(requests: Mapping[str, int], events: int) -> list[Figure]:
    """Contoso's policy names one group, and gives each of these people one profile: two reads, and one."""
    graph = sum(count for call, count in requests.items() if "/v1.0/" in call)
    billing = sum(count for call, count in requests.items() if "/Microsoft.Billing/" in call)
    return [
        Figure("Graph requests per event (one group named)", graph / events, "", 2),
        Figure("billing requests per event (one profile given)", billing / events, "", 1),
    ]


async def main() -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as folder:
        show("An event that changes nothing", await measure(Path(folder)))


if __name__ == "__main__":
    asyncio.run(main())
