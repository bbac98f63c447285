"""The gate before a service: every request passes it, and it learns of every answer.

Lives here: whether a call may be made now. A service that is down gets only one read now and then. A service that asked
for a wait gets it. `pace` does the rest. What an answer means is for the caller.

A call that may not be made, or would have to wait longer than a handler can, raises `Transient` with the wait that is
left: the check is put off, and nothing was sent. There is one gate for each service and process, and no state beyond
it: several instances find out separately, at a price of some calls each.
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

from shared.adapters.http.pace import NoTurn, Pace
from shared.background import can_wait
from shared.errors import Transient
from shared.settings import ClientSettings

_RESERVE: Final = 0.1
"""The share of a service's burst below which calls are spaced, so that none is refused: a refusal costs a wait."""

_FOR_EVENTS: Final = 0.4
"""The share of rate and burst that a sweep leaves to events: a leaver does not wait for an hourly proof."""

_PATIENCE: Final = 10.0
"""Seconds that a check's call waits for its turn; beyond it the check is put off. A handler has 45 for several."""

_SWEEPS_PATIENCE: Final = 60.0
"""The same for a sweep's calls: one that fails makes the sweep incomplete, and a sweep has ten minutes."""

_log = logging.getLogger(__name__)

_NOT_IMPLEMENTED, _SERVER_ERRORS, _TOO_MANY = 501, 500, 429
_COUNT: Final = re.compile(r"\d{1,9}", re.ASCII)


class Kind(StrEnum):
    """What a service counts apart."""

    READS = "reads"
    WRITES = "writes"
    DELETES = "deletes"


def read_count(text: str | None) -> int | None:
    """A header that is a count; None where there is none, or rubbish (a sign, a fraction, several, an absurd one)."""
    return int(text) if text is not None and _COUNT.fullmatch(text.strip()) else None


class Outage:
    """Whether a service is down, as far as this process can tell.

    It is once `failures` different addresses failed with no answer in between: one object that always fails is no
    outage, however often it is asked for. Then a read is let through every `seconds`, doubled up to `cap`, until
    anything is answered.
    """

    def __init__(self, service: str, *, failures: int, seconds: float, cap: float) -> None:
        self._service = service
        self._failures = failures
        self._first = min(seconds, cap)
        self._cap = cap
        self._failing: set[str] = set()
        self._wait = 0.0
        self._until = 0.0
        self._probing = False

    @property
    def is_down(self) -> bool:
        """Whether it counts as down."""
        return self._wait > 0

    def left(self, now: float, *, writing: bool) -> float | None:
        """Seconds for which no such call is to be made; None when it may be. A write is never what finds out."""
        if not self._wait or (now >= self._until and not self._probing and not writing):
            return None
        return max(0.0, self._until - now)

    def try_it(self) -> None:
        """One read goes to see whether it is back."""
        self._probing = True

    def answered(self) -> None:
        """An answer came, whatever it says."""
        if self._failing:
            self._failing.clear()
        if self._wait:
            self._wait, self._probing = 0.0, False
            _log.warning("%s answers again", self._service)

    def failed(self, address: str, now: float, *, probe: bool) -> bool:
        """There was none, or one that says that the service failed. Returns whether an outage begins with it."""
        if probe:
            self._probing = False
            self._wait = min(self._cap, 2 * self._wait)
            self._until = now + self._wait
            return False
        if self._wait:
            return False  # on its way when the others failed
        self._failing.add(address.partition("?")[0])
        if len(self._failing) < self._failures:
            return False
        self._wait = self._first
        self._until = now + self._wait
        _log.error("%s counts as down: %d calls failed in a row", self._service, self._failures)
        return True


class Gate:
    """One service's gate in this process. `rates` are the calls a second that it grants for long, by kind."""

    def __init__(self, service: str, rates: Mapping[Kind, float], settings: ClientSettings) -> None:
        self.service = service
        self.outage = Outage(
            service,
            failures=settings.outage_failures,
            seconds=settings.outage_seconds,
            cap=settings.outage_cap_seconds,
        )
        self.paces = {kind: Pace(rate, reserve=_RESERVE, for_events=_FOR_EVENTS) for kind, rate in rates.items()}
        self.longest_wait = float(settings.retry_cap_seconds)

    @property
    def waited(self) -> float:
        """Seconds for which calls waited for their turn so far."""
        return sum(pace.waited for pace in self.paces.values())

    def call(self, kind: Kind, address: str, *, rested_until: float = 0.0) -> "Call":
        """A call, as a context to make it in.

        `address` tells calls apart whose failures count apart; its query does not. `rested_until` is the loop's time
        until which the caller has waited already, in a way of its own.
        """
        return Call(self, kind, address, rested_until)


class Call:
    """One call: entering waits for leave, leaving without an answer is a failure of the service."""

    __slots__ = ("_address", "_answered", "_gate", "_kind", "_number", "_pace", "_probe", "_rested_until")

    def __init__(self, gate: Gate, kind: Kind, address: str, rested_until: float) -> None:
        self._gate = gate
        self._kind = kind
        self._pace = gate.paces[kind]
        self._address = address
        self._rested_until = rested_until
        self._probe = self._answered = False
        self._number = 0

    async def __aenter__(self) -> Self:
        """Waits until the call may be made. Raises `Transient` when it may not, or not soon enough."""
        self._refuse_while_down()
        background = can_wait()
        patience = _SWEEPS_PATIENCE if background else _PATIENCE
        try:
            self._number = await self._pace.turn(
                background=background,
                patience=patience,
                rested_until=self._rested_until,
            )
        except NoTurn as none:
            self._refuse_while_down()
            reason = f"{self._gate.service} was not called: it grants no more {self._kind} for now"
            raise Transient(reason, retry_after=timedelta(seconds=none.seconds)) from none
        self._refuse_while_down()
        if self._gate.outage.is_down:
            self._gate.outage.try_it()
            self._probe = True
        return self

    def answered(
        self, status: int, *, left: float | None = None, used: float | None = None, wait: timedelta | None = None
    ) -> None:
        """Tells what came back.

        Args:
            status: the answer's.
            left: how many more such calls the service says it would grant now.
            used: the share of its limit that the service says is used up, 1 being all of it.
            wait: how long it asks to wait.
        """
        self._answered = True
        if used is not None:
            left = self._pace.burst * max(0.0, 1 - used)
        if status == _TOO_MANY:
            seconds = 0.0 if wait is None else min(wait.total_seconds(), self._gate.longest_wait)
            self._pace.refused(seconds)
        elif left is not None:
            self._pace.told(left, self._number)
        elif status < _SERVER_ERRORS:
            self._pace.not_told(self._number)
        if status < _SERVER_ERRORS or status == _NOT_IMPLEMENTED:
            self._gate.outage.answered()
        else:
            self._failed()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """A call that was not answered failed, also when somebody gave up waiting for it."""
        if not self._answered:
            self._failed()

    def _failed(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._gate.outage.failed(self._address, now, probe=self._probe):
            for pace in self._gate.paces.values():
                pace.send_everybody_away()

    def _refuse_while_down(self) -> None:
        outage = self._gate.outage
        if not outage.is_down:
            return
        left = outage.left(asyncio.get_running_loop().time(), writing=self._kind is not Kind.READS)
        if left is not None:
            raise Transient(
                f"{self._gate.service} was not called: it is down", retry_after=timedelta(seconds=left) or None
            )
