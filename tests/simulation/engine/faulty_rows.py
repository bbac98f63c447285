"""A store that takes time, fails, and loses answers: what every process sees of the one true store.

Lives here: the wrapper around `Rows`, and the store that all processes share with what may befall it as a whole (wiped,
put back from a backup). What rows mean is known to whoever watches.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Final

from shared.adapters.store.rows import BATCH_OPERATIONS, Changed, Delete, Insert, Operation, Replace, Row, text_of
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.errors import StoreRefused, Transient
from tests.simulation.engine.faults import Fault, Weather

type Watcher = Callable[[str, Sequence[Row | str]], None]
"""Told of what is stored now: the partition, and each row (a deleted one by its key alone)."""

type Reader = Callable[[str, str, Row | None], None]
"""Told of what a process was given to read."""

_LAST: Final = "\x7f"


class Store:
    """The one true store of rows. `watch` is told of whatever is written to it by the processes."""

    def __init__(self, watch: Watcher) -> None:
        self.rows = SqliteRows(IN_MEMORY)
        self._watch = watch
        self._partitions: dict[str, None] = {}
        self._backup: dict[str, list[Row]] = {}
        self.refuses_until = 0.0
        """Up to which loop time it takes nothing."""
        self.hides_until = 0.0
        """Up to which loop time it gives nothing."""
        self.locked_out_until = 0.0
        """Up to which loop time nobody has a token for it."""

    async def write(self, partition: str, *operations: Operation) -> tuple[str, ...]:
        """Writes, and tells whoever watches."""
        etags = await self.rows.write(partition, *operations)
        self._partitions.setdefault(partition)
        self._watch(
            partition,
            [
                operation.key
                if isinstance(operation, Delete)
                else Row(partition, operation.key, text_of(operation.body), etag)
                for operation, etag in zip(operations, etags, strict=True)
            ],
        )
        return etags

    async def wipe(self) -> None:
        """Everything is gone. Etags are never used again, as in the real service."""
        for partition in self._partitions:
            await self._clear(partition)

    async def back_up(self) -> None:
        """Keeps a copy of everything."""
        self._backup = {partition: await self._all(partition) for partition in self._partitions}

    async def restore(self) -> None:
        """Puts the copy in the place of everything."""
        await self.wipe()
        for partition, rows in self._backup.items():
            for start in range(0, len(rows), BATCH_OPERATIONS):
                group = rows[start : start + BATCH_OPERATIONS]
                await self.rows.write(partition, *(Insert(row.key, row.body) for row in group))

    @property
    def backup(self) -> list[Row]:
        """The rows of the latest copy."""
        return [row for rows in self._backup.values() for row in rows]

    async def close(self) -> None:
        """Lets go of it."""
        await self.rows.close()

    async def _all(self, partition: str) -> list[Row]:
        return [row async for row in self.rows.range(partition, "\x01", _LAST)]

    async def _clear(self, partition: str) -> None:
        rows = await self._all(partition)
        for start in range(0, len(rows), BATCH_OPERATIONS):
            group = rows[start : start + BATCH_OPERATIONS]
            await self.rows.write(partition, *(Delete(row.key, row.etag) for row in group))


class FaultyRows:
    """`Rows` as one process has them."""

    def __init__(self, store: Store, weather: Weather, rng: random.Random, read: Reader) -> None:
        self._store = store
        self._weather = weather
        self._rng = rng
        self._read = read

    async def get(self, partition: str, key: str) -> Row | None:
        """See `Rows`."""
        await self._pause()
        self._unless_hidden()
        if self._weather.strikes(Fault.ROWS_READ):
            raise Transient("the store did not answer a read (simulated)")
        row = await self._store.rows.get(partition, key)
        self._read(partition, key, row)
        await self._pause()
        return row

    async def write(self, partition: str, *operations: Operation) -> tuple[str, ...]:
        """See `Rows`."""
        await self._pause()
        self._unless_locked_out()
        if asyncio.get_running_loop().time() < self._store.refuses_until:
            raise StoreRefused("the store takes nothing (simulated)")
        if self._weather.strikes(Fault.ROWS_BEFORE):
            raise Transient("the store refused a write in passing (simulated)")
        replaced = [operation.key for operation in operations if isinstance(operation, Replace)]
        if replaced and self._weather.strikes(Fault.ROWS_CONFLICT):
            raise Changed(f"row '{replaced[0]}' in '{partition}' is no longer what was read (simulated)")
        etags = await self._store.write(partition, *operations)
        await self._pause()
        if self._weather.strikes(Fault.ROWS_AFTER):
            raise Transient("the store's answer to a write was lost (simulated)")
        return etags

    async def range(self, partition: str, start: str, end: str, *, page: int = 1000) -> AsyncGenerator[Row]:
        """See `Rows`."""
        await self._pause()
        self._unless_hidden()
        async for row in self._store.rows.range(partition, start, end, page=page):
            if self._weather.strikes(Fault.ROWS_READ):
                raise Transient("the store broke off a list (simulated)")
            yield row
        await self._pause()

    async def close(self) -> None:
        """The store outlives every process."""

    def _unless_locked_out(self) -> None:
        if asyncio.get_running_loop().time() < self._store.locked_out_until:
            raise Transient("no token for the store: the identity endpoint answered 404 (simulated)")

    def _unless_hidden(self) -> None:
        self._unless_locked_out()
        if asyncio.get_running_loop().time() < self._store.hides_until:
            raise StoreRefused("the store gives nothing (simulated)")

    async def _pause(self) -> None:
        slow = self._weather.strikes(Fault.ROWS_SLOW)
        await asyncio.sleep(self._rng.uniform(2.0, 12.0) if slow else self._rng.uniform(0.0005, 0.01))
