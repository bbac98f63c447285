"""Time that passes only when everybody waits.

Lives here: an event loop whose clock jumps to the next thing that is due. Sleeps, timeouts and polls of the code under
test take no time, whoever asks for them, and always fall in the same order.
"""

import asyncio
import math
import selectors
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on a clock of its own, in seconds from 0. For code that neither uses sockets nor threads."""

    def __init__(self) -> None:
        self._seconds = 0.0
        super().__init__(_Skipping(self))

    def time(self) -> float:
        """Seconds since the loop was made, as it counts them."""
        return self._seconds

    def skip(self, seconds: float) -> None:
        """Lets time pass, and the least bit more.

        asyncio takes up what is due before its clock plus that clock's resolution. Half a year on, that sum is no
        more than the clock: what is due exactly now would never come.
        """
        self._seconds = math.nextafter(self._seconds + seconds, math.inf)


class _Skipping(selectors.DefaultSelector):
    """Where a selector would wait, the clock skips."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        # Nothing is ever ready here: whoever uses the loop has neither sockets nor threads.
        if timeout == 0:
            return []
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing is due: this would wait for ever")
        self._loop.skip(max(0.0, timeout))
        return []
