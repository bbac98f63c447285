"""Throttling by resource units, as Graph's identity service counts them.

Lives here: what a request costs and whether there is enough left. Source:
https://learn.microsoft.com/graph/throttling-limits, identity and access service limits.
"""

from collections import deque
from datetime import datetime, timedelta
from typing import Final

from sandbox.graph.query import Options

WINDOW: Final = timedelta(seconds=10)
"""The window that the documented limit is for."""

FREE_STATUSES: Final = frozenset({400, 403})
"""Refusals that cost nothing, as somebody measured in 2026; the page does not say so."""

_SMALL_PAGE: Final = 20
_SMALL_TENANT: Final = 50
_LARGE_TENANT: Final = 500


def cost(base: int, options: Options) -> int:
    """What a request costs in resource units: `$select` saves one, a small `$top` another."""
    saved = (1 if options.select is not None else 0) + (
        1 if options.top is not None and options.top < _SMALL_PAGE else 0
    )
    return max(1, base - saved)


def documented_limit(users: int) -> int:
    """Resource units per 10 seconds for one app in a tenant with that many users."""
    if users < _SMALL_TENANT:
        return 3_500
    return 5_000 if users <= _LARGE_TENANT else 8_000


class Meter:
    """Counts one app's resource units in the last ten seconds; throttled requests count too, as documented."""

    def __init__(self) -> None:
        self._spent: deque[tuple[datetime, int]] = deque()
        self._total = 0

    def spend(self, at: datetime, units: int) -> int:
        """Books a request, and returns all units of the window, this one's included."""
        while self._spent and self._spent[0][0] <= at - WINDOW:
            self._total -= self._spent.popleft()[1]
        self._spent.append((at, units))
        self._total += units
        return self._total

    def take_back(self) -> None:
        """Forgets the request that was booked last."""
        self._total -= self._spent.pop()[1]
