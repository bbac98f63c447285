"""Moments at which something happens by itself, the earliest first.

A heap with replaceable and removable members; it knows nothing of messages and never reads a clock.
"""

import heapq
from collections.abc import Callable, Hashable, Iterator
from datetime import datetime

_SLACK = 256
"""Outdated heap members tolerated before they are swept out; enough that sweeping stays cheap per change."""


class Deadlines[K: Hashable]:
    """One deadline per key. `on_earlier` is called when the earliest deadline moves to an earlier time."""

    def __init__(self, on_earlier: Callable[[], None]) -> None:
        self._on_earlier = on_earlier
        self._when: dict[K, datetime] = {}
        self._heap: list[tuple[datetime, int, K]] = []
        self._count = 0

    def put(self, key: K, when: datetime) -> None:
        """Set the deadline of `key`, in place of any earlier one."""
        before = self.earliest()
        self._when[key] = when
        self._count += 1
        heapq.heappush(self._heap, (when, self._count, key))
        if before is None or when < before:
            self._on_earlier()

    def drop(self, key: K) -> None:
        """Forget the deadline of `key`, if it has one."""
        if self._when.pop(key, None) is not None and len(self._heap) > _SLACK + 2 * len(self._when):
            self._heap = [member for member in self._heap if self._is_current(member)]
            heapq.heapify(self._heap)

    def earliest(self) -> datetime | None:
        """The next deadline, or None when there is none."""
        while self._heap and not self._is_current(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: datetime) -> Iterator[K]:
        """Take out every key whose deadline is at or before `now`, the earliest first."""
        while (when := self.earliest()) is not None and when <= now:
            key = heapq.heappop(self._heap)[2]
            del self._when[key]
            yield key

    def _is_current(self, member: tuple[datetime, int, K]) -> bool:
        return self._when.get(member[2]) == member[0]
