"""The one way to change what others change too: read it, change it, store it, and all of it again after a `Conflict`.

Checks of all instances, sweeps and operators share rows and chains without a lock: the store takes one only over the
version that was read (`Stored`). Whoever holds a key's session and meets a `Conflict` there is overtaken, and stops
instead.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from shared.errors import Conflict, Transient
from shared.ports import Clock, Ledger, State, Stored

TRIES: Final = 20
"""How often it is tried. 32 checks, one for each session, may want one row at once: with the pauses below none
of them needed more than 11 tries in 200 simulated runs, and none of 64 more than 15."""

PAUSE_SECONDS: Final = 0.05
"""The longest pause before the second try, as long as a read and a write take together. Before each later one it is
longer by as much, so that many writers spread. All pauses together take 5 s, at most 10: a handler has 45."""


class StoreOnly(Protocol):
    """What a use case is given that touches the store alone. Every `App` is one."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def random(self) -> random.Random:
        """Jitter and unique ids."""

    @property
    def ledger(self) -> Ledger:
        """What was decided and done."""

    @property
    def state(self) -> State:
        """What can be rebuilt."""


async def until_stored[T](app: StoreOnly, what: str, attempt: Callable[[], Awaitable[T]], *, remedy: str = "") -> T:
    """Awaits `attempt`, which reads anew each time, until it raises no `Conflict`. Returns what it returned.

    Raises `Transient` after the last try. `what` says in words what others kept writing, `remedy` what to do then.
    """
    for number in range(TRIES):
        if number:
            await asyncio.sleep(app.random.random() * PAUSE_SECONDS * number)
        try:
            return await attempt()
        except Conflict:
            continue
    raise Transient(f"others wrote {what} {TRIES} times meanwhile" + (f"; {remedy}" if remedy else ""))


async def change_row[T](
    app: StoreOnly,
    what: str,
    read: Callable[[], Awaitable[Stored[T]]],
    change: Callable[[T], T],
    put: Callable[[Stored[T]], Awaitable[Stored[T]]],
    *,
    seen: Stored[T] | None = None,
    remedy: str = "",
) -> tuple[Stored[T], Stored[T]]:
    """Stores a row as `change` makes it of the row that is there. Returns the row before, and as it is stored.

    `change` may be asked several times. A row that it does not change is not stored. `seen` is the row as it was read
    a moment ago, which spares the first read. Raises as `until_stored`.
    """
    known = seen

    async def attempt() -> tuple[Stored[T], Stored[T]]:
        nonlocal known
        row, known = known or await read(), None
        changed = change(row.value)
        return row, (row if changed == row.value else await put(row.becoming(changed)))

    return await until_stored(app, what, attempt, remedy=remedy)
