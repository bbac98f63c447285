"""The index of activity as rows: a row for each record that changed, held or decided something, the newest first.

Only spelling and finding live here; what is worth a row is `shared.domain.history.activity`'s. The chains alone are
proved: this index is made of them, and can be made anew.

    partition   row key                                    what it holds
    activity    <time>:<chain>:<sequence>, counting down   a Noted
"""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.adapters.store.codec import Codec
from shared.adapters.store.rows import Exists, Insert, Rows
from shared.domain.history.activity import Noted, noted
from shared.domain.history.records import Record

PARTITION: Final = "activity"

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = 10**17
"""Microseconds from 1970 on that are counted down from, so that a store that sorts one way has the newest first."""

_MOST_RECORDS: Final = 10**12 - 1
"""A record's sequence is counted down from this: of what was told at one moment, the last comes first as well."""

_LAST: Final = "~"
"""What every row key is less than."""


def row_key(at: datetime, key: str, sequence: int) -> str:
    """The row key of a record's entry. It is of one length, whatever the chain is called."""
    return f"{_countdown(at)}:{hashlib.sha256(key.encode()).hexdigest()[:16]}:{_MOST_RECORDS - sequence:012}"


_CODEC: Final = Codec[Noted](Noted, "entry of activity", lambda one: row_key(one.at, one.key, one.sequence))


async def add(rows: Rows, record: Record) -> bool:
    """Adds a record's entry; False where it has none, or has it already. Raises as `Rows` does."""
    entry = noted(record)
    if entry is None:
        return False
    try:
        await rows.write(PARTITION, Insert(row_key(entry.at, entry.key, entry.sequence), _CODEC.body(entry)))
    except Exists:
        return False
    return True


async def read(
    rows: Rows, start: datetime | None, end: datetime | None, before: str, page: int
) -> AsyncGenerator[tuple[str, Noted]]:
    """The entries from `start` on and until `end`, newest first, each with its row key; see `ports.Ledger`."""
    first = "" if end is None else _after(end)
    if before:
        first = max(first, f"{before}0")  # row keys are of one length: nothing is between a key and this
    last = _LAST if start is None else _after(start)
    async with aclosing(rows.range(PARTITION, first, last, page=page)) as found:
        async for row in found:
            yield row.key, _CODEC.value(row)


def _countdown(at: datetime) -> str:
    return f"{_END - (at - _BEGINNING) // timedelta(microseconds=1):018}"


def _after(at: datetime) -> str:
    """The first key of what is older than `at`."""
    return f"{_END - (at - _BEGINNING) // timedelta(microseconds=1) + 1:018}"
