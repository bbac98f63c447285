"""One daily limit's row a while away, and processes that share it. Nothing else of a state is there."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from shared.domain.guards.daily_limits import Reservations
from shared.domain.policy.model import ActionKind
from shared.errors import Conflict, Transient
from shared.ports import Stored
from shared.services.reservations import ReservationTurns

GRANTS: Final = ActionKind.GRANTS
NOW: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Table:
    """The row of one daily limit, 15 ms away. `down` is how many writes are lost from now on."""

    def __init__(self) -> None:
        self.row = Stored(Reservations(GRANTS), None)
        self.writes = 0
        self.down = 0

    async def reservations(self, kind: ActionKind) -> Stored[Reservations]:
        assert kind is GRANTS
        await asyncio.sleep(0.0075)
        row = self.row
        await asyncio.sleep(0.0075)
        return row

    async def put_reservations(self, row: Stored[Reservations]) -> Stored[Reservations]:
        self.writes += 1
        await asyncio.sleep(0.0075)
        if self.down:
            self.down -= 1
            raise Transient("the store does not answer")
        if row.version != self.row.version:
            raise Conflict("somebody else was quicker")
        self.row = Stored(row.value, str(self.writes))
        stored = self.row
        await asyncio.sleep(0.0075)
        return stored


@dataclass
class Instance:
    """What a process of its own has for this: the row, its jitter, and its turns."""

    state: Any
    random: random.Random
    reservation_turns: ReservationTurns = field(default_factory=ReservationTurns)
    clock: Any = None
    ledger: Any = None


def instance(table: Table, seed: int = 1) -> Instance:
    return Instance(table, random.Random(seed))
