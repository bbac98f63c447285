"""The records of the ledger: what was decided and done, one chain per key."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of a key's chain.

    `sequence` counts from 1; `kind` is `intent`, `result` or `check`; `body` is JSON with ids and no names; `previous`
    is the digest of the entry before (64 zeros for the first) and `digest` the SHA-256 over all of this.
    """

    key: str
    sequence: int
    at: datetime
    kind: str
    body: Mapping[str, Any]
    previous: str
    digest: str
