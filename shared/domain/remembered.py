"""What is remembered of people and profiles between one check and the next. All of it can be rebuilt.

Only facts live here; who writes them is the checks' and the sweep's business, and who stores them `State`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.domain.keys import NameKey, NameKind, PersonKey, ProfileKey
from shared.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class Holding:
    """What we remember of one managed assignment: the rules that gave it, and our latest intents about it.

    `intended_at` is when we recorded that we would grant it, with `found_nothing` if the read before showed no
    assignment; `revoking_at` is when we recorded that we would revoke it. `adopted` says that the ledger has the
    evidence of an adoption; without that evidence it says nothing.
    """

    rules: tuple[str, ...] = ()
    intended_at: datetime | None = None
    found_nothing: bool = False
    revoking_at: datetime | None = None
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class PersonState:
    """What can be rebuilt about a person who ever had something managed, or about whom evidence is pending.

    `holdings` are the profiles to read again at every check. `sightings` map a piece of weak evidence (its own short
    text) to when it was first seen. `names` are what the person was last called, for events about somebody the
    directory no longer knows.
    """

    object_id: str
    holdings: Mapping[ProfileKey, Holding] = field(default_factory=dict)
    sightings: Mapping[str, datetime] = field(default_factory=dict)
    names: Mapping[NameKind, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProfileState:
    """What can be rebuilt about a profile's e-mail invoicing.

    `agreed` is the digest of every writable field at the first of two reads that must agree, with its time;
    `updates` are the times of our updates in the last 24 h; `before` is everything that was read before the latest of
    them, `answered` the profile as the answer to that update showed it, and `unjudged` its time as long as no read has
    shown what it did. The times of updates are billing's own. `blocked` says why we no longer update it
    by ourselves, and `after` is then everything that was read of what that update left.
    """

    key: ProfileKey
    agreed: tuple[str, datetime] | None = None
    updates: tuple[datetime, ...] = ()
    before: Mapping[str, Any] | None = None
    blocked: Reason | None = None
    after: Mapping[str, Any] | None = None
    unjudged: datetime | None = None
    answered: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class FutureChecks:
    """The checks that events asked for at moments to come, by key: what a sender can cost us is bounded by it.

    `due` are the moments for which a check is scheduled, each with whether its message is known to have reached the
    queue. Losing it costs at most as many checks again.
    """

    key: PersonKey | NameKey
    due: Mapping[datetime, bool] = field(default_factory=dict)
