"""A scenario of its own: leavers while a sweep has thousands of others looked at.

Lives here: a generated world, what happens in it, and how long each leaver waited. Nothing fails and nobody meddles;
the services take their time and count what they are asked for.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sandbox.broker.model import Message
from sandbox.wire import Request, Response
from shared.adapters.rows import Row
from shared.domain.policy_file import load_policy
from shared.domain.work import CauseKind, Scheduled
from tests.simulation.engine.book import Book, Run
from tests.simulation.engine.broker_queues import Post
from tests.simulation.engine.faults import Weather
from tests.simulation.engine.faulty_rows import Store
from tests.simulation.engine.mortal import mortal_tasks
from tests.simulation.engine.place import Named, Place
from tests.simulation.engine.policies import BUDGETS, OWN_COMPANY, SimPolicy
from tests.simulation.engine.process import Process
from tests.simulation.engine.world import AppWrite, World
from tests.simulation.small_world import COMPANIES, guid, user, world
from tests.simulation.virtual_time import VirtualLoop

_START: Final = datetime(2026, 3, 2, 9, 0, 0, 250_000, tzinfo=UTC)
_PLENTY: Final = (10_000, 10_000, 100)
_PATIENCE_SECONDS: Final = 900.0
_LOT: Final = 5.0


@dataclass(frozen=True, slots=True)
class Rush:
    """How long each leaver waited from the event to the revoke, in seconds, and how many looks the sweep asked for."""

    waits: tuple[float, ...]
    enqueued: int

    def percentile(self, percent: int) -> float:
        """The wait that so many percent of the leavers did not exceed."""
        ordered = sorted(self.waits)
        return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


class _Counting:
    """`process.Watch` that judges nothing, and counts the looks that a sweep asks for."""

    def __init__(self) -> None:
        self.unknown_rules: tuple[SimPolicy, set[str]] | None = None
        self.asked_by_sweeps = 0

    def judge_rules(self, policy: SimPolicy) -> set[str]:
        del policy
        return set()

    def heard(self, process: Named, target: str, request: Request, response: Response) -> None:
        """Nothing."""

    def read(self, partition: str, key: str, row: Row | None) -> None:
        """Nothing."""

    def sent(self, look: Scheduled, *, dropped: bool) -> None:
        """Counts it, whether or not another one already waits."""
        del dropped
        if look.item.cause.kind is CauseKind.SWEEP:
            self.asked_by_sweeps += 1

    def looks_at(self, run: Run) -> None:
        """Nothing."""

    def ended(self, run: Run, bodies: tuple[bytes, ...], *, ok: bool) -> None:
        """Nothing."""

    def swept(self, run: Run, report: Mapping[str, Any]) -> None:
        """Nothing."""


def leaver_rush(drifted: int, leavers: int) -> Rush:
    """Runs it: a sweep finds `drifted` people who lack something, and meanwhile `leavers` people leave one by one."""
    loop = VirtualLoop()
    loop.set_task_factory(mortal_tasks)
    before = random.getstate()
    random.seed(drifted)
    try:
        return loop.run_until_complete(_rushed(drifted, leavers))
    finally:
        random.setstate(before)
        loop.close()


async def _rushed(drifted: int, leavers: int) -> Rush:
    rng = random.Random(drifted)
    counting = _Counting()
    place = _place(rng, drifted, leavers, counting)
    policy = SimPolicy((OWN_COMPANY,), opt_in="none", budgets={**BUDGETS, "grants": _PLENTY, "leaver_revokes": _PLENTY})
    deployed = (policy, load_policy(policy.as_text(), "policy.yaml"))
    processes = [Process(f"app{number}", place, rng, deployed, lambda _: None) for number in (1, 2)]
    drive = asyncio.get_running_loop().create_task(place.post.drive())
    try:
        for process in processes:
            process.start()
        return await _story(place, processes[0], counting, drifted, leavers)
    finally:
        drive.cancel()
        for process in processes:
            process.life.bury()
            await process.close()
        await place.ledger.close()
        await place.state.close()


async def _story(place: Place, sweeper: Process, counting: _Counting, drifted: int, leavers: int) -> Rush:
    """Everybody has what they should; then many move in, a sweep finds them, and leavers come in between."""
    revoked: dict[str, datetime] = {}

    def wrote(write: AppWrite) -> None:
        if write.entry.operation == "delete-role-assignment":
            revoked.setdefault(write.entry.principal or "", write.at)

    place.world.on_app_write = wrote
    sweeper.sweep()
    await _until(lambda: len(place.world.managers()) > leavers and place.post.is_quiet())
    for number in range(drifted):
        place.world.do_graph("PATCH", f"/users/{_mover(number)}", {"department": "Finance"})
    before = counting.asked_by_sweeps
    sweeper.sweep()
    await _until(lambda: counting.asked_by_sweeps > before)
    told: dict[str, datetime] = {}
    for number in range(leavers):
        person = _leaver(number)
        place.world.do_graph("PATCH", f"/users/{person}", {"accountEnabled": False})
        told[person] = place.world.now()
        place.post.events.send(Message(_event(number, person)))
        await asyncio.sleep(_LOT)
    await _until(lambda: told.keys() <= revoked.keys())
    waits = tuple((revoked[person] - at).total_seconds() for person, at in told.items())
    return Rush(waits, counting.asked_by_sweeps - before)


def _place(rng: random.Random, drifted: int, leavers: int, counting: _Counting) -> Place:
    company = next(iter(COMPANIES))
    given = world()
    given["users"] += [user(_leaver(number), f"leaver{number}", company) for number in range(leavers)]
    given["users"] += [user(_mover(number), f"mover{number}", company, "Sales") for number in range(drifted)]
    here = World(rng, _START, given)
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


async def _until(condition: Callable[[], bool]) -> None:
    """Waits for something. Raises TimeoutError where it does not come about."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - the world tells nobody, and time costs nothing
            await asyncio.sleep(1.0)


def _event(number: int, person: str) -> bytes:
    return (
        f'{{"specversion":"1.0","id":"{number}","source":"/hr","type":"com.contoso.left","subject":"id:{person}"}}'
    ).encode()


def _leaver(number: int) -> str:
    return guid(6, number)


def _mover(number: int) -> str:
    return guid(7, number)
