"""What `decide` answers: a plan, and the words for its parts.

A plan is data. It holds no order to anybody: the shell guards, records and applies it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.domain.access.ownership import ManagedAssignment
from shared.domain.keys import ProfileKey
from shared.domain.reasons import Reason


class StoppedBy(StrEnum):
    """What makes an action wait for a person."""

    DAILY_LIMIT = "daily_limit"
    """The kind's daily limit is used up: what it had room for was done, the rest waits as one group."""
    SWEEP = "sweep"
    """One sweep wanted more of the kind than its daily limit has left: all of it is held. Never leavers."""
    POLICY = "policy"
    """The first sweep under a changed policy wanted it."""
    FIGHTS_BACK = "fights-back"
    """The profile was updated as often in a day as is allowed, and was turned off again each time."""
    HARM = "harm"
    """An update of the profile changed more than the flag."""
    STALE_LEAVE_DATE = "stale-leave-date"
    """The account is enabled, and the leave date is older than anything that was to be taken away because of it."""
    NEAR_MISS = "near-miss"
    """What a person is called now differs so little from what gave the access that it may be a slip of the pen."""


@dataclass(frozen=True, slots=True)
class AskFirst:
    """Why a person has to decide before an action is taken, whatever its daily limit has left."""

    stopped_by: StoppedBy
    why: Reason


class Employment(StrEnum):
    """Where a person stands with the company, as far as access is concerned."""

    EMPLOYED = "employed"
    PRE_HIRE = "pre-hire"
    LEAVER = "leaver"
    UNREADABLE = "unreadable"
    """Nobody can tell: what the directory holds of them does not fit. Nothing is given and nothing taken."""


class Strength(StrEnum):
    """How much one check proves: strong evidence acts at once, weak evidence must be seen twice."""

    STRONG = "strong"
    WEAK = "weak"


class NoteKind(StrEnum):
    """What a check found and leaves alone."""

    UNMANAGED = "unmanaged"
    ALREADY_RECEIVES = "already-receives"
    PROTECTED = "protected"
    PRE_HIRE = "pre-hire"
    GUEST = "guest"
    PROFILE_NOT_ACTIVE = "profile-not-active"
    NOT_MANAGED = "not-managed"
    RULE_NOT_KNOWN = "rule-not-known"
    TEMPLATE_BLANK = "template-blank"
    TEMPLATE_FITS_NOTHING = "template-fits-nothing"
    LEAVER_HOLDS_UNMANAGED = "leaver-holds-unmanaged"
    FEW_RECIPIENTS = "few-recipients"
    NEAR_MISS = "near-miss"
    UNREADABLE = "unreadable-person"
    STALE_LEAVE_DATE = "stale-leave-date"
    HIRE_DATE_AHEAD = "hire-date-ahead"


FINDINGS: Final = frozenset(
    {
        NoteKind.LEAVER_HOLDS_UNMANAGED,
        NoteKind.NEAR_MISS,
        NoteKind.UNREADABLE,
        NoteKind.STALE_LEAVE_DATE,
        NoteKind.HIRE_DATE_AHEAD,
    }
)
"""What a sweep reports of a person: somebody has to see to it, and nobody else will."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Invoice manager on `profile`, wanted by `rules` (names, in policy order)."""

    profile: ProfileKey
    rules: tuple[str, ...]
    reason: Reason


@dataclass(frozen=True, slots=True)
class Revoke:
    """An assignment proved managed that the person should no longer hold.

    With `ask_first` it is taken only once a person released it.
    """

    assignment: ManagedAssignment
    strength: Strength
    reason: Reason
    ask_first: AskFirst | None = None

    @property
    def profile(self) -> ProfileKey:
        """The profile it takes access away from."""
        return self.assignment.profile


@dataclass(frozen=True, slots=True)
class Note:
    """Something found and left alone, and why."""

    kind: NoteKind
    why: Reason
    profile: ProfileKey | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What one person should gain and lose, and when the answer changes by itself.

    `wanted` maps every profile that the policy gives to the rules that give it, whether or not anything has to be
    done. `next_change` is the next moment at which time alone changes the answer (a hire or leave date), in UTC.
    """

    employment: Employment
    reason: Reason
    wanted: Mapping[ProfileKey, tuple[str, ...]] = field(default_factory=dict)
    grants: tuple[Grant, ...] = ()
    revokes: tuple[Revoke, ...] = ()
    notes: tuple[Note, ...] = ()
    next_change: datetime | None = None
