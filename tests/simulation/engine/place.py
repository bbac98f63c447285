"""What the processes of one simulation share, and the clock that each has of its own.

Lives here: the seams through which a process meets the rest. Who stands behind them is known to `run`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sandbox.wire import Request, Response
from shared.adapters.store.rows import Row
from shared.domain.history.report import Report
from shared.domain.work import Scheduled
from tests.simulation.engine.book import RUN, Book, Run
from tests.simulation.engine.broker_queues import Post
from tests.simulation.engine.faults import Weather
from tests.simulation.engine.faulty_rows import Store
from tests.simulation.engine.policies import SimPolicy
from tests.simulation.engine.world import World


class Named(Protocol):
    """A process, as far as whoever watches knows it."""

    name: str
    clock: "OwnClock"


class Watch(Protocol):
    """Whoever judges what happens; see `judge`."""

    unknown_rules: tuple[SimPolicy, set[str]] | None

    def judge_rules(self, policy: SimPolicy) -> set[str]:
        """The rules that are not known now."""
        ...

    def heard(self, process: Named, target: str, request: Request, response: Response) -> None:
        """A process got an answer."""
        ...

    def read(self, partition: str, key: str, row: Row | None) -> None:
        """A process was given a row."""
        ...

    def sent(self, check: Scheduled, *, dropped: bool) -> None:
        """A check reached the broker, or was dropped there as a duplicate."""
        ...

    def checked_in(self, run: Run) -> None:
        """A run learned which key it is about."""
        ...

    def ended(self, run: Run, bodies: tuple[bytes, ...], *, ok: bool) -> None:
        """A run ended, before its messages are settled."""
        ...

    def swept(self, run: Run, report: Report) -> None:
        """A sweep ended well, with this report."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """What all processes share."""

    world: World
    post: Post
    ledger: Store
    state: Store
    weather: Weather
    book: Book
    watch: Watch
    settings: Mapping[str, str]
    sessions: int
    """How many sessions a process holds at most."""


class OwnClock:
    """`ports.Clock` of one process: the world's, and how far it is off. Notes who read it."""

    def __init__(self, world: World, off: timedelta) -> None:
        self._world = world
        self.off = off

    def now(self) -> datetime:
        """The time, as this process has it."""
        now = self._world.now() + self.off
        if (run := RUN.get()) is not None:
            run.clock_reads.append(now)
        return now

    def peek(self) -> datetime:
        """The same, for the simulation's own use."""
        return self._world.now() + self.off
