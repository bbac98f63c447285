"""Groups: what one sweep wants, and the holds that carry what is too much of it.

Lives here: which actions of a sweep need room in a daily limit, what stops them as a group, and what becomes of a
key's holds when a sweep has seen it. Pure; reading and storing is `services.sweep.hold_back`'s.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from shared.domain.access.plan import StoppedBy
from shared.domain.guards.holds import Hold, KeyHolds, Status, action_id, of_daily_limit
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code, Reason

_STAYS: Final = frozenset({StoppedBy.FIGHTS_BACK, StoppedBy.HARM, StoppedBy.NEAR_MISS, StoppedBy.STALE_LEAVE_DATE})
"""What a check found by itself: a group neither takes such a hold over nor counts its action."""


_WANTED: Final = {
    ActionKind.GRANTS: Code.GRANTS,
    ActionKind.MOVER_REVOKES: Code.MOVER_REVOKES,
    ActionKind.LEAVER_REVOKES: Code.LEAVER_REVOKES,
    ActionKind.PROFILE_UPDATES: Code.PROFILE_UPDATES,
}


@dataclass(frozen=True, slots=True)
class SweepAction:
    """An action that a sweep wants. `basis` is its reason, None where the sweep cannot tell.

    `until` is when its evidence is enough, where that is after the next sweep: who is in a period of grace is not taken
    anything from yet, and takes no room from others. What `asks_first` takes none either: the check holds it for a
    person. `rules` are those that give it, or that gave what it takes away; empty where nobody remembers.
    """

    key: PersonKey | ProfileKey
    kind: ActionKind
    profile: ProfileKey
    basis: Reason | None
    until: datetime | None = None
    rules: frozenset[str] = frozenset()
    asks_first: bool = False
    id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", action_id(self.key, self.kind, self.profile))

    @property
    def due(self) -> bool:
        """Whether it may be written before the next sweep."""
        return self.until is None


@dataclass(frozen=True, slots=True)
class SweepGroup:
    """One hold that carries many actions: its name, what stopped them and why, and the actions' ids."""

    name: str
    stopped_by: StoppedBy
    why: Reason
    actions: frozenset[str]


def same_basis(one: Reason | None, other: Reason | None) -> bool:
    """Whether two actions rest on the same; what could not be told matches anything."""
    return one is None or other is None or one == other


def needing_room(
    wanted: Iterable[SweepAction], holds: Mapping[str, Hold], reserved: AbstractSet[str]
) -> list[SweepAction]:
    """The due actions that a daily limit has to have room for.

    Not among them are those that have their room already, those about which a person decided on the same basis, and
    those that wait for a person: they are not written before that.
    """
    return [
        action
        for action in wanted
        if action.due
        and not action.asks_first
        and action.id not in reserved
        and not _is_settled(action, hold := holds.get(action.id))
        and not is_stopped(action, hold)
    ]


def _is_settled(action: SweepAction, hold: Hold | None) -> bool:
    if hold is None or _has_lapsed(action, hold):
        return False
    decided = hold.status is not Status.OPEN and same_basis(hold.basis, action.basis)
    return decided or hold.stopped_by in _STAYS


def _has_lapsed(action: SweepAction, hold: Hold) -> bool:
    """Whether a hold asked about an old leave date, and the action no longer rests on one: the account is disabled."""
    return hold.stopped_by is StoppedBy.STALE_LEAVE_DATE and not action.asks_first


def too_many(kind: ActionKind, actions: Sequence[SweepAction], left: int, most: int) -> SweepGroup | None:
    """The group of a kind of which a sweep wants more than its daily limit has left; None where there is room.

    The group has all of them, because so many at once may be one mistake. Of leavers it has only those for whom nothing
    is left: the evidence of each is strong, and access that nobody should have must not wait.
    """
    if len(actions) <= left:
        return None
    if kind is ActionKind.LEAVER_REVOKES:
        rest = frozenset(action.id for action in sorted(actions, key=_in_order)[left:])
        return SweepGroup(of_daily_limit(kind), StoppedBy.DAILY_LIMIT, used_up(kind, most), rest)
    why = Code.SWEEP_WANTS_TOO_MANY(wanted=_WANTED[kind](count=len(actions)), most=most, left=left)
    return SweepGroup(f"sweep:{kind}", StoppedBy.SWEEP, why, frozenset(action.id for action in actions))


def used_up(kind: ActionKind, most: int) -> Reason:
    """Why an action waits: its daily limit has no room."""
    return Code.DAILY_LIMIT_USED_UP(kind=kind.value, most=most)


def exceeded(kind: ActionKind, most: int) -> Reason:
    """What is told once a day when something exceeds a daily limit."""
    return Code.DAILY_LIMIT_EXCEEDED(because=used_up(kind, most), group=of_daily_limit(kind))


def _in_order(action: SweepAction) -> tuple[str, str]:
    """One sweep finds everybody at once, so any order will do; this one keeps a person's actions together."""
    return action.key.canonical, action.profile.folded


