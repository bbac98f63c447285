"""A store that refuses, in front of one that does not."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from shared.adapters.store.rows import Operation, Row, Rows
from shared.errors import InvoiceAccessError


@dataclass(slots=True)
class RefusingRows:
    """`Rows` that raise `reads` and `writes` where these are set, and else do what the rows behind them do.

    `partition` narrows it to partitions that begin so.
    """

    behind: Rows
    reads: InvoiceAccessError | None = None
    writes: InvoiceAccessError | None = None
    partition: str = ""

    async def get(self, partition: str, key: str) -> Row | None:
        """See `Rows`."""
        self._raise(self.reads, partition)
        return await self.behind.get(partition, key)

    async def write(self, partition: str, *operations: Operation) -> tuple[str, ...]:
        """See `Rows`."""
        self._raise(self.writes, partition)
        return await self.behind.write(partition, *operations)

    async def range(self, partition: str, start: str, end: str, *, page: int = 1000) -> AsyncGenerator[Row]:
        """See `Rows`."""
        self._raise(self.reads, partition)
        async for row in self.behind.range(partition, start, end, page=page):
            yield row

    async def close(self) -> None:
        """See `Rows`."""
        await self.behind.close()

    def _raise(self, failure: InvoiceAccessError | None, partition: str) -> None:
        if failure is not None and partition.startswith(self.partition):
            raise failure
