"""The ledger over rows: append-only, one SHA-256 chain per key.

What a record and a chain are lives here; where rows are kept does not. A key's partition holds one row per
record and a head row with the last record's sequence and digest. An append inserts the record and moves the
head in one batch, so whoever appends on an old head gets a `Conflict`: a lost lock is noticed by the store,
not by a clock.

Which chains there are says a partition of its own, with a row for each key. The row comes before the chain's first
record, so a crash in between leaves a key without records and never a chain without its key.

A record that changed, held or decided something also has a row in the index of activity (`ledger_activity`), written
after it: that index proves nothing, and is made of the chains.

What the chain proves: no record was changed, taken out or put in without redoing every later digest and the
head. Somebody who may write to the store can do just that; whoever needs more keeps heads elsewhere and
compares.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Final

from shared.adapters.store import ledger_activity
from shared.adapters.store.ledger_rows import (
    HEAD,
    RECORD,
    RECORD_CHARACTERS,
    Head,
    Misfit,
    body_text,
    head_body,
    head_of,
    partition_of,
    record_of,
    signed,
)
from shared.adapters.store.ledger_verify import Walk
from shared.adapters.store.rows import Changed, Damaged, Exists, Insert, Replace, Row, Rows, after, fitting
from shared.domain.history.activity import Noted
from shared.domain.history.records import Body, Record
from shared.errors import Conflict, Permanent, TooLarge, Transient

_KEYS: Final = "ledger-keys"
_KEY: Final = "key:"

_log = logging.getLogger(__name__)


class RowsLedger:
    """`Ledger` over `Rows`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def open(self, key: str) -> "RowsChain":
        """Opens a key's chain at its present head. One read."""
        row = await self._rows.get(partition_of(key), HEAD)
        return RowsChain(self._rows, key, Head() if row is None else head_of(row))

    async def read(self, key: str, misfits: list[str] | None = None) -> AsyncIterator[Record]:
        """A key's records, oldest first. Raises `Damaged` for a row that is no record, or says what nobody can read.

        With `misfits`, what nobody can read of a record that is whole is left out, and said there.
        """
        async for row in self._rows.range(partition_of(key), RECORD, after(RECORD)):
            try:
                yield record_of(row)
            except Misfit as odd:
                if misfits is None:
                    raise
                misfits.append(odd.reason)

    async def latest(self, key: str, count: int) -> Sequence[Record]:
        """The last `count` records, oldest first. Two reads. Raises `Damaged` for a row that is no record or head."""
        row = await self._rows.get(partition_of(key), HEAD)
        if row is None or count < 1:
            return []
        first = max(1, head_of(row).sequence - count + 1)
        rows = self._rows.range(partition_of(key), f"{RECORD}{first:012}", after(RECORD))
        # Somebody may have appended since the head was read.
        return [record_of(row) async for row in rows][-count:]

    async def head(self, key: str) -> tuple[int, str]:
        """The last record's sequence and digest; (0, "") for a chain without records. One read."""
        row = await self._rows.get(partition_of(key), HEAD)
        if row is None:
            return 0, ""
        head = head_of(row)
        return head.sequence, head.digest

    async def keys(self) -> AsyncIterator[str]:
        """Every key that ever had a record, sorted. Raises `Damaged` for a row that names none.

        A key whose first append failed is there as well.
        """
        async for row in self._rows.range(_KEYS, _KEY, after(_KEY)):
            key = row.body.get("key")
            if not isinstance(key, str) or fitting(_KEY, key) != row.key or row.body != {"key": key}:
                raise Damaged(f"row '{row.key}' in '{row.partition}' names no chain as we list them")
            yield key

    async def activity(
        self, start: datetime | None = None, end: datetime | None = None, *, before: str = "", page: int = 1000
    ) -> AsyncGenerator[tuple[str, Noted]]:
        """The entries from `start` on and until `end`, newest first, read `page` at a time; see `ports.Ledger`."""
        async with aclosing(ledger_activity.read(self._rows, start, end, before, page)) as entries:
            async for found in entries:
                yield found

    async def index(self, record: Record) -> bool:
        """Adds a record's entry to the index of activity where that is missing; whether it was. One write at most."""
        return await ledger_activity.add(self._rows, record)

    async def verify(self, key: str, known: Mapping[int, str] | None = None) -> Sequence[str]:
        """What is wrong with a key's chain, one line each; empty when it holds.

        `known` are digests that records must have, by sequence: as they were kept outside. Others may append
        meanwhile.
        """
        walk = Walk(key, dict(known or {}))
        ahead = ""
        while True:
            start = f"{RECORD}{walk.sequence + 1:012}" if ahead else RECORD
            async for row in self._rows.range(partition_of(key), start, after(RECORD)):
                walk.step(row)
            head = await self._rows.get(partition_of(key), HEAD)
            if head is None or head.etag == ahead or not walk.is_behind(head):
                return [*walk.faults(head), *await self._list_faults(key, head)]
            ahead = head.etag  # somebody appended since, or the end is missing: a head never comes before its record

    async def _list_faults(self, key: str, head: Row | None) -> list[str]:
        """Whether a chain that has a head is listed."""
        if head is None:
            return []
        row = await self._rows.get(_KEYS, fitting(_KEY, key))
        return [] if row is not None else ["its key was removed from the list of chains"]


