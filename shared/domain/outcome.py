"""How a check may end, which of several ends counts, and how long to wait before the next.

Every check ends in exactly one of these, and each says what becomes of its message.
"""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """How a check, or one action of it, ended."""

    DONE = "done"
    """Azure was changed, and reading back shows it."""
    UNCHANGED = "unchanged"
    """Everything was as it should be, or what is not is not ours to change."""
    WOULD = "would"
    """Observed: this is what would have been done."""
    HELD = "held"
    """Stopped until a person decides."""
    WAITING = "waiting"
    """Evidence has to be seen again, or a person to appear, before anything is done."""
    UNVERIFIED = "unverified"
    """Written, but not visible yet."""
    RETRY = "retry"
    """Something transient stood in the way."""
    GAVE_UP = "gave-up"
    """Given up with an alert; the sweep is the real retry."""
    REJECTED = "rejected"
    """The event cannot be used; its sender has to fix it."""


_BY_WEIGHT: Final = (
    Outcome.UNCHANGED,
    Outcome.WOULD,
    Outcome.DONE,
    Outcome.HELD,
    Outcome.GAVE_UP,
    Outcome.WAITING,
    Outcome.UNVERIFIED,
    Outcome.RETRY,
    Outcome.REJECTED,
)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of a check whose parts ended so; `unchanged` when it had none.

    What asks for another check outweighs a give-up: the other check meets the same obstacle and says so again.
    """
    return max(outcomes, key=_BY_WEIGHT.index, default=Outcome.UNCHANGED)


_SHORT: Final = timedelta(seconds=30)
"""How long a retry may wait in the first five minutes of an outage."""


def retry_delay(
    attempt: int, chance: float, *, failing: timedelta, cap: timedelta, retry_after: timedelta | None
) -> timedelta:
    """How long to wait before retry number `attempt` (from 0) of what has been `failing` for a while.

    Full jitter: `chance` (0..1) of 5 s doubled per attempt, but of no more than 30 s or a tenth of the time that it has
    been failing, at most `cap`: work goes on soon after a short outage, and a long one costs few tries. Never less than
    a second, and never less than the service asked for, that too at most `cap`.
    """
    ceiling = min(cap, max(_SHORT, failing / 10), timedelta(seconds=5 * 2 ** min(attempt, 20)))
    asked = min(cap, retry_after) if retry_after is not None else timedelta(0)
    return max(timedelta(seconds=1), asked, ceiling * chance)


def wait_delay(waited: timedelta, *, first: timedelta, cap: timedelta = timedelta(hours=6)) -> timedelta:
    """How long to wait before looking again for a person whom nobody knows after `waited`.

    As long again as it took so far, which doubles the pauses: from `first` to `cap`.
    """
    return min(cap, max(first, waited))
