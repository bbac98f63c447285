"""What a ledger's records and heads look like as rows, and what a record's digest is over.

Only spelling lives here: no reading, no writing. A row that does not fit is `Damaged`, never half read.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared.adapters.store.rows import Damaged, Row, fitting
from shared.domain.history.records import Record

FIRST_PREVIOUS: Final = "0" * 64
"""What stands for the digest of the record before the first one."""

RECORD_CHARACTERS: Final = 440_000
"""The longest body of a record, as canonical JSON: a row, less room for the fields around it."""

HEAD: Final = "head"
"""The row key of a chain's head."""

RECORD: Final = "record:"
"""What the row key of a record begins with; its sequence follows, in twelve digits."""

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
class Head:
    """Where a chain ends. `etag` is None for a chain that has no row yet."""

    sequence: int = 0
    digest: str = FIRST_PREVIOUS
    etag: str | None = None


def partition_of(key: str) -> str:
    """The partition of a key's chain."""
    return fitting("ledger:", key)


def record_body(record: Record) -> dict[str, Any]:
    """A record's row."""
    return {
        "key": record.key,
        "sequence": record.sequence,
        "at": record.at.isoformat(),
        "kind": record.kind,
        "body": record.body,
        "previous": record.previous,
        "digest": record.digest,
    }


def record_of(row: Row) -> Record:
    """The record whose row this is. Raises `Damaged` for one that is not exactly as we write it."""
    body = row.body
    try:
        record = Record(**{**body, "at": datetime.fromisoformat(body["at"])})
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"row '{row.key}' in '{row.partition}' is no record: {error}") from error
    if {name: type(value) for name, value in body.items()} != _TYPES or record_body(record) != body:
        raise Damaged(f"row '{row.key}' in '{row.partition}' is no record as we write them")
    return record


def head_body(key: str, sequence: int, digest: str) -> dict[str, Any]:
    """A head's row."""
    return {"key": key, "sequence": sequence, "digest": digest}


def head_of(row: Row) -> Head:
    """The head whose row this is. Raises `Damaged`."""
    body = row.body
    sequence, digest = body.get("sequence"), body.get("digest")
    if type(sequence) is not int or not isinstance(digest, str):
        raise Damaged(f"row '{row.key}' in '{row.partition}' is no head of a chain")
    return Head(sequence, digest, row.etag)
