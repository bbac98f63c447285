"""What a sweep holds back of what it wants: what is too much at once, or follows from a changed policy.

Lives here: the decision over everything that one sweep wants, and what it leaves of each key's holds. Pure: a sweep
stores what comes of it, a plan shows it. The arithmetic of one group is `sweep_holds`'.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.access.rules import is_named
from shared.domain.guards.daily_limits import Reservations, counted, left, limit, percentage_base
from shared.domain.guards.holds import Hold, KeyHolds, Status, in_time
from shared.domain.guards.sweep_holds import (
    SweepAction,
    SweepGroup,
    changed_rules,
    is_forgotten,
    is_stopped,
    needing_room,
    of_policy,
    policy_difference,
    renewed,
    too_many,
)
from shared.domain.guards.sweep_trust import Trust
from shared.domain.keys import Key, PersonKey, ProfileKey
from shared.domain.policy.model import ActionKind, Policy, Room


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """What a sweep wants, and what it cannot tell.

    `actions` are by key. `enforced` are the profiles on which anything is written, `read` those whose assignments could
    be read. Nothing is concluded about the actions whose ids are `undecided`, and nothing at all about the
    `unreadable`.
    """

    actions: Mapping[Key, Sequence[SweepAction]]
    enforced: AbstractSet[ProfileKey]
    read: AbstractSet[ProfileKey]
    undecided: AbstractSet[str]
    unreadable: AbstractSet[PersonKey]


@dataclass(frozen=True, slots=True)
class Groups:
    """What a sweep holds as groups, and how much of each kind it wanted.

    `rooms` says for each kind what was wanted, left and allowed; `would_hold` what enforcing everything would hold:
    wanted and left.
    """

    groups: tuple[SweepGroup, ...]
    rooms: Mapping[ActionKind, Room]
    would_hold: Mapping[ActionKind, Room]


def grouped(
    policy: Policy,
    standing: Trust,
    wants: Wants,
    holds: Mapping[str, Hold],
    reserved: Mapping[ActionKind, Reservations],
    now: datetime,
) -> Groups:
    """Which of what a sweep wants is held as groups, given every hold there is by id and each daily limit's row."""
    actions = [action for of_key in wants.actions.values() for action in of_key]
    guarded = [action for action in actions if action.profile in wants.enforced]
    groups: list[SweepGroup] = []
    rooms: dict[ActionKind, Room] = {}
    would_hold: dict[ActionKind, Room] = {}
    for kind in ActionKind:
        most = limit(policy.daily_limits[kind], percentage_base(reserved[kind], standing.measure, now))
        room, taken = left(reserved[kind], most, now), counted(reserved[kind], now)
        wanted = needing_room((one for one in guarded if one.kind is kind), holds, taken)
        everything = needing_room((one for one in actions if one.kind is kind), holds, taken)
        rooms[kind] = Room(len(wanted), room, most)
        if len(everything) > max(room, len(wanted)):
            would_hold[kind] = Room(len(everything), room, most)
        if kind is ActionKind.MOVER_REVOKES and (group := _of_changed_policy(standing, guarded, holds)) is not None:
            groups.append(group)
            wanted = [one for one in wanted if one.id not in group.actions]
        if (group := too_many(kind, wanted, room, most)) is not None:
            groups.append(group)
    return Groups(tuple(groups), rooms, would_hold)


def _of_changed_policy(standing: Trust, guarded: Sequence[SweepAction], holds: Mapping[str, Hold]) -> SweepGroup | None:
    """What a changed policy takes: everything in its first complete sweep.

    Later it is what follows from the rules that no sweep before this one could judge.
    """
    before, now = standing.before, standing.counted
    if not standing.complete:
        return None
    changed = None
    if before is not None and not standing.is_first_of_policy:
        changed = changed_rules(before.rules, now.rules)
        if not changed:
            return None
    difference = policy_difference(None if before is None else before.rules, now.rules)
    return of_policy(guarded, holds, now.policy_digest, difference, changed)


class HoldsAfter:
    """What a sweep leaves of the holds of one key after the other."""

    def __init__(self, policy: Policy, standing: Trust, wants: Wants, groups: Iterable[SweepGroup]) -> None:
        self._policy = policy
        self._standing = standing
        self._wants = wants
        self._actions = {
            key: guarded
            for key, actions in wants.actions.items()
            if (guarded := [one for one in actions if one.profile in wants.enforced])
        }
        self._groups = {id_: group for group in groups for id_ in group.actions}
        self._wanted = frozenset(one.id for actions in self._actions.values() for one in actions)

    def new_keys(self, known: AbstractSet[Key]) -> list[PersonKey | ProfileKey]:
        """The keys that are new in a group: they get their first hold."""
        new = {one.key: one.key for of in self._actions.values() for one in of if one.id in self._groups}
        return [key for key in new if key not in known]

    def of(self, row: KeyHolds, now: datetime) -> KeyHolds:
        """A key's holds as the sweep leaves them."""
        grace = timedelta(hours=self._policy.mover_grace_hours)
        row = replace(row, holds={id_: in_time(hold, now, grace) for id_, hold in row.holds.items()})
        unseen = frozenset[str]()
        if self._standing.is_good:
            undecided = self._undecided(row)
            started = self._standing.started
            unseen = frozenset(
                id_ for id_, hold in row.holds.items() if is_forgotten(hold, self._wanted, undecided, started)
            )
        return renewed(row, self._actions.get(row.key, ()), self._groups, now, unseen=unseen)

    def _undecided(self, row: KeyHolds) -> AbstractSet[str]:
        """The ids of the holds of a key about which nothing can be concluded.

        Such are those on profiles that the policy names and nobody could see: they are gone, or our role there is.
        """
        if row.key in self._wants.unreadable:
            return row.holds.keys()
        return self._wants.undecided | {
            id_
            for id_, hold in row.holds.items()
            if hold.profile not in self._wants.read and is_named(self._policy, hold.profile.account)
        }

    def stopped(self, now_held: Mapping[str, Hold]) -> frozenset[str]:
        """The ids of the actions of which a check would come to nothing, with the holds that there are then."""
        return frozenset(
            one.id for actions in self._actions.values() for one in actions if is_stopped(one, now_held.get(one.id))
        )

    def to_resolve(self, now_held: Iterable[Hold]) -> tuple[Hold, ...]:
        """Released holds whose action nobody wants any more: without a check they would wait for it to come back."""
        if not self._standing.is_good:
            return ()
        return tuple(
            hold
            for hold in now_held
            if hold.status is Status.RELEASED
            and hold.id not in self._wanted
            and hold.id not in self._wants.undecided
            and hold.key not in self._wants.unreadable
            and max(hold.renewed, hold.decided_at or hold.since) < self._standing.started
        )
