"""docs/reference/ledger.md on what a record is: its sample is one, and its table names what the types have."""

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.rows import Insert
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.domain.history.checks import CheckBody
from shared.domain.history.records import Body
from shared.domain.outcome import Outcome

PAGE = Path("docs/reference/ledger.md").read_text(encoding="utf-8")


async def test_the_sample_is_a_record_whose_digest_is_what_the_page_says() -> None:
    (sample,) = re.findall(r"```json\n(.*)\n```", PAGE)
    key = "person:7c0f5a0e-0000-4000-8000-000000000001"
    rows = SqliteRows(IN_MEMORY)
    await rows.write(f"ledger:{key}", Insert(f"record:{1:012}", sample))
    ledger = RowsLedger(rows)
    (record,) = [record async for record in ledger.read(key)]
    assert isinstance(record.body, CheckBody)
    assert (record.key, record.body.outcome) == (key, Outcome.DONE)
    assert await ledger.verify(key) == ["the head is missing behind record 1"]
    other = SqliteRows(IN_MEMORY)
    again = await (await RowsLedger(other).open(key)).append(record.at, record.body)
    assert again.digest == record.digest
    await other.close()
    await rows.close()


@pytest.mark.parametrize("body", get_args(Body.__value__), ids=lambda body: body.KIND)
def test_the_table_names_every_field_of_a_kind(body: type[Body]) -> None:
    (said,) = re.findall(rf"^\| `{body.KIND}` \| .* \| (.*) \|$", PAGE, re.MULTILINE)
    assert {one.name for one in fields(body)} <= set(re.findall(r"`(\w+)`", said))
