"""A plan that a person reviewed: what of it is kept in a file, and how the world differs from it when it is applied.

Lives here: the values and the comparison. It has ids, and no names of people: a file of it may go anywhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.guards.holds import reviewed
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.planned import Change, Planned, Wait, WaitKind
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class PinnedChange:
    """A change as it was reviewed. `waits` is what it waited for, "" for nothing: then it may be applied.

    `basis` is what it rests on, None where nobody could tell before a check.
    """

    id: str
    kind: ActionKind
    key: PersonKey | ProfileKey
    profile: ProfileKey
    basis: Reason | None
    waits: str = ""

    @property
    def reviewed(self) -> str:
        """How a work item names it."""
        return reviewed(self.id, self.basis)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedPlan:
    """What was reviewed: when it was planned, the digest of the policy that it was planned by, and every change."""

    as_of: datetime
    policy: str
    changes: tuple[PinnedChange, ...]

    @property
    def to_apply(self) -> tuple[PinnedChange, ...]:
        """The changes that waited for nothing. What waits is decided where it waits."""
        return tuple(one for one in self.changes if not one.waits)


class MovedKind(StrEnum):
    """How a change is not as it was reviewed."""

    CAME = "came"
    GONE = "gone"
    BASIS = "basis"
    WAITS = "waits"


@dataclass(frozen=True, slots=True)
class Moved:
    """One difference: the change as it was reviewed, or as it is now where it was in no plan, and what it is now."""

    kind: MovedKind
    change: PinnedChange
    now: PinnedChange | None = None


def pin(policy: str, as_of: datetime, changes: Iterable[Change]) -> PinnedPlan:
    """The plan as it is kept."""
    pinned = tuple(_pinned(one) for one in sorted(changes, key=lambda one: one.id))
    return PinnedPlan(as_of=as_of, policy=policy, changes=pinned)


def moved(plan: PinnedPlan, now: Planned) -> list[Moved]:
    """Every difference between what was reviewed and what is planned now."""
    there = {one.id: one for one in pin(now.policy, now.as_of, now.changes).changes}
    differences = []
    for was in plan.changes:
        is_now = there.pop(was.id, None)
        if is_now is None:
            differences.append(Moved(MovedKind.GONE, was))
        elif was.basis != is_now.basis:
            differences.append(Moved(MovedKind.BASIS, was, is_now))
        elif was.waits != is_now.waits:
            differences.append(Moved(MovedKind.WAITS, was, is_now))
    return differences + [Moved(MovedKind.CAME, one, one) for one in there.values()]


def by_key(changes: Iterable[PinnedChange]) -> dict[PersonKey | ProfileKey, Sequence[PinnedChange]]:
    """The changes of each key."""
    found: dict[PersonKey | ProfileKey, list[PinnedChange]] = {}
    for one in changes:
        found.setdefault(one.key, []).append(one)
    return dict(found)


def _pinned(change: Change) -> PinnedChange:
    return PinnedChange(change.id, change.kind, change.key, change.profile, change.basis, _waits(change.waits))


def _waits(wait: Wait | None) -> str:
    """What a change waits for. The moment until which there is grace moves until a check has seen the evidence."""
    if wait is None:
        return ""
    return wait.kind.value if wait.kind is WaitKind.GRACE else str(wait)
