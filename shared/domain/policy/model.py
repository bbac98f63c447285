"""The policy as the domain sees it: who should manage the invoices of which profiles, and what may be written.

Only the shape lives here. `load` reads it from YAML; `filters` and `selectors` say what matches.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Literal
from zoneinfo import ZoneInfo

from shared.domain.policy.example import Examples
from shared.domain.policy.filters import Filter
from shared.domain.time_zones import zone


class Everything(StrEnum):
    """The two words that stand where a list of selectors may stand."""

    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Selector:
    """Picks billing profiles; all keys that are set must match.

    `name` is matched against the profile's display name (`*` is the wildcard, case does not matter), `profile` and
    `account` against the billing names, `tags` against the profile's tags. A tag value may be a template such as
    `{companyName}`, filled from the person; it then stands for that literal text.
    """

    name: str | None = None
    account: str | None = None
    profile: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.name, self.account, self.profile, frozenset(self.tags.items())))


type Selection = Everything | tuple[Selector, ...]


EXTERNAL_MEMBERS: Final = "external_members"

type Guests = bool | Literal["external_members"]
"""Which accounts of other tenants a rule lets in: none, those that are members here, or all, guests too."""


@dataclass(frozen=True, slots=True)
class NamedGrant:
    """Which one person a rule is for, and how long.

    Either the `object_id` is set (lower-case) or the `address`, as it is compared. `until` is the last day, `end` the
    moment at which it is over, in UTC; None where there is no end. `why` is for people, and decides nothing.
    """

    why: str = field(compare=False)
    object_id: str = ""
    address: str = ""
    until: date | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Who gets Invoice manager on what. `who` and `member_of` are ANDed; at least one is set.

    `member_of` are group object ids, lower-case: to be in one of them is enough. With `grant` it is a named grant: for
    one person, whom `who` finds by address, or the object id that the grant has.
    """

    name: str
    profiles: Selection
    who: Filter | None = None
    member_of: frozenset[str] = frozenset()
    guests: Guests = False
    grant: NamedGrant | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether it is a named grant that has ended: then it gives nothing, as if it were not there."""
        return self.grant is not None and self.grant.end is not None and self.grant.end <= now


@dataclass(frozen=True, slots=True)
class DailyLimit:
    """How much of one kind may be written in 24 h: max(floor, min(count, ceil(percent of what is managed)))."""

    floor: int
    count: int
    percent: int


class ActionKind(StrEnum):
    """The kinds of writes to Azure. Each has a daily limit. Spelled as in the policy."""

    GRANTS = "grants"
    MOVER_REVOKES = "mover_revokes"
    """Taken from somebody who is still with the company, or is yet to begin."""
    LEAVER_REVOKES = "leaver_revokes"
    PROFILE_UPDATES = "profile_updates"


@dataclass(frozen=True, slots=True)
class Room:
    """What a sweep wanted of a kind of action, and what its daily limit has left and allows."""

    wanted: int
    left: int
    limit: int


DEFAULT_DAILY_LIMITS: Final[Mapping[str, DailyLimit]] = {
    ActionKind.MOVER_REVOKES: DailyLimit(2, 10, 20),
    ActionKind.LEAVER_REVOKES: DailyLimit(5, 50, 50),
    ActionKind.GRANTS: DailyLimit(10, 50, 100),
    ActionKind.PROFILE_UPDATES: DailyLimit(5, 20, 20),
}
"""The limits of a policy that does not name them."""


class Always(StrEnum):
    """What always takes two people, however few changes it is."""

    RESUME = "resume"
    """To end a pause."""
    POLICY = "policy"
    """To decide about what a changed policy takes."""


@dataclass(frozen=True, slots=True)
class TwoPeople:
    """Which decisions take two people: those that change more than `above` holds (None: no number does), and `always`.

    With neither, one person decides everything, and the policy says so.
    """

    above: int | None = None
    always: frozenset[Always] = frozenset()

    @property
    def is_none(self) -> bool:
        """Whether one person is enough for everything."""
        return self.above is None and not self.always


STALE_LEAVE_DAYS: Final = 30

CHECK_DAYS: Final = 5
"""A working week, whatever day the invoice is made on: somebody can still see to what is wrong."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole policy. `digest` is the SHA-256 of its meaning: two files that say the same have the same.

    `accounts` are billing account names, or all; `enforce` says on which profiles the app writes; `opt_in` on which
    it keeps invoice e-mail on, and `check_days` from how many days before the invoice day on that is proved.
    `lead_days`: access before the hire date; `mover_grace_hours`: access after moving on.
    `stale_leave_days`: a revoke because of a leave date more days ago, on an enabled account, is held.
    Days begin and end in `time_zone`; midnight in one of `date_zones` is a date without a time as well.
    `protected` are object ids (lower-case) that are never touched. `tests` are examples, which decide nothing.
    `two_people` is None where the policy says nothing of it.
    """

    rules: tuple[Rule, ...]
    accounts: Everything | frozenset[str] = Everything.ALL
    enforce: Selection = Everything.NONE
    opt_in: Selection = Everything.NONE
    min_recipients: int = 0
    check_days: int = CHECK_DAYS
    lead_days: int = 0
    mover_grace_hours: int = 0
    stale_leave_days: int = STALE_LEAVE_DAYS
    time_zone: ZoneInfo = field(default_factory=lambda: zone("UTC"))
    date_zones: tuple[ZoneInfo, ...] = ()
    protected: frozenset[str] = frozenset()
    daily_limits: Mapping[str, DailyLimit] = field(default_factory=lambda: DEFAULT_DAILY_LIMITS)
    two_people: TwoPeople | None = None
    digest: str = ""
    tests: Examples = field(default_factory=Examples, compare=False)

    @property
    def grants(self) -> tuple[Rule, ...]:
        """The rules that are named grants, also those that are over."""
        return tuple(rule for rule in self.rules if rule.grant is not None)

    @property
    def groups(self) -> frozenset[str]:
        """Every group that a rule names."""
        return frozenset[str]().union(*(rule.member_of for rule in self.rules))
