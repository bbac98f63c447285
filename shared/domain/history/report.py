"""A sweep's report: what it read, counted, held and found. Whoever writes one and whoever reads it share these types.

Nothing in a report is acted upon. It holds ids, and no names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.domain.history.findings import Finding
from shared.domain.history.unmanaged_sightings import Sighted
from shared.domain.policy.model import ActionKind, Room
from shared.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A billing account that is not managed."""

    account: str
    why: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much there is of everything. `people_listed` counts who is in several listings as often."""

    accounts: int
    managed_accounts: int
    profiles: int
    assignments: int
    managed: int
    unmanaged: int
    people_listed: int
    people: int
    people_unreadable: int


@dataclass(frozen=True, slots=True)
class HoldCounts:
    """How many holds there are, by decision and kind, and the open ones of each group."""

    open: Mapping[ActionKind, int]
    released: Mapping[ActionKind, int]
    dismissed: Mapping[ActionKind, int]
    groups: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Labels:
    """How much drift of people an event had announced, and how much none did that should have."""

    announced: int = 0
    never_announced: int = 0

    @property
    def ratio(self) -> float | None:
        """The announced share; None where nothing has a label."""
        total = self.announced + self.never_announced
        return round(self.announced / total, 3) if total else None


@dataclass(frozen=True, slots=True)
class FeedCheck:
    """What drift says of the feed of events. `feed` is whether there is one of our own, `kinds` are kinds of drift."""

    since: datetime
    feed: bool
    labels: Labels
    kinds: Mapping[str, Labels]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one sweep found.

    `failures` are reads that failed, `not_kept` what could not be stored or looked for besides. `remembered` are the
    people whose managed assignments the state had forgotten. `pauses` are those that stand, as people write them.
    `would_hold` is what enforcing everywhere would hold. `identities` are the object ids under which the app writes or
    wrote. `assignments` are counted by owner and billing's own principal type. `unmanaged` are the first of them.
    """

    sweep: str
    started: datetime
    seconds: float
    complete: bool
    failures: tuple[Reason, ...]
    not_kept: tuple[Reason, ...]
    remembered: int
    counts: Counts
    drift: Mapping[str, int]
    feed_check: FeedCheck
    enqueued: int
    pauses: tuple[str, ...]
    holds: HoldCounts
    guards: Mapping[ActionKind, Room]
    would_hold: Mapping[ActionKind, Room]
    identities: tuple[str, ...]
    assignments: Mapping[str, Mapping[str, int]]
    left_alone: tuple[LeftAlone, ...]
    unmanaged: tuple[Sighted, ...]
    findings: tuple[Finding, ...]
    api_calls: Mapping[str, int]
