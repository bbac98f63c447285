"""What scenarios of their own share: a generated world with processes in it, where nothing fails and nobody meddles.

Lives here: building the place, running the processes, and waiting. What happens, and what is measured, is each
scenario's.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from sandbox.wire import Request, Response
from shared.adapters.store.rows import Row
from shared.domain.history.report import Report
from shared.domain.policy.load import load_policy
from shared.domain.work import CauseKind, Scheduled
from tests.simulation.engine.book import Book, Run
from tests.simulation.engine.broker_queues import Post
from tests.simulation.engine.faults import Weather
from tests.simulation.engine.faulty_rows import Store
from tests.simulation.engine.mortal import mortal_tasks
from tests.simulation.engine.place import Named, Place
from tests.simulation.engine.policies import SimPolicy
from tests.simulation.engine.process import Process
from tests.simulation.engine.world import World
from tests.simulation.virtual_time import VirtualLoop

START: Final = datetime(2026, 3, 2, 9, 0, 0, 250_000, tzinfo=UTC)
PLENTY: Final = (10_000, 10_000, 100)
"""A daily limit that stops nothing."""


class Counting:
    """`process.Watch` that judges nothing, and counts the checks that a sweep asks for."""

    def __init__(self) -> None:
        self.unknown_rules: tuple[SimPolicy, set[str]] | None = None
        self.asked_by_sweeps = 0

    def judge_rules(self, policy: SimPolicy) -> set[str]:
        """None."""
        del policy
        return set()

    def heard(self, process: Named, target: str, request: Request, response: Response) -> None:
        """Nothing."""

    def read(self, partition: str, key: str, row: Row | None) -> None:
        """Nothing."""

    def sent(self, check: Scheduled, *, dropped: bool) -> None:
        """Counts it, whether or not another one already waits."""
        del dropped
        if check.item.cause.kind is CauseKind.SWEEP:
            self.asked_by_sweeps += 1

    def checked_in(self, run: Run) -> None:
        """Nothing."""

    def ended(self, run: Run, bodies: tuple[bytes, ...], *, ok: bool) -> None:
        """Nothing."""

    def swept(self, run: Run, report: Report) -> None:
        """Nothing."""


def played[T](seed: int, scenario: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Plays a scenario in virtual time. For code outside any event loop."""
    loop = VirtualLoop()
    loop.set_task_factory(mortal_tasks)
    before = random.getstate()
    random.seed(seed)  # Graph's client takes its jitter from the module's own dice
    try:
        return loop.run_until_complete(scenario())
    finally:
        random.setstate(before)
        loop.close()


def place_of(rng: random.Random, given: dict[str, Any], counting: Counting) -> Place:
    """A world in which nothing fails."""
    here = World(rng, START, given)
    weather = Weather(random.Random(1))
    weather.calm = True
    book = Book(here.now)
    book.seal()
    return Place(
        here,
        Post(here.now, rng),
        Store(lambda _partition, _rows: None),
        Store(lambda _partition, _rows: None),
        weather,
        book,
        counting,
        {
            "INVOICE_ACCESS_STORE": "sqlite:unused",
            "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
        },
        sessions=32,
    )


@asynccontextmanager
async def running(
    place: Place, rng: random.Random, policy: SimPolicy, count: int = 2
) -> AsyncIterator[Sequence[Process]]:
    """So many processes, until the end of the block."""
    deployed = (policy, load_policy(policy.as_text(), "policy.yaml"))
    processes = [Process(f"app{number + 1}", place, rng, deployed, lambda _: None) for number in range(count)]
    drive = asyncio.get_running_loop().create_task(place.post.drive())
    try:
        for process in processes:
            process.start()
        yield processes
    finally:
        drive.cancel()
        for process in processes:
            process.life.bury()
            await process.close()
        await place.ledger.close()
        await place.state.close()


async def until(condition: Callable[[], bool], *, patience_seconds: float = 900.0, every_seconds: float = 1.0) -> None:
    """Waits for something. Raises TimeoutError where it does not come about."""
    async with asyncio.timeout(patience_seconds):
        while not condition():  # noqa: ASYNC110 - the world tells nobody, and time costs nothing
            await asyncio.sleep(every_seconds)
