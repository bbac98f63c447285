"""Long-running operations: accepted writes that are done later, and the Location that tells when.

What lives here: starting, finishing and polling operations, and signing their addresses. What an operation
does when it is done is the caller's: it hands over a function.
"""

import base64
import hashlib
import hmac
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

API_VERSION = "2024-04-01"

_EPOCH_TICKS = 621_355_968_000_000_000
_CERTIFICATE_BYTES = 3_600  # in base64url some 4.8 KB, as recorded
_SIGNATURE_BYTES = 256


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the last poll of an operation answers: a status and, unless empty, a JSON body."""

    status: int
    body: Any = None


@dataclass(slots=True)
class Operation:
    """An accepted write under way; mutable, because polls and time advance it."""

    name: str
    scope_id: str
    started: datetime
    due: datetime
    polls_left: int
    retry_after_seconds: int
    finish: Callable[[datetime], Outcome]
    interim: Callable[[datetime], Any] | None = None
    outcome: Outcome | None = None


@dataclass(slots=True)
class Operations:
    """Every operation that was started and not yet forgotten."""

    rng: random.Random
    _key: bytes = field(init=False)
    _certificate: str = field(init=False)
    _kept: dict[str, Operation] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._key = self.rng.randbytes(32)
        self._certificate = _base64url(self.rng.randbytes(_CERTIFICATE_BYTES))

    def start(
        self,
        kind: str,
        scope_id: str,
        *,
        now: datetime,
        seconds: float,
        polls: int,
        retry_after_seconds: int,
        finish: Callable[[datetime], Outcome],
        interim: Callable[[datetime], Any] | None = None,
    ) -> Operation:
        """Accepts a write that is done `seconds` from now, and not before `polls` polls were answered."""
        operation = Operation(
            name=f"{kind}_{new_guid(self.rng)}",
            scope_id=scope_id,
            started=now,
            due=now + timedelta(seconds=seconds),
            polls_left=polls,
            retry_after_seconds=retry_after_seconds,
            finish=finish,
            interim=interim,
        )
        self._kept[operation.name.casefold()] = operation
        return operation

    def settle(self, now: datetime, kept_seconds: float) -> None:
        """Finishes what is due, polled or not, in the order it fell due; forgets what is too old."""
        waiting = [each for each in self._kept.values() if each.outcome is None and each.polls_left == 0]
        for operation in sorted(waiting, key=lambda each: each.due):
            if operation.due <= now:
                operation.outcome = operation.finish(operation.due)
        oldest = now - timedelta(seconds=kept_seconds)
        for key, operation in list(self._kept.items()):
            if operation.outcome is not None and operation.started < oldest:
                del self._kept[key]

    def poll(self, name: str, now: datetime) -> Operation | None:
        """The operation after one more poll of it; None when there is none of that name."""
        operation = self._kept.get(name.casefold())
        if operation is not None and operation.outcome is None:
            if operation.polls_left > 0:
                operation.polls_left -= 1
            elif operation.due <= now:
                operation.outcome = operation.finish(now)
        return operation

    def location(self, operation: Operation, base: str, now: datetime, *, signed: bool) -> str:
        """The address to poll, with a fresh signature where Locations are signed."""
        address = f"{base}{operation.scope_id}/operationResults/{operation.name}?api-version={API_VERSION}"
        if not signed:
            return address
        ticks = str(_EPOCH_TICKS + int(now.timestamp() * 10_000_000))
        digest = _base64url(hashlib.sha256(f"{operation.name}{ticks}".encode()).digest())
        signature = self._signature(operation.name, ticks, digest)
        return f"{address}&t={ticks}&c={self._certificate}&s={signature}&h={digest}"

    def is_genuine(self, name: str, query: dict[str, str]) -> bool:
        """Whether a Location came back as it was issued."""
        expected = self._signature(name, query.get("t", ""), query.get("h", ""))
        return hmac.compare_digest(expected, query.get("s", "")) and query.get("c", "") == self._certificate

    def _signature(self, name: str, ticks: str, digest: str) -> str:
        keyed = self._key + f"{name.casefold()}|{ticks}|{digest}".encode()
        return _base64url(hashlib.shake_256(keyed).digest(_SIGNATURE_BYTES))


def new_guid(rng: random.Random) -> str:
    """A random guid, version 4, from the injected source."""
    return str(UUID(bytes=rng.randbytes(16), version=4))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
