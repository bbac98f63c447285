"""Bodies of records for tests that care about little of them, and records by another's hand than the app's."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.adapters.store.ledger_rows import HEAD, RECORD, canonical, head_body, head_of, partition_of, signed
from shared.adapters.store.rows import Insert, Replace, Rows
from shared.domain.history.checks import CheckBody, Told
from shared.domain.outcome import Outcome
from shared.domain.work import Cause, CauseKind


def check_body(number: int = 0, told: Told = Told(), *, origin: str = "/hr#1") -> CheckBody:  # noqa: B008 - frozen
    """The body of a check that found everything as it should be; `number` tells it from others."""
    return CheckBody.of(told, Cause(CauseKind.EVENT, origin), Outcome.UNCHANGED, number, ())


def digest_of(fields: Mapping[str, Any]) -> str:
    """The digest of a record that has these fields, as docs/reference/ledger.md says it."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


async def forge(rows: Rows, key: str, at: datetime, kind: str, body: Any) -> None:
    """Appends a record that says whatever it says, as somebody does who may write to the store: its chain holds."""
    partition = partition_of(key)
    head = await rows.get(partition, HEAD)
    last = None if head is None else head_of(head)
    sequence, previous = (1, "0" * 64) if last is None else (last.sequence + 1, last.digest)
    text, digest = signed(key, sequence, at, kind, canonical(body), previous)
    moved = head_body(key, sequence, digest)
    moving = Insert(HEAD, moved) if head is None else Replace(HEAD, moved, head.etag)
    await rows.write(partition, Insert(f"{RECORD}{sequence:012}", text), moving)
    if head is None:
        await rows.write("ledger-keys", Insert(f"key:{key}", {"key": key}))
