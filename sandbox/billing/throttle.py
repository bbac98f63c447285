"""ARM's token buckets, one per principal and kind of call.

What lives here: counting. Published limits and the header names are ARM's
(https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling).
"""

from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Literal

from sandbox.billing.switches import Switches

type CallKind = Literal["reads", "writes", "deletes", "check-access", "own"]

HEADER = {
    "reads": "x-ms-ratelimit-remaining-tenant-reads",
    "writes": "x-ms-ratelimit-remaining-tenant-writes",
    "deletes": "x-ms-ratelimit-remaining-tenant-deletes",
    "check-access": "x-ms-ratelimit-remaining-tenant-writes",
    "own": "x-ms-ratelimit-remaining-tenant-resource-requests",
}


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """A token taken, or not: what remains, and how many whole seconds to wait when there was none."""

    remaining: int
    wait_seconds: int = 0


@dataclass(slots=True)
class Throttle:
    """The buckets of everybody who called."""

    _buckets: dict[tuple[str, CallKind], _Bucket] = field(default_factory=dict)

    def take(self, principal: str, kind: CallKind, now: datetime, switches: Switches) -> Taken:
        """Takes one token of the principal's bucket for this kind of call."""
        size, rate = _limits(kind, switches)
        bucket = self._buckets.setdefault((principal, kind), _Bucket(size, now))
        elapsed = max(0.0, (now - bucket.filled).total_seconds())
        bucket.tokens = min(size, bucket.tokens + elapsed * rate)
        bucket.filled = now
        if bucket.tokens < 1:
            return Taken(0, ceil((1 - bucket.tokens) / rate))
        bucket.tokens -= 1
        return Taken(int(bucket.tokens))


def _limits(kind: CallKind, switches: Switches) -> tuple[int, float]:
    match kind:
        case "reads":
            return switches.reads_bucket, switches.reads_per_second
        case "writes":
            return switches.writes_bucket, switches.writes_per_second
        case "deletes":
            return switches.deletes_bucket, switches.deletes_per_second
        case "own":
            return switches.own_requests_bucket or switches.reads_bucket, switches.own_requests_per_second
        case "check-access":
            return switches.check_access_bucket or switches.writes_bucket, switches.check_access_per_second
