"""What happened in one simulation: the trace, the runs of functions, and what each of them heard and did.

Lives here: records, and who is running now. What they prove is the promises' business.
"""

import contextvars
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.domain.guards.holds import Hold
from shared.domain.guards.pauses import Pauses
from shared.domain.history.checks import CheckBody
from shared.domain.history.records import IntentBody
from shared.domain.keys import ProfileKey
from tests.simulation.engine.policies import SimPolicy

RUN: contextvars.ContextVar["Run | None"] = contextvars.ContextVar("RUN", default=None)
"""The run of a function that whoever runs now belongs to."""


@dataclass(eq=False, slots=True)
class Heard:
    """What Graph answered a run about the one person whom it is about; None where it was not asked, or failed."""

    user: dict[str, Any] | None = None
    user_missing: bool = False
    deleted: bool | None = None
    groups: dict[str, bool] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Run:
    """One run of a function by one process."""

    number: int
    process: str
    function: str
    policy: SimPolicy
    began: datetime
    """World time."""
    key: str = ""
    """The canonical key of a check; "" for what is no check."""
    message_id: str | None = None
    """The MessageId of what a check was asked for with."""
    locked: Any = None
    """Whether the session's lock still holds: a callable."""
    beside: Mapping[Any, "Run"] = field(default_factory=dict)
    """Every run of its process that is under way, itself among them."""
    clock_reads: list[datetime] = field(default_factory=list)
    opened: datetime | None = None
    """When it first read its key's head in the ledger."""
    asked_at: datetime | None = None
    """The process's own time just before it asked Graph about the person."""
    heard: Heard = field(default_factory=Heard)
    profiles_read: dict[ProfileKey, tuple[datetime, datetime, Any]] = field(default_factory=dict)
    """The latest answer about a profile, with the process's own time and the true one."""
    intents: dict[tuple[str, str], IntentBody] = field(default_factory=dict)
    """Intents that this run stored, by profile (folded) and verb."""
    checks: list[CheckBody] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    """The verbs of what it wrote, in order."""
    pauses: Pauses | None = None
    pauses_seen: list[Pauses] = field(default_factory=list)
    """Every pause that was read."""
    policy_digest: str = ""
    """The digest of the policy that its process was deployed with, as the store keeps it."""
    refused: str = ""
    """What billing refused it for want of our role; "" for nothing."""
    listed: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Everybody whom Graph's lists told a sweep of, by id, with what was said of them."""
    members: dict[str, set[str]] = field(default_factory=dict)
    """Who is in a group, by what Graph's lists told a sweep."""
    held_anew: dict[str, Hold] = field(default_factory=dict)
    """Actions that it held, and that waited for nobody before, by id."""
    pauses_read: bool = False
    """Whether the pause was read since the latest intent of this run."""
    sent: list[tuple[str, datetime | None]] = field(default_factory=list)
    """Checks that reached the queue from here: key and due time."""
    carried: list[datetime] = field(default_factory=list)
    """Days to come that checks were sent from here with."""
    written: list[Any] = field(default_factory=list)
    """What it wrote to billing (`AppWrite`), in order."""
    rows_made: dict[ProfileKey, str] = field(default_factory=dict)
    """When the person's assignment on a profile was made, as billing's latest answer has it."""
    rows_read: dict[ProfileKey, tuple[bool, str | None]] = field(default_factory=dict)
    """The latest answer about the person's assignment on a profile: whether there is one, and who made it."""
    updated_from: dict[ProfileKey, Any] = field(default_factory=dict)
    """The answer about a profile that an update of it was made from."""
    undismissed: dict[str, Hold] = field(default_factory=dict)
    """Dismissed holds that it took away, by id."""
    unanswered: dict[str, bool] = field(default_factory=dict)
    """What it asked for and got no whole answer to, the last time it asked: whether for want of our role."""
    catalogue_stored: bool = False
    rejected: int = 0
    outcome: str = ""
    jumped: bool = False
    """Whether the process's clock jumped meanwhile."""
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was not kept."""

    invariant: str
    at: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant} at {self.at}: {self.what}"


class Book:
    """The trace and the counts of one simulation. `now` tells the world's time."""

    def __init__(self, now: Any) -> None:
        self._now = now
        self._began: datetime = now()
        self.lines: list[str] = []
        self.counts: Counter[str] = Counter()
        self.violations: list[Violation] = []
        self.runs = 0
        self._sealed = False

    def seal(self) -> None:
        """The story is over: whatever is still said is not part of it."""
        self._sealed = True

    def say(self, who: str, what: str) -> None:
        """Adds a line to the trace."""
        if self._sealed:
            return
        now = self._now()
        self.lines.append(f"{now:%m-%d %H:%M:%S}.{now.microsecond // 1000:03} {who:<8} {what}")

    def count(self, what: str) -> None:
        """Counts something that happened."""
        self.counts[what] += 1

    def violate(self, invariant: str, what: str) -> None:
        """Notes a promise that was not kept."""
        if self._sealed:
            return
        violation = Violation(invariant, f"{self._now():%Y-%m-%d %H:%M:%S}", what)
        self.violations.append(violation)
        self.say("!!!", f"VIOLATION {violation.invariant}: {what}")

    def digest(self) -> str:
        """The SHA-256 of the whole trace: equal for equal stories."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()
