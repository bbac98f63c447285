"""What a check's record says: why the check came, what it read, what it did, and what follows.

Lives here: the types, and how a record that is too long for the ledger is shortened.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

from shared.domain.access.ownership import OwnershipBasis
from shared.domain.access.plan import Employment, Note
from shared.domain.history.findings import FindingKind
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.reasons import Reason
from shared.domain.work import Cause, CauseKind


class Step(StrEnum):
    """A step of a check that may fail or end in several ways."""

    GRANT = "grant"
    REVOKE = "revoke"
    OPT_IN = "opt-in"
    READ = "read"
    REMEMBER = "remember"
    """Storing what is remembered of a person."""
    HOLD = "hold"
    """Storing the key's holds."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How one step of a check ended.

    `hold` is the id of the hold that keeps an action, "" where none does; `is_new` whether this check made it.
    """

    action: Step
    outcome: Outcome
    why: Reason
    hold: str = ""
    profile: ProfileKey | None = None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class ManagedRow:
    """An assignment that was proved managed. `since` is when billing says that it was made."""

    proof: OwnershipBasis
    rules: tuple[str, ...]
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A revoke whose evidence has to be seen again, at `due`."""

    profile: ProfileKey
    why: Reason
    due: datetime


@dataclass(frozen=True, slots=True)
class PieceBody:
    """How many of a person's profiles a check covered, and whether the next check goes on."""

    profiles: int
    of: int
    continued: bool = False


@dataclass(frozen=True, slots=True)
class Next:
    """A check that follows, and when; None for at once."""

    kind: CauseKind
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class LeaverTimes:
    """Of a check that took access from somebody who left: when the app heard of it, and when it became true.

    `heard` is when the event arrived, or the sweep ran, that led to this check; where the removal was held, when that
    began. `left` is the end of the leave date or the deletion; None where the directory does not say when it was, as of
    an account that was disabled. The record's own time is when the access was gone.
    """

    heard: datetime
    left: datetime | None = None

    def seconds(self, gone: datetime) -> float:
        """How long access lasted until it was `gone`, from when the app could have acted: it had heard what was so."""
        could = self.heard if self.left is None else max(self.heard, self.left)
        return max(0.0, round((gone - could).total_seconds(), 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a check tells of what it read and did, by its kind of key.

    `alert` and `finding` are for a person to act on. Of a person: `wanted` are the profiles that rules give, `read`
    those whose assignment was read at the beginning (None: the check did not come to that), `held` what of that was
    managed, `adopted` what is remembered as adopted (the first of them), `notes` what was left alone, with
    `notes_left_out` more. Of a profile: the fields that an update `changed`, and those that others changed meanwhile.
    Of a name: the object ids that were `found`. `leaver` is there where somebody who left lost access. `shortened`
    says which fields are gone, and how many entries each had.
    """

    why: Reason | None = None
    alert: Reason | None = None
    finding: FindingKind | None = None
    employment: Employment | None = None
    piece: PieceBody | None = None
    wanted: Mapping[ProfileKey, tuple[str, ...]] | None = None
    read: tuple[ProfileKey, ...] | None = None
    adopted: tuple[ProfileKey, ...] = ()
    held: Mapping[ProfileKey, ManagedRow] | None = None
    notes: tuple[Note, ...] = ()
    notes_left_out: int = 0
    actions: tuple[Ended, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    changed: tuple[str, ...] = ()
    changed_by_others: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    leaver: LeaverTimes | None = None
    shortened: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckBody(Told):
    """A check: why it came, how it ended, what it tells, and the checks that follow from it."""

    KIND: ClassVar = "check"

    cause: CauseKind
    origin: str
    event_type: str = ""
    attempt: int = 0
    outcome: Outcome
    next: tuple[Next, ...] = ()

    @classmethod
    def of(cls, told: Told, cause: Cause, outcome: Outcome, attempt: int, follow: tuple[Next, ...]) -> "CheckBody":
        """The record of a check that tells this."""
        return cls(
            **{name: getattr(told, name) for name in Told.__slots__},
            cause=cause.kind,
            origin=cause.origin,
            event_type=cause.event_type,
            attempt=attempt,
            outcome=outcome,
            next=follow,
        )


_TEXT_CHARACTERS: Final = 500

_GONE_IN_TURN: Final[Mapping[str, Any]] = {
    "wanted": None,
    "notes": (),
    "waiting": (),
    "read": None,
    "held": None,
    "adopted": (),
    "actions": (),
    "next": (),
    "changed": (),
    "changed_by_others": (),
    "found": (),
}
"""What goes first from a record that is too long, and what is there instead: what directory and policy tell again goes
before what was done. Whoever reads the ledger takes a profile that was read and is not among those held for one where
nothing was found, so that a field is there whole or not at all."""


def cuts(body: CheckBody) -> Iterator[CheckBody]:
    """The record with less and less in it; the last one has only what is bounded by itself."""
    short = replace(
        body,
        why=None if body.why is None else body.why.shortened(_TEXT_CHARACTERS),
        alert=None if body.alert is None else body.alert.shortened(_TEXT_CHARACTERS),
        origin=body.origin[:_TEXT_CHARACTERS],
    )
    gone: dict[str, int] = {}
    for name, nothing in _GONE_IN_TURN.items():
        value = getattr(short, name)
        if value != nothing:
            gone[name] = len(value)
            short = replace(short, **{name: nothing}, shortened=dict(gone))
            yield short