class RowsChain:
    """`Chain` over `Rows`, at the head where it was opened and then at its own appends."""

    def __init__(self, rows: Rows, key: str, head: Head) -> None:
        self._rows = rows
        self._key = key
        self._head = head

    async def append(self, at: datetime, body: Body) -> Record:
        """Adds one record.

        Raises `Conflict` when somebody else appended since (also when an append of ours that ended in
        `Transient` did happen after all), `TooLarge` when the body is over `RECORD_CHARACTERS`, ValueError
        for a time without a zone.
        """
        if at.tzinfo is None:
            raise ValueError(f"a record's time needs a zone: {at.isoformat()}")
        text = body_text(body)
        sequence, previous, etag = self._head.sequence + 1, self._head.digest, self._head.etag
        if len(text) > RECORD_CHARACTERS:
            raise TooLarge(
                f"record {sequence} of '{self._key}' would be {len(text):,} characters of JSON; "
                f"a record holds {RECORD_CHARACTERS:,}"
            )
        when = at.astimezone(UTC)
        row, digest = signed(self._key, sequence, when, body.KIND, text, previous)
        head = head_body(self._key, sequence, digest)
        if etag is None:
            await self._list()
        try:
            _, moved = await self._rows.write(
                partition_of(self._key),
                Insert(f"{RECORD}{sequence:012}", row),
                Insert(HEAD, head) if etag is None else Replace(HEAD, head, etag),
            )
        except (Exists, Changed) as error:
            raise Conflict(f"somebody else appended to '{self._key}' after record {sequence - 1}") from error
        self._head = Head(sequence, digest, moved)
        record = Record(self._key, sequence, when, body, previous, digest)
        await self._index(record)
        return record

    async def _index(self, record: Record) -> None:
        """Adds what the record tells to the index of activity: no write where it tells nothing, one where it does.

        After the record, which counts: an entry that is missing is put in once a day, and stops nobody before.
        """
        try:
            await ledger_activity.add(self._rows, record)
        except (Transient, Permanent) as failure:
            _log.warning("record %d of '%s' is not among the activity yet: %s", record.sequence, record.key, failure)

    async def _list(self) -> None:
        """Lists the key among those that have a chain."""
        # One that is there is as good: somebody else's, or managed from an append that failed.
        with suppress(Exists):
            await self._rows.write(_KEYS, Insert(fitting(_KEY, self._key), {"key": self._key}))
