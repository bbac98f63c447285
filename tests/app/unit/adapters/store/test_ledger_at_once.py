"""A process may die at any write: the chain that it leaves behind holds, and goes on."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.rows import Operation
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.errors import Transient
from tests.ledger_records import check_body

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = "person:7c0f5a0e-0000-4000-8000-000000000001"


class DyingRows:
    """Rows of a process that dies after so many writes."""

    def __init__(self, rows: SqliteRows, writes: int) -> None:
        self._rows = rows
        self._left = writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rows, name)

    async def write(self, partition: str, *operations: Operation) -> tuple[str, ...]:
        if self._left == 0:
            raise Transient("the process died")
        self._left -= 1
        return await self._rows.write(partition, *operations)


async def append_for_ever(ledger: RowsLedger) -> None:
    while True:
        chain = await ledger.open(KEY)
        await chain.append(NOW, check_body())


@pytest.mark.parametrize("writes", range(8))
async def test_wherever_a_process_dies_its_chain_holds_and_goes_on(writes: int) -> None:
    rows = SqliteRows(IN_MEMORY)
    dying = RowsLedger(DyingRows(rows, writes))
    with pytest.raises(Transient):
        await append_for_ever(dying)
    ledger = RowsLedger(rows)
    assert await ledger.verify(KEY) == []
    before, _ = await ledger.head(KEY)
    record = await (await ledger.open(KEY)).append(NOW, check_body())
    assert record.sequence == before + 1
    assert await ledger.verify(KEY) == []
    assert [one.sequence for one in await ledger.latest(KEY, 1)] == [before + 1]
    await rows.close()
