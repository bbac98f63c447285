"""Changing a daily limit's row, which the checks of all instances and the sweep share.

Lives here: that checks of one process which want the same row at the same time change it together, in one write. The
arithmetic is `shared.domain.guards.daily_limits`'.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from shared.domain.guards.daily_limits import Reservations
from shared.domain.policy.model import ActionKind
from shared.ports import Stored
from shared.services.shared_row import StoreOnly, change_row

type Change = Callable[[Reservations], Reservations]

type Changed = tuple[Reservations, Reservations]
"""The row before one change, and after it."""


@dataclass(slots=True)
class _Turn:
    """Changes that are stored together. `open` as long as others may join."""

    changes: list[Change]
    stored: asyncio.Task[Sequence[Changed]]
    open: bool = True


@dataclass(slots=True)
class ReservationTurns:
    """One process's turns at the row of each daily limit: one is being stored, and the next one gathers."""

    latest: dict[ActionKind, _Turn] = field(default_factory=dict)
    rows: dict[ActionKind, Stored[Reservations]] = field(default_factory=dict)
    """Each row as this process stored it last. Others may have changed it since: the store notices that at a write."""


class TakingTurns(StoreOnly, Protocol):
    """What is given to whoever changes such a row. Every `App` is one."""

    @property
    def reservation_turns(self) -> ReservationTurns:
        """This process's turns."""


async def rewrite_reservations(app: TakingTurns, kind: ActionKind, change: Change) -> Changed:
    """Stores a daily limit's row as `change` makes it. Returns it before and after.

    `change` may be asked several times. Whoever comes while the row is being stored waits for the next turn with all
    others who do, so that a burst of checks does not get in its own way. Raises as `change_row` does, to everybody of a
    turn. Whoever is cancelled leaves the change in its turn: a reservation that nobody uses counts, which is the safe
    side.
    """
    turns = app.reservation_turns.latest
    turn = turns.get(kind)
    if turn is None or not turn.open:
        changes: list[Change] = []
        before = None if turn is None else turn.stored
        turn = turns[kind] = _Turn(changes, asyncio.create_task(_store(app, kind, changes, before)))
    number = len(turn.changes)
    turn.changes.append(change)
    return (await asyncio.shield(turn.stored))[number]


async def _store(
    app: TakingTurns, kind: ActionKind, changes: Sequence[Change], before: asyncio.Task[Sequence[Changed]] | None
) -> Sequence[Changed]:
    """Stores one turn's changes, one on top of the other, once the turn `before` has ended."""
    if before is not None:
        await asyncio.wait([before])
    turns = app.reservation_turns
    turns.latest[kind].open = False
    steps: list[Changed] = []

    def all_of_them(row: Reservations) -> Reservations:
        steps.clear()
        for change in changes:
            after = change(row)
            steps.append((row, after))
            row = after
        return row

    what = f"the daily limit for {kind.value.replace('_', ' ')}"
    read, put = partial(app.state.reservations, kind), app.state.put_reservations
    remembered = turns.rows.pop(kind, None)
    row, stored = await change_row(app, what, read, all_of_them, put, seen=remembered)
    if stored is row is remembered:  # nothing was written, so that nobody has said that it is still the row
        _, stored = await change_row(app, what, read, all_of_them, put)
    turns.rows[kind] = stored
    return steps
