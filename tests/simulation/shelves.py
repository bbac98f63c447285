"""Queues and dead letters in which lies what a test says. No test lives here."""

from collections.abc import Sequence
from typing import Final

from shared.domain.health import ShelfCount

NOTHING: Final = (
    ShelfCount("people-events", is_dead=False, count=0),
    ShelfCount("rejected-events", is_dead=False, count=0),
    ShelfCount("access-work", is_dead=True, count=0),
)


class Shelves:
    """`ports.Shelves`, empty unless a test says otherwise."""

    def __init__(self, *counted: ShelfCount) -> None:
        self.counted = counted or NOTHING

    async def count(self) -> Sequence[ShelfCount]:
        """What a test said."""
        return self.counted
