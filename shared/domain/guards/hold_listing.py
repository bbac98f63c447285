"""What an operator saw of the holds, and what changed since.

Lives here: the listing, and picking the holds of a decision, with every difference. `shared.services.operate.decisions`
refuses or carries out a decision.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.domain.guards.holds import Hold, Status
from shared.domain.reasons import Code, Reason


@dataclass(frozen=True, slots=True)
class HoldGroup:
    """A group's holds, or a single hold: what an operator decides about at once.

    `id` is the group's or the hold's.
    """

    id: str
    is_group: bool
    holds: tuple[Hold, ...]


@dataclass(frozen=True, slots=True)
class HoldListing:
    """Every hold at a moment, oldest first.

    `at` is when the latest of them changed, or the time of the listing if there is none. A later change has a later
    stored time. Only stored times are compared, so the operator's clock does not matter.
    """

    at: datetime
    holds: tuple[Hold, ...]

    @property
    def groups(self) -> list[HoldGroup]:
        """Groups and single holds, in the order in which the first of each came in."""
        groups: dict[tuple[bool, str], list[Hold]] = {}
        for hold in self.holds:
            groups.setdefault((bool(hold.group), hold.group or hold.id), []).append(hold)
        return [HoldGroup(name, is_group, tuple(holds)) for (is_group, name), holds in groups.items()]

    def of(self, names: Collection[str] | None) -> list[Hold]:
        """The holds that are called one of `names`, or are in a group of that name; None means all that wait."""
        return [hold for hold in self.holds if (_waits(hold) if names is None else {hold.id, hold.group} & {*names})]


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference to what the operator saw: the hold or group, and what became of it."""

    name: str
    what: Reason


def listing(holds: Iterable[Hold], now: datetime) -> HoldListing:
    """The listing of these holds."""
    ordered = sorted(holds, key=lambda hold: (hold.since, hold.group, hold.key.canonical, hold.id))
    return HoldListing(max(map(_changed, ordered), default=now), tuple(ordered))


def choose(
    holds: Collection[Hold],
    names: Collection[str] | None,
    as_listed: datetime | HoldListing | None,
    *,
    done: Mapping[str, Hold],
) -> tuple[dict[str, Hold], list[Difference]]:
    """The holds that a decision concerns, by id, and how they differ from what the operator saw.

    `names` are ids of holds and names of groups, None all that wait. A dismissed hold is concerned under its own id
    only. A listing is compared hold by hold; a time alone cannot show that a member of a group went, None shows
    nothing that changed. What the same decision has `done` before is left out.
    """
    there = {hold.id: hold for hold in holds if hold.id not in done}
    groups = {hold.group for hold in (*there.values(), *done.values()) if hold.group}
    chosen: dict[str, Hold] = {}
    differences: dict[str, Difference] = {}
    for name in [None] if names is None else names:
        if name is not None and name in there:
            chosen[name] = there[name]
            continue
        if name is not None and name not in groups and name not in done:
            differences[name] = Difference(name, Code.NO_SUCH_HOLD())
        members = [hold for hold in there.values() if name is None or hold.group == name]
        chosen |= {hold.id: hold for hold in members if _waits(hold) or _changed_since(hold, as_listed)}
        for hold in as_listed.holds if isinstance(as_listed, HoldListing) else ():
            if _waits(hold) and (name is None or hold.group == name) and hold.id not in {*there, *done}:
                differences[hold.id] = Difference(hold.id, Code.HOLD_GONE())
    for hold in chosen.values():
        moved = _moved(hold, as_listed)
        if moved is not None:
            differences[hold.id] = Difference(hold.id, moved)
    return chosen, list(differences.values())


def _moved(hold: Hold, as_listed: datetime | HoldListing | None) -> Reason | None:
    """How a hold is not as the operator saw it; None where it is."""
    if as_listed is None:
        return None
    since = hold.since.isoformat()
    held = Code.HELD(kind=hold.kind.value, profile=str(hold.profile), because=hold.basis or hold.why)
    if isinstance(as_listed, datetime):
        if hold.since > as_listed:
            return Code.HOLD_CAME_IN_OR_CHANGED(since=since, held=held)
        was_dismissed = not _changed_since(hold, as_listed)
    else:
        before = next((each for each in as_listed.holds if each.id == hold.id), None)
        if before is None:
            return Code.HOLD_CAME_IN(since=since, held=held)
        if (hold.since, hold.basis) != (before.since, before.basis):
            return Code.HOLD_CHANGED(since=since, held=held)
        was_dismissed = before.status is Status.DISMISSED
    if hold.status is Status.DISMISSED and not was_dismissed:
        return Code.HOLD_DISMISSED(by=hold.by, held=held)
    return None


def _waits(hold: Hold) -> bool:
    return hold.status is not Status.DISMISSED


def _changed(hold: Hold) -> datetime:
    """When a hold last changed for an operator's eyes. That it was wanted once more is no change."""
    return max(hold.since, hold.decided_at or hold.since)


def _changed_since(hold: Hold, as_listed: datetime | HoldListing | None) -> bool:
    at = as_listed.at if isinstance(as_listed, HoldListing) else as_listed
    return at is not None and _changed(hold) > at
