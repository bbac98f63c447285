"""How fast one kind of call goes to one service: by what the service says is left, and events before sweeps.

Lives here: turns and waiting for them, in the running loop's time. Whether the service is there at all is `gate`'s
matter; what an answer's headers say is read by whoever knows the service.

What is left is counted as the service counts it, in a bucket that fills at `rate`; each answer that tells corrects the
count, less the calls made since. Where a service does not tell, events are not paced at all, and sweeps by
the count alone. Near the bottom, calls are spaced in proportion to what is left: at the reserve they go at the rate,
below it slower. So several instances share one bucket without knowing of each other: each sees it fall and slows down.
Until a first answer has told, a second's worth goes at once: an instance that begins knows nothing of the others.
"""

import asyncio
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

BURST_SECONDS: Final = 10.0
"""A bucket holds that many seconds of its rate: ARM's reads are 250 at 25 a second, Graph counts windows of 10 s."""

SLOWEST: Final = 0.1
"""The share of the rate at which calls go when nothing seems to be left: only an answer tells that there is."""

_SOON: Final = 1e-6
"""Seconds by which a timer may come early: the loop's clock is no finer."""


class NoTurn(Exception):  # noqa: N818 - no error: the call was not made, and `seconds` later it may be
    """A call would have to wait longer than it may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(slots=True, eq=False)
class _Waiting:
    turn: asyncio.Future[int | NoTurn]
    """Done with the turn's number, or with why there is none."""
    until: float


@dataclass(slots=True, eq=False)
class Pace:
    """The turns of one kind of call.

    Args:
        rate: calls a second that the service grants for long.
        reserve: the share of the bucket below which calls are spaced.
        for_events: the share of rate and bucket that background calls leave alone.
    """

    rate: float
    reserve: float
    for_events: float
    waited: float = field(default=0.0, init=False)
    """Seconds that calls waited here so far, whether they got a turn or not."""
    _taken: int = 0
    _heard: int = 0
    _told: bool | None = None
    _left: float = field(init=False)
    _most: float = field(init=False)
    _spare: float = field(init=False)
    _counted_at: float = 0.0
    _last_turn: float = -math.inf
    _held_until: float = 0.0
    _events: deque[_Waiting] = field(default_factory=deque)
    _background: deque[_Waiting] = field(default_factory=deque)
    _timer: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self._most = self.burst
        self._left = 2 * self.reserve * self.burst
        self._spare = self.burst * (1 - self.for_events)

    @property
    def burst(self) -> float:
        """Calls that a full bucket holds, as far as is known without being told."""
        return self.rate * BURST_SECONDS

    async def turn(self, *, background: bool, patience: float, rested_until: float = 0.0) -> int:
        """Waits for a turn, takes it, and returns its number.

        `rested_until` is the loop's time until which the caller has waited in a way of its own.

        Raises:
            NoTurn: it would take longer than `patience` seconds, or turned out to.
        """
        loop = asyncio.get_running_loop()
        now = max(loop.time(), rested_until)
        self._count(now)
        queue = self._background if background else self._events
        if not queue and not (background and self._events) and self._wait(background, now) <= _SOON:
            self._take(background, now)
            return self._taken
        expected = self._wait(background, now)
        expected += len(queue) * (self._price() / self._background_rate if background else self._space())
        if expected > patience:
            raise NoTurn(expected)
        waiting = _Waiting(loop.create_future(), now + patience)
        queue.append(waiting)
        self._set_timer(loop, now)
        turn = await waiting.turn
        self.waited += loop.time() - now
        if isinstance(turn, NoTurn):
            raise turn
        return turn

    # -- what the service says

    def told(self, left: float, number: int) -> None:
        """The answer to the call of that number says how many more are granted.

        The figure does not include calls sent since. Answers overtake each other: an answer to an earlier call than the
        latest known one is ignored.
        """
        if number >= self._heard:
            self._heard, self._told = number, True
            self._most = max(self.burst, left)
            self._left = max(0.0, left - (self._taken - number))
            self._check_again()

    def not_told(self, number: int) -> None:
        """The answer to the call of that number says nothing about what is left."""
        if number >= self._heard:
            self._heard, self._told = number, False
            self._check_again()

    def refused(self, wait_seconds: float) -> None:
        """An answer said that it was one too many, and that none is to come before `wait_seconds` (0: it did not)."""
        now = asyncio.get_running_loop().time()
        self._told, self._left = True, 0.0
        self._held_until = max(self._held_until, now + wait_seconds)
        for waiting in (*self._events, *self._background):
            if waiting.until < self._held_until:
                self._send_away(waiting, self._held_until - now)
        self._check_again()

    def send_everybody_away(self) -> None:
        """Nobody who waits here gets a turn."""
        for waiting in (*self._events, *self._background):
            self._send_away(waiting, 0.0)

    # -- the count

    @property
    def _background_rate(self) -> float:
        return self.rate * (1 - self.for_events)

    def _count(self, now: float) -> None:
        elapsed = now - self._counted_at
        if elapsed > 0:
            self._counted_at = now
            self._left = min(self._most, self._left + elapsed * self.rate)
            self._spare = min(self._background_rate * BURST_SECONDS, self._spare + elapsed * self._background_rate)

    def _space(self) -> float:
        """Seconds between two calls as things are."""
        reserve = self.reserve * self.burst
        if self._told is False or self._left >= reserve:
            return 0.0
        return 1 / (self.rate * max(SLOWEST, self._left / reserve))

    def _price(self) -> float:
        """What a background call costs of what is spare: more where less than the events' share is left."""
        return 1 / max(SLOWEST, min(1.0, self._left / (self.for_events * self.burst)))

    def _wait(self, background: bool, now: float) -> float:
        """Seconds until the next such call may go."""
        until = self._held_until
        if space := self._space():
            until = max(until, self._last_turn + space)
        if background:
            until = max(until, now + (self._price() - self._spare) / self._background_rate)
        return until - now

    def _take(self, background: bool, now: float) -> None:
        if background:
            self._spare -= self._price()
        self._left = max(0.0, self._left - 1)
        self._last_turn = now
        self._taken += 1

    # -- who waits

    def _check_again(self) -> None:
        if self._events or self._background:
            self._give_turns()

    def _give_turns(self) -> None:
        """Gives out the turns that are due."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._count(now)
        while any(self._give_one(queue, now, background=background) for background, queue in self._queues()):
            pass  # one may change who is next
        self._set_timer(loop, now)

    def _give_one(self, queue: deque[_Waiting], now: float, *, background: bool) -> bool:
        while queue and (queue[0].turn.done() or queue[0].until + _SOON < now):
            self._send_away(queue.popleft(), self._wait(background, now))
        if not queue or self._wait(background, now) > _SOON:
            return False
        self._take(background, now)
        queue.popleft().turn.set_result(self._taken)
        return True

    def _send_away(self, waiting: _Waiting, seconds: float) -> None:
        if not waiting.turn.done():
            waiting.turn.set_result(NoTurn(max(0.0, seconds)))

    def _set_timer(self, loop: asyncio.AbstractEventLoop, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waits = [self._wait(background, now) for background, queue in self._queues() if queue]
        if waits:
            self._timer = loop.call_at(now + max(0.0, min(waits)), self._give_turns)

    def _queues(self) -> tuple[tuple[bool, deque[_Waiting]], ...]:
        """Who waits, background first: theirs comes seldom near the bottom, and then it is due."""
        return (True, self._background), (False, self._events)
