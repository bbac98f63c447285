"""The ledger over rows: append-only, one SHA-256 chain per key.

What a record and a chain are lives here; where rows are kept does not. A key's partition holds one row per
record and a head row with the last record's sequence and digest. An append inserts the record and moves the
head in one batch, so whoever appends on an old head gets a `Conflict`: a lost lock is noticed by the store,
not by a clock.

What the chain proves: no record was changed, taken out or put in without redoing every later digest and the
head. Somebody who may write to the store can do just that; whoever needs more keeps heads elsewhere and
compares.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared.adapters.rows import Changed, Damaged, Exists, Insert, Replace, Row, Rows, after, fitting
from shared.errors import Conflict, Permanent
from shared.ports import Record

FIRST_PREVIOUS: Final = "0" * 64
"""What stands for the digest of the record before the first one."""

RECORD_CHARACTERS: Final = 440_000
"""The longest body of a record, as canonical JSON: a row, less room for the fields around it."""

_HEAD: Final = "head"
_RECORD: Final = "record:"
_TYPES: Final = {
    "key": str,
    "sequence": int,
    "at": str,
    "kind": str,
    "body": dict,
    "previous": str,
    "digest": str,
}


def canonical(value: Mapping[str, Any]) -> str:
    """The one JSON text of a value: keys sorted, no spaces, ASCII.

    Raises ValueError or TypeError for what is no JSON.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest_of(key: str, sequence: int, at: str, kind: str, body: Mapping[str, Any], previous: str) -> str:
    """The SHA-256, in hexadecimal, over the canonical JSON of everything else in a record."""
    fields = {"key": key, "sequence": sequence, "at": at, "kind": kind, "body": body, "previous": previous}
    return hashlib.sha256(canonical(fields).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Head:
    """Where a chain ends. `etag` is None for a chain that has no row yet."""

    sequence: int = 0
    digest: str = FIRST_PREVIOUS
    etag: str | None = None


class RowsLedger:
    """`Ledger` over `Rows`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def open(self, key: str) -> "RowsChain":
        """Opens a key's chain at its present head. One read."""
        row = await self._rows.get(_partition(key), _HEAD)
        return RowsChain(self._rows, key, _Head() if row is None else _head(row))

    async def read(self, key: str) -> AsyncIterator[Record]:
        """A key's records, oldest first, as they are stored. Raises `Damaged` for a row that is no record."""
        async for row in self._rows.range(_partition(key), _RECORD, after(_RECORD)):
            yield _record(row)

    async def latest(self, key: str, count: int) -> Sequence[Record]:
        """The last `count` records, oldest first. Two reads. Raises `Damaged` for a row that is no record or head."""
        row = await self._rows.get(_partition(key), _HEAD)
        if row is None or count < 1:
            return []
        first = max(1, _head(row).sequence - count + 1)
        rows = self._rows.range(_partition(key), f"{_RECORD}{first:012}", after(_RECORD))
        # Somebody may have appended since the head was read.
        return [_record(row) async for row in rows][-count:]

    async def verify(self, key: str) -> Sequence[str]:
        """What is wrong with a key's chain, one line each; empty when it holds."""
        wrong: list[str] = []
        sequence, digest = 0, FIRST_PREVIOUS
        async for row in self._rows.range(_partition(key), _RECORD, after(_RECORD)):
            expected = sequence + 1
            number = row.key.removeprefix(_RECORD)
            if not number.isdecimal():
                wrong.append(f"row '{row.key}' is no record of ours")
                continue
            place = int(number)
            if place > expected:
                wrong.append(_missing(expected, place - 1))
            sequence = place
            try:
                record = _record(row)
            except Damaged as error:
                wrong.append(f"record {place} was changed: {error}")
                digest = ""  # nothing to compare the next one with
                continue
            wrong += _faults(record, key, place, digest if place == expected else "")
            digest = record.digest
        return [*wrong, *await self._head_faults(key, sequence, digest)]

    async def _head_faults(self, key: str, sequence: int, digest: str) -> list[str]:
        """How the head differs from the last record found."""
        row = await self._rows.get(_partition(key), _HEAD)
        if row is None:
            return [f"the head is missing behind record {sequence}"] if sequence else []
        try:
            head = _head(row)
        except Damaged as error:
            return [f"the head was changed: {error}"]
        if head.sequence > sequence:
            return [_missing(sequence + 1, head.sequence) + ": the head names a later record"]
        if head.sequence < sequence:
            return [f"the head was changed: it names record {head.sequence}, and the last one is {sequence}"]
        if digest and head.digest != digest:
            return [f"the head or record {sequence} was changed: their digests differ"]
        return []


class RowsChain:
    """`Chain` over `Rows`, at the head where it was opened and then at its own appends."""

    def __init__(self, rows: Rows, key: str, head: _Head) -> None:
        self._rows = rows
        self._key = key
        self._head = head

    async def append(self, kind: str, at: datetime, body: Mapping[str, Any]) -> Record:
        """Adds one record.

        Raises `Conflict` when somebody else appended since (also when an append of ours that ended in
        `Transient` did happen after all), `Permanent` when the body is over `RECORD_CHARACTERS`, ValueError
        for a time without a zone.
        """
        if at.tzinfo is None:
            raise ValueError(f"a record's time needs a zone: {at.isoformat()}")
        text = canonical(body)
        sequence = self._head.sequence + 1
        if len(text) > RECORD_CHARACTERS:
            raise Permanent(
                f"record {sequence} of '{self._key}' would be {len(text):,} characters of JSON; "
                f"a record holds {RECORD_CHARACTERS:,}"
            )
        kept = json.loads(text)  # what a reader will get: lists for tuples, text for number keys
        when = at.astimezone(UTC)
        digest = digest_of(self._key, sequence, when.isoformat(), kind, kept, self._head.digest)
        record = Record(self._key, sequence, when, kind, kept, self._head.digest, digest)
        head = {"key": self._key, "sequence": sequence, "digest": digest}
        etag = self._head.etag
        try:
            _, moved = await self._rows.write(
                _partition(self._key),
                Insert(f"{_RECORD}{sequence:012}", _body(record)),
                Insert(_HEAD, head) if etag is None else Replace(_HEAD, head, etag),
            )
        except (Exists, Changed) as error:
            raise Conflict(f"somebody else appended to '{self._key}' after record {sequence - 1}") from error
        self._head = _Head(sequence, digest, moved)
        return record


def _partition(key: str) -> str:
    return fitting("ledger:", key)


def _body(record: Record) -> dict[str, Any]:
    return {
        "key": record.key,
        "sequence": record.sequence,
        "at": record.at.isoformat(),
        "kind": record.kind,
        "body": record.body,
        "previous": record.previous,
        "digest": record.digest,
    }


def _record(row: Row) -> Record:
    body = row.body
    try:
        record = Record(**{**body, "at": datetime.fromisoformat(body["at"])})
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"row '{row.key}' in '{row.partition}' is no record: {error}") from error
    if {name: type(value) for name, value in body.items()} != _TYPES or _body(record) != body:
        raise Damaged(f"row '{row.key}' in '{row.partition}' is no record as we write them")
    return record


def _head(row: Row) -> _Head:
    body = row.body
    sequence, digest = body.get("sequence"), body.get("digest")
    if not isinstance(sequence, int) or not isinstance(digest, str):
        raise Damaged(f"row '{row.key}' in '{row.partition}' is no head of a chain")
    return _Head(sequence, digest, row.etag)


def _faults(record: Record, key: str, place: int, previous: str) -> list[str]:
    """What is wrong with a record at a place; `previous` is "" where nothing is known of the one before."""
    wrong = []
    if record.key != key:
        wrong.append(f"record {place} was put here from '{record.key}'")
    if record.sequence != place:
        wrong.append(f"record {place} was reordered: it says that it is record {record.sequence}")
    at = record.at.isoformat()
    if digest_of(record.key, record.sequence, at, record.kind, record.body, record.previous) != record.digest:
        wrong.append(f"record {place} was changed: its digest does not fit")
    if previous and record.previous != previous:
        wrong.append(f"record {place} does not follow record {place - 1}: one of them was changed or replaced")
    return wrong


def _missing(first: int, last: int) -> str:
    return f"record {first} is missing" if first == last else f"records {first} to {last} are missing"
