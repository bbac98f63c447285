"""What every use case is given, and what every check gives back. No behaviour lives here."""

import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from shared.domain.history.checks import Told
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.policy.model import Policy
from shared.domain.work import RejectedEvent, Scheduled, WorkItem
from shared.ports import Billing, Clock, Directory, Ledger, Queues, State
from shared.services.catalogue import CatalogueStore
from shared.services.reservations import ReservationTurns
from shared.settings import Settings
from shared.telemetry import NO_TELEMETRY, Telemetry


@dataclass(frozen=True, slots=True)
class App:
    """The ports in hand, the policy and the settings. One per process, built by `bootstrap`."""

    policy: Policy
    settings: Settings
    clock: Clock
    random: random.Random
    directory: Directory
    billing: Billing
    billing_for_check: Callable[[Callable[[ProfileKey], bool]], Billing]
    """Billing for one check, which only writes to profiles for which the given function says so; see `enforced`."""
    queues: Queues
    ledger: Ledger
    state: State
    catalogues: CatalogueStore
    calls: Callable[[], Mapping[str, int]] = dict
    """API calls made so far in this process, by service and kind; the sweep reports the difference."""
    waits: Callable[[], Mapping[str, float]] = dict
    """Seconds for which calls waited for their turn so far in this process, by service."""
    reservation_turns: ReservationTurns = field(default_factory=ReservationTurns)
    telemetry: Telemetry = NO_TELEMETRY


def unique_id(source: random.Random) -> str:
    """A GUID that nobody else has, by the app's own random source: a simulation makes the same again."""
    return str(uuid.UUID(int=source.getrandbits(128), version=4))


@dataclass(frozen=True, slots=True)
class Check:
    """How one check ended: the outcome, the record it leaves, and what has to follow.

    `told` is for its record in the ledger. `follow_ups` are sent before the message is completed.
    `item` is what it covered, where that was a part of what it was asked for: what its outcome asks for concerns that
    part alone, and one of the follow-ups the rest.
    """

    outcome: Outcome
    told: Told
    follow_ups: tuple[Scheduled, ...] = ()
    rejected: tuple[RejectedEvent, ...] = ()
    retry_after: timedelta | None = None
    item: WorkItem | None = None


HANDLER_SECONDS: Final = 45
"""Seconds a handler has: under the 60 that a message's lock lives by itself, so that no write starts under a lock that
may be gone."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when a handler may begin writes."""

    at: datetime

    def left(self, now: datetime) -> float:
        """Seconds left; zero or less once it has passed."""
        return (self.at - now).total_seconds()
