"""What a daily limit's one row costs: checks that reserve at once, together and each for itself.

400 checks, 32 at a time, reserve a grant in a row that is 15 ms away, in virtual time: as the app does it, and each for
itself, in turn.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from benchmarks.figures import Figure, show
from shared.domain.guards.daily_limits import Reservations, counted, reserve_all
from shared.errors import Transient
from shared.services.reservations import rewrite_reservations
from shared.services.shared_row import change_row
from tests.simulation.reservation_table import GRANTS, NOW, Instance, Table, instance
from tests.simulation.virtual_time import VirtualLoop

CHECKS = 400
AT_ONCE = 32

type Way = Callable[[Instance, Table, Callable[[Reservations], Reservations]], Awaitable[object]]


async def together(app: Instance, _: Table, change: Callable[[Reservations], Reservations]) -> object:
    """As the app does it."""
    return await rewrite_reservations(app, GRANTS, change)


async def each(app: Instance, table: Table, change: Callable[[Reservations], Reservations]) -> object:
    """Each check reads, changes and stores the row by itself."""
    read = partial(table.reservations, GRANTS)
    return await change_row(app, "the daily limit", read, change, table.put_reservations)


async def run(way: Way) -> tuple[float, int, int]:
    """Seconds, writes, and how many gave up."""
    table, gave_up = Table(), 0
    app = instance(table)
    slots, loop = asyncio.Semaphore(AT_ONCE), asyncio.get_running_loop()

    async def check(number: int) -> None:
        nonlocal gave_up
        async with slots:
            try:
                await way(app, table, lambda row: reserve_all(row, [str(number)], CHECKS, NOW)[0])
            except Transient:
                gave_up += 1

    began = loop.time()
    await asyncio.gather(*(check(number) for number in range(CHECKS)))
    took = loop.time() - began
    if len(counted(table.row.value, NOW)) != CHECKS - gave_up:
        raise SystemExit("the row does not hold what was reserved")
    return took, table.writes, gave_up


def measure() -> list[Figure]:
    """Grants a second, writes of the row and CPU for each, and how many gave up, both ways."""
    figures: list[Figure] = []
    for name, way in (("together", together), ("each for itself", each)):
        cpu = time.process_time()
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            took, writes, gave_up = runner.run(run(way))
        cpu = time.process_time() - cpu
        figures += [
            Figure(f"{name}: grants a second", CHECKS / took, "/s"),
            Figure("  writes of the row for each", writes / CHECKS, ""),
            Figure("  CPU for each", cpu / CHECKS * 1000, "ms"),
            Figure("  gave up", gave_up, "", 0.0 if way is together else None),
        ]
    return figures


if __name__ == "__main__":
    show("Reserving 400 grants, 32 at a time, in a row that is 15 ms away", measure())
