"""A store to which things happen: it refuses, or somebody else is quicker just then.

Lives here: `Rows` in front of others, and what may befall their calls. What rows mean is the tests' own business.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from shared.adapters.store.rows import Delete, Operation, Row, Rows, text_of
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows

type Happening = Exception | Callable[[], Awaitable[object]]
"""What a call raises instead of being made, or what somebody does: before a write, and after a read."""


type Copy = Sequence[tuple[str, tuple[Operation, ...]]]
"""Every write that was made, in order: partition and operations."""


@dataclass(slots=True)
class _Laid:
    happening: Happening
    partition: str
    holds: str
    spare: int
    times: int | None

    def strikes(self, partition: str, said: Callable[[], str]) -> bool:
        if self.times == 0 or not partition.startswith(self.partition) or self.holds not in said():
            return False
        if self.spare:
            self.spare -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class EventfulRows:
    """`Rows` that do what those behind them do, but for what was laid on their calls.

    `written` is every write that was made, `listed` the partition of every range that was read, `happened` how often
    something happened.
    """

    def __init__(self, behind: Rows) -> None:
        self.behind = behind
        self.written: list[tuple[str, tuple[Operation, ...]]] = []
        self.listed: list[str] = []
        self.happened = 0
        self._is_happening = False
        self._reads: list[_Laid] = []
        self._writes: list[_Laid] = []

    def at_read(
        self, happening: Happening, partition: str = "", *, key: str = "", spare: int = 0, times: int | None = None
    ) -> None:
        """Lays something on reads of partitions that begin so, of a row whose key holds `key`.

        The first `spare` of them are let through, and it happens at the next `times` (None: at all).
        """
        self._reads.append(_Laid(happening, partition, key, spare, times))

    def at_write(
        self, happening: Happening, partition: str = "", *, holds: str = "", spare: int = 0, times: int | None = None
    ) -> None:
        """Lays something on writes to partitions that begin so, with `holds` in what they say (`key=body` a line)."""
        self._writes.append(_Laid(happening, partition, holds, spare, times))

    def lift(self) -> None:
        """From now on nothing happens."""
        self._reads.clear()
        self._writes.clear()

    def copy(self) -> Copy:
        """What it takes to have the store again as it is now."""
        return tuple(self.written)

    async def put_back(self, copy: Copy) -> None:
        """The store is as it was, with the versions that its rows had, also for whoever has it open."""
        await self.behind.close()
        self.behind, self.written = SqliteRows(IN_MEMORY), list(copy)
        for partition, operations in copy:
            await self.behind.write(partition, *operations)

    # -- Rows

    async def get(self, partition: str, key: str) -> Row | None:
        """See `Rows`."""
        struck = self._struck(self._reads, partition, lambda: key)
        self._raise(struck)
        row = await self.behind.get(partition, key)
        await self._do(struck)
        return row

    async def write(self, partition: str, *operations: Operation) -> tuple[str, ...]:
        """See `Rows`."""
        struck = self._struck(self._writes, partition, lambda: _said(operations))
        self._raise(struck)
        await self._do(struck)
        etags = await self.behind.write(partition, *operations)
        self.written.append((partition, operations))
        return etags

    async def range(self, partition: str, start: str, end: str, *, page: int = 1000) -> AsyncGenerator[Row]:
        """See `Rows`."""
        self.listed.append(partition)
        struck = self._struck(self._reads, partition, lambda: start)
        self._raise(struck)
        async for row in self.behind.range(partition, start, end, page=page):
            yield row
        await self._do(struck)

    async def close(self) -> None:
        """See `Rows`."""
        await self.behind.close()

    # -- what happens

    def _struck(self, laid: list[_Laid], partition: str, said: Callable[[], str]) -> list[Happening]:
        if self._is_happening:  # whoever is quicker is not overtaken
            return []
        struck = [each.happening for each in laid if each.strikes(partition, said)]
        self.happened += len(struck)
        return struck

    def _raise(self, struck: list[Happening]) -> None:
        for happening in struck:
            if isinstance(happening, Exception):
                raise happening

    async def _do(self, struck: list[Happening]) -> None:
        for happening in struck:
            if not isinstance(happening, Exception):
                self._is_happening = True
                try:
                    await happening()
                finally:
                    self._is_happening = False


def _said(operations: Sequence[Operation]) -> str:
    """What a write says: a line for each row, `key=body`, with nothing after the sign for a row that goes."""
    return "\n".join(f"{each.key}={'' if isinstance(each, Delete) else text_of(each.body)}" for each in operations)
