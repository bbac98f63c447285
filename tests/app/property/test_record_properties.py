"""Whatever a record of the ledger says, whoever reads it gets just that."""

import json
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.domain.history.records import Body
from tests.made_values import MOMENTS

KINDS = get_args(Body.__value__)


@given(st.lists(st.sampled_from(KINDS).flatmap(st.from_type), max_size=4), MOMENTS)
async def test_records_of_every_kind_come_back_as_they_were(bodies: list[Any], at: datetime) -> None:
    rows = SqliteRows(IN_MEMORY)
    ledger = RowsLedger(rows)
    chain = await ledger.open("person:somebody")
    appended = [await chain.append(at, body) for body in bodies]
    assert [record async for record in ledger.read("person:somebody")] == appended
    assert [record.body for record in appended] == bodies
    assert await ledger.verify("person:somebody") == []
    stored: AsyncGenerator[Any] = rows.range("ledger:person:somebody", "record:", "record;")
    async for row in stored:
        assert row.text.isascii()
        fields = {name: value for name, value in row.body.items() if name != "digest"}
        assert row.text.startswith(json.dumps(fields, sort_keys=True, separators=(",", ":"))[:-1])
    await rows.close()
