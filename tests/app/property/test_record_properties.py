"""Whatever a record of the ledger says, whoever reads it gets just that."""

import json
from datetime import datetime
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.domain.history.records import Body
from tests.made_values import MOMENTS

KINDS = get_args(Body.__value__)


@given(st.sampled_from(KINDS).flatmap(st.from_type), MOMENTS)
async def test_a_record_of_any_kind_comes_back_as_it_was(body: Any, at: datetime) -> None:
    rows = SqliteRows(IN_MEMORY)
    ledger = RowsLedger(rows)
    appended = await (await ledger.open("person:somebody")).append(at, body)
    assert [record async for record in ledger.read("person:somebody")] == [appended]
    assert appended.body == body
    assert await ledger.verify("person:somebody") == []
    row = await rows.get("ledger:person:somebody", f"record:{1:012}")
    assert row is not None
    assert row.text.isascii()
    fields = {name: value for name, value in row.body.items() if name != "digest"}
    assert row.text.startswith(json.dumps(fields, sort_keys=True, separators=(",", ":"))[:-1])
    await rows.close()
