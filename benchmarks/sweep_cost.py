"""What a start, the first event and a sweep of the Contoso world cost the worker process.

Run it alone with `python -m benchmarks.sweep_cost`.
"""

import asyncio
import tempfile
from pathlib import Path

from benchmarks.figures import Figure, show
from benchmarks.running_app import Spent, app_at_contoso
from sandbox.contoso import names

_OPTED_OUT = "GET /providers/Microsoft.Billing/billingAccounts/{}/billingProfiles/{}"
"""The check of the profile that is opted out, which the sweep enqueues: it may begin before the count is read."""


async def measure(folder: Path) -> list[Figure]:
    """From a cold start to an estate that matches, and the sweep that proves it."""
    async with app_at_contoso(folder) as (app, _):
        ready = app.spent()
        await app.handle([names.MIKKEL_HANSEN])
        await app.rest()
        first = app.spent()
        app.requests()
        await app.sweep()
        await app.rest()
        granted = app.spent()
        grants = sum(count for call, count in app.requests().items() if call.endswith("createBillingRoleAssignment"))
        assert grants > 100, f"everybody is given what they should have, and not held: {grants} grants"
        await app.sweep()
        swept = app.spent()
        requests = app.requests()
        del requests[_OPTED_OUT]
    sweep = swept.cpu_seconds - granted.cpu_seconds
    return [
        Figure("ready to be called (all imports of function_app): CPU", ready.cpu_seconds, "s"),
        Figure("  memory", _megabytes(ready), "MB"),
        Figure("first event (clients imported and opened, 6 reads): CPU", first.cpu_seconds - ready.cpu_seconds, "s"),
        Figure("  memory", _megabytes(first), "MB"),
        Figure(f"first sweep and its checks, {grants} grants: CPU", granted.cpu_seconds - first.cpu_seconds, "s"),
        Figure("sweep of an estate that matches: CPU", sweep, "s"),
        Figure("  wall", swept.wall_seconds - granted.wall_seconds, "s"),
        Figure("  requests (4 accounts and profiles, 15 lists, 5 directory)", sum(requests.values()), "", 24),
        Figure("peak memory after that", _megabytes(swept), "MB", 150),
    ]


def _megabytes(spent: Spent) -> float:
    return spent.peak_bytes / 2**20


async def main() -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as folder:
        show("Start and sweep, the Contoso world", await measure(Path(folder)))


if __name__ == "__main__":
    asyncio.run(main())
