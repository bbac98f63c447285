"""The weather: which faults there are, how likely each is in one simulation, and how often it struck.

Lives here: names, odds and the dice. What a fault does is known where it strikes.
"""

import random
from collections import Counter
from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """Everything that goes wrong in passing. What lasts (switches, lost roles, other people) is in `history`."""

    ARM_THROTTLED = "arm-429"
    ARM_ERROR_BEFORE = "arm-5xx-before"
    """The service fails before it did anything."""
    ARM_ERROR_AFTER = "arm-5xx-after"
    """The service did its work, and then fails."""
    ARM_LOST_BEFORE = "arm-request-lost"
    ARM_LOST_AFTER = "arm-answer-lost"
    ARM_SLOW = "arm-slow"
    ARM_GARBLED = "arm-garbled"
    """A 200 that lacks what it must have."""
    ARM_GATEWAY = "arm-gateway-404"
    """A 404 of somebody in between, who knows nothing."""
    GRAPH_THROTTLED = "graph-429"
    GRAPH_ERROR = "graph-5xx"
    GRAPH_LOST = "graph-answer-lost"
    GRAPH_SLOW = "graph-slow"
    GRAPH_GARBLED = "graph-garbled"
    GRAPH_GATEWAY = "graph-gateway-404"
    PAGE_SPLIT = "partial-page"
    """A list that would fit one page comes in two."""
    PAGE_EXPIRED = "expired-page"
    """The link to the next page is refused."""
    PAGE_EMPTY = "empty-page"
    PAGE_ELSEWHERE = "page-elsewhere"
    """The link to the next page leads to another host."""
    PROFILE_EDITED = "profile-edited-meanwhile"
    """Somebody edits a profile while the app's update of it is under way."""
    TOKEN_MISSING = "token-missing"
    ROWS_READ = "rows-read-fails"
    ROWS_BEFORE = "rows-write-fails"
    ROWS_AFTER = "rows-answer-lost"
    """The store wrote, and its answer was lost."""
    ROWS_CONFLICT = "rows-conflict"
    ROWS_SLOW = "rows-slow"
    SEND_BEFORE = "send-fails"
    SEND_AFTER = "send-answer-lost"
    EVENT_LOST = "event-lost"
    EVENT_TWICE = "event-twice"
    EVENT_LATE = "event-late"
    EVENTS_SWAPPED = "events-swapped"
    LOCK_LOST = "lock-lost"
    CRASH = "crash"


_LIKELY: Final = {
    Fault.EVENT_LOST: 0.1,
    Fault.EVENT_TWICE: 0.3,
    Fault.EVENT_LATE: 0.3,
    Fault.EVENTS_SWAPPED: 0.3,
    Fault.LOCK_LOST: 0.05,
    Fault.CRASH: 0.03,
    Fault.PAGE_SPLIT: 0.3,
    Fault.PAGE_EMPTY: 0.1,
    Fault.PROFILE_EDITED: 0.5,
    Fault.ROWS_READ: 0.004,
    Fault.ROWS_BEFORE: 0.01,
    Fault.ROWS_AFTER: 0.02,
    Fault.ROWS_CONFLICT: 0.01,
    Fault.ROWS_SLOW: 0.01,
}
"""The odds, each time, of what is not as likely as the rest."""

_USUAL: Final = 0.02


class Weather:
    """The odds of one simulation and its dice. Half of the faults never happen in it, so that others are seen alone."""

    def __init__(self, rng: random.Random) -> None:
        self._dice = random.Random(rng.random())
        severity = rng.choice((0.0, 0.5, 1.0, 1.0, 3.0))
        self.odds = {fault: severity * _LIKELY.get(fault, _USUAL) if rng.random() < 0.5 else 0.0 for fault in Fault}
        self.counts: Counter[str] = Counter()
        self.calm = False
        self._storms: dict[Fault, float] = {}

    def strikes(self, fault: Fault, now: float = 0.0) -> bool:
        """Whether a fault strikes here and now (loop time, in seconds)."""
        odds = 0.0 if self.calm else self.odds[fault]
        if self._storms and now < self._storms.get(fault, 0.0) and not self.calm:
            odds = 0.9
        # The dice are thrown for every question: what one fault decides must not shift what all the others do.
        if self._dice.random() >= odds:
            return False
        self.counts[f"fault:{fault}"] += 1
        return True

    def storm(self, fault: Fault, until: float) -> None:
        """Lets a fault strike nearly always, up to a loop time."""
        self._storms[fault] = until
        self.counts[f"storm:{fault}"] += 1

    def pick[T](self, choices: tuple[T, ...]) -> T:
        """One of several ways to go wrong."""
        return self._dice.choice(choices)

    def seconds(self, least: float, most: float) -> float:
        """A duration."""
        return self._dice.uniform(least, most)
