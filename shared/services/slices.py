"""Long work that lets go of the event loop now and then, so that whoever waits for an answer gets it meanwhile.

Lives here: how much is done at a stretch. Counted by work and not by the clock: a simulation does the same again.
"""

import asyncio
from typing import Final

SLICE: Final = 10
"""People and assignments that are gone through at a stretch: some 1 ms of CPU. An HTTP answer takes a dozen turns of
the loop, each behind one stretch, and has to be there within 50 ms; a turn itself costs 0.02."""


class Slices:
    """Counts work, and lets go of the loop after each slice."""

    def __init__(self) -> None:
        self._left = SLICE

    async def took(self, work: int = 1) -> None:
        """Says that so much was done: one for a person or an assignment."""
        self._left -= work
        if self._left <= 0:
            await self.rest()

    async def rest(self) -> None:
        """Lets go of the loop now, after what is no small piece of work by itself."""
        self._left = SLICE
        await asyncio.sleep(0)