def changed_rules(before: Mapping[str, str], now: Mapping[str, str]) -> frozenset[str]:
    """The rules that came, went or changed between two policies, each given as names with digests of their meaning."""
    return frozenset(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def seen_rules(before: Mapping[str, str], now: Mapping[str, str], unknown: AbstractSet[str]) -> dict[str, str]:
    """The rules' digests that count as seen after a sweep that held what follows from each rule that it could judge.

    A rule that it could not judge (`unknown`) keeps the digest from before. While there is any such rule, the digests
    of removed rules are kept too: what a removed rule gave may be given by an unknown one as well.
    """
    seen = {name: digest for name, digest in now.items() if name not in unknown}
    kept = before.keys() & (unknown | before.keys() - now.keys() if unknown else unknown)
    return seen | {name: before[name] for name in kept}


def of_policy(
    wanted: Iterable[SweepAction],
    holds: Mapping[str, Hold],
    policy_digest: str,
    difference: Reason,
    changed: AbstractSet[str] | None = None,
) -> SweepGroup | None:
    """The group of everything that a changed policy takes from movers, also what is not due yet; None for nothing.

    `difference` says what changed. With `changed` the group has only what one of these rules gave, and assignments
    whose rule is not known. It leaves out what a person decided about on the same basis.
    """
    actions = frozenset(
        action.id
        for action in wanted
        if action.kind is ActionKind.MOVER_REVOKES
        and (changed is None or not action.rules or action.rules & changed)
        and not _is_settled(action, holds.get(action.id))
    )
    if not actions:
        return None
    why = Code.POLICY_TAKES_AWAY(difference=difference, count=len(actions))
    return SweepGroup(f"policy:{policy_digest[:12]}", StoppedBy.POLICY, why, actions)


def policy_difference(before: Mapping[str, str] | None, now: Mapping[str, str]) -> Reason:
    """What changed between two policies, given each one's rules as names with digests of their meaning.

    None before is a policy that nobody knows.
    """
    if before is None:
        return Code.POLICY_UNKNOWN_BEFORE()
    parts = (
        (Code.RULES_ADDED, now.keys() - before.keys()),
        (Code.RULES_REMOVED, before.keys() - now.keys()),
        (Code.RULES_CHANGED, {name for name in now.keys() & before.keys() if now[name] != before[name]}),
    )
    changes = tuple(code(rules=tuple(sorted(rules))) for code, rules in parts if rules)
    return Code.POLICY_CHANGED(changes=changes) if changes else Code.POLICY_CHANGED_BUT_NO_RULE()


def renewed(
    row: KeyHolds,
    wanted: Iterable[SweepAction],
    groups: Mapping[str, SweepGroup],
    now: datetime,
    *,
    unseen: AbstractSet[str],
) -> KeyHolds:
    """A key's holds after a sweep.

    `groups` are the groups, by the id of each of their actions. `unseen` are the ids of holds that close, because their
    action is not wanted any more. A hold that is wanted again is renewed; a decision on the same basis stays.
    """
    holds = {id_: hold for id_, hold in row.holds.items() if id_ not in unseen}
    for action in wanted:
        hold, group = holds.get(action.id), groups.get(action.id)
        if hold is None:
            if group is not None:
                holds[action.id] = _held(action, group, now)
        else:
            holds[action.id] = _renewed(hold, action, group, now)
    return replace(row, holds=holds)


def _renewed(hold: Hold, action: SweepAction, group: SweepGroup | None, now: datetime) -> Hold:
    if _has_lapsed(action, hold):
        return hold if group is None else _held(action, group, now)
    same = same_basis(hold.basis, action.basis)
    if hold.status is not Status.OPEN:
        if same or group is None:
            return hold  # where the basis changed, the check that follows says so
        refused = None
        if hold.status is Status.RELEASED and hold.basis is not None and action.basis is not None:
            refused = Code.RELEASED_FOR_ANOTHER_REASON(was=hold.basis, now=action.basis)
        return replace(_held(action, group, now), refused=refused)
    hold = replace(
        hold, renewed=max(now, hold.renewed), basis=action.basis or hold.basis, since=hold.since if same else now
    )
    if group is None or hold.stopped_by in _STAYS:
        return hold
    if hold.stopped_by is StoppedBy.POLICY and group.stopped_by is not StoppedBy.POLICY:
        return hold  # what changed then is still the better reason
    return replace(hold, group=group.name, stopped_by=group.stopped_by, why=group.why)


def _held(action: SweepAction, group: SweepGroup, now: datetime) -> Hold:
    return Hold(
        action.id,
        action.key,
        action.kind,
        action.profile,
        action.basis,
        group.why,
        group.stopped_by,
        now,
        now,
        group.name,
    )


def is_stopped(action: SweepAction, hold: Hold | None) -> bool:
    """Whether checking an action would come to nothing: it waits for a person, or a person said no."""
    if hold is None or hold.status is Status.RELEASED or _has_lapsed(action, hold):
        return False
    if hold.stopped_by is StoppedBy.NEAR_MISS and not action.asks_first:
        return False  # only a check can tell whether it still may be a slip
    return hold.status is Status.OPEN or same_basis(hold.basis, action.basis)


def is_forgotten(hold: Hold, wanted: AbstractSet[str], undecided: AbstractSet[str], started: datetime) -> bool:
    """Whether a hold goes after a good sweep that began at `started`: nobody has wanted its action since.

    `wanted` are the ids of what the sweep wants, `undecided` those of what it can say nothing about. A released hold
    stays for the check that carries it out or refuses it.
    """
    unwanted = hold.id not in wanted and hold.id not in undecided and hold.renewed < started
    return unwanted and hold.status is not Status.RELEASED
