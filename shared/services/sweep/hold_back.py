"""What a sweep holds back before it enqueues anything: what is too much at once, or follows from a changed policy.

Lives here: reading and storing the holds of a whole sweep. The arithmetic is
`shared.domain.guards.sweep_holds`', a check's own guard `reconcile.guard`'s, the pause `trust`'s.
Azure is neither read nor written, and whatever breaks off halfway is done
again by the next sweep with the same result.
"""

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import batched
from typing import Final

from shared.domain.access.plan import StoppedBy
from shared.domain.access.rules import is_named
from shared.domain.guards.daily_limits import counted, left, limit, percentage_base, tell
from shared.domain.guards.holds import Hold, KeyHolds, Status, in_time
from shared.domain.guards.sweep_holds import (
    SweepAction,
    SweepGroup,
    changed_rules,
    exceeded,
    is_forgotten,
    is_stopped,
    needing_room,
    of_policy,
    policy_difference,
    renewed,
    too_many,
)
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.history.report import HoldCounts, Room
from shared.domain.keys import Key, PersonKey, ProfileKey
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Reason
from shared.ports import Stored
from shared.services.app import App
from shared.services.estate import Estate
from shared.services.reservations import rewrite_reservations
from shared.services.shared_row import until_stored
from shared.services.sweep.drift import Drift
from shared.services.sweep.trust import Trust
from shared.wording.say import say

_ROWS_AT_ONCE: Final = 100
"""Keys whose holds are stored in one go; after a conflict all of them are read anew."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Guarded:
    """What a sweep held.

    `stopped` are the ids of wanted actions that no check is asked for, `holds` every hold there is now, by id. `groups`
    are those of this sweep with the size of each. `rooms` says for each kind what was wanted, left and allowed;
    `would_hold` what enforcing everything would hold: wanted and left. `resolve` are released holds that nobody wants
    any more: a check refuses them. `told` is what nobody was told before on that day: a daily limit that is used up.
    """

    stopped: frozenset[str]
    holds: Mapping[str, Hold]
    groups: Mapping[str, SweepGroup]
    rooms: Mapping[ActionKind, Room]
    would_hold: Mapping[ActionKind, Room]
    resolve: tuple[Hold, ...]
    told: tuple[Reason, ...]

    def counts(self) -> HoldCounts:
        """How many holds there are: by decision and kind, and the open ones by group."""
        by_status: dict[Status, Counter[ActionKind]] = {status: Counter() for status in Status}
        for hold in self.holds.values():
            by_status[hold.status][hold.kind] += 1
        groups = Counter(hold.group for hold in self.holds.values() if hold.status is Status.OPEN and hold.group)
        return HoldCounts(
            open=dict(by_status[Status.OPEN]),
            released=dict(by_status[Status.RELEASED]),
            dismissed=dict(by_status[Status.DISMISSED]),
            groups=dict(groups),
        )

    def findings(self) -> list[Finding]:
        """A daily limit that is used up, and profiles that somebody has to look after before they are updated again."""
        kinds = {
            StoppedBy.FIGHTS_BACK: FindingKind.PROFILE_FIGHTS_BACK,
            StoppedBy.HARM: FindingKind.PROFILE_UPDATE_BLOCKED,
        }
        return [Finding(kind=FindingKind.DAILY_LIMIT_USED_UP, why=why) for why in self.told] + [
            Finding(kind=kinds[hold.stopped_by], profile=hold.profile, why=hold.why)
            for hold in sorted(self.holds.values(), key=lambda hold: hold.profile)
            if hold.stopped_by in kinds and hold.status is Status.OPEN
        ]


async def hold_groups(app: App, standing: Trust, estate: Estate, drift: Drift) -> Guarded:
    """Holds what one sweep wants too much of, and what a changed policy takes away; renews and closes older holds.

    To be called before the judged catalogue is stored: until then no check takes from movers under a changed policy.
    Raises `Transient` where rows keep changing under it: then nothing was enqueued.
    """
    rows = {row.value.key: row async for row in app.state.holds()}
    holds = {id_: hold for row in rows.values() for id_, hold in row.value.holds.items()}
    actions = [action for of_key in drift.actions.values() for action in of_key]
    guarded = [action for action in actions if action.profile in drift.enforced]
    measure = standing.counted if standing.is_good else standing.before
    now = app.clock.now()
    groups: list[SweepGroup] = []
    rooms: dict[ActionKind, Room] = {}
    would_hold: dict[ActionKind, Room] = {}
    told: list[Reason | None] = []
    for kind in ActionKind:
        reservations = (await app.state.reservations(kind)).value
        most = limit(app.policy.daily_limits[kind], percentage_base(reservations, measure, now))
        room, reserved = left(reservations, most, now), counted(reservations, now)
        wanted = needing_room((one for one in guarded if one.kind is kind), holds, reserved)
        everything = needing_room((one for one in actions if one.kind is kind), holds, reserved)
        rooms[kind] = Room(len(wanted), room, most)
        if len(everything) > max(room, len(wanted)):
            would_hold[kind] = Room(len(everything), room, most)
        if kind is ActionKind.MOVER_REVOKES and (group := _of_changed_policy(standing, guarded, holds)) is not None:
            groups.append(group)
            wanted = [one for one in wanted if one.id not in group.actions]
        if (group := too_many(kind, wanted, room, most)) is not None:
            groups.append(group)
            if group.stopped_by is StoppedBy.DAILY_LIMIT:
                told.append(await _tell_of_used_up(app, standing.sweep_id, kind, most))
    undecided = {id_ for key in drift.unreadable if key in rows for id_ in rows[key].value.holds} | drift.undecided
    after = await _store(app, standing, _Seen(app, estate, guarded, groups, undecided), rows)
    now_held = {id_: hold for row in after for id_, hold in row.holds.items()}
    for name, why in sorted((await _groups_to_tell(app, standing, drift, groups, now_held.values())).items()):
        _log.warning("sweep %s: held %s: %s", standing.sweep_id, name, say(why))
    return Guarded(
        stopped=frozenset(action.id for action in guarded if is_stopped(action, now_held.get(action.id))),
        holds=now_held,
        groups={group.name: group for group in groups},
        rooms=rooms,
        would_hold=would_hold,
        resolve=_to_resolve(standing, now_held.values(), {action.id for action in guarded} | undecided),
        told=tuple(why for why in told if why is not None),
    )


async def _tell_of_used_up(app: App, sweep_id: str, kind: ActionKind, most: int) -> Reason | None:
    """Tells that a daily limit is used up, where nobody was told within a day; returns what it told.

    To be called before its group is stored: a sweep that breaks off in between holds the same again.
    """
    before, row = await rewrite_reservations(app, kind, lambda row: tell(row, app.clock.now()))
    if row.told == before.told:
        return None
    why = exceeded(kind, most)
    _log.error("sweep %s: %s", sweep_id, say(why))
    return why


async def _groups_to_tell(
    app: App, standing: Trust, drift: Drift, groups: Iterable[SweepGroup], holds: Iterable[Hold]
) -> dict[str, Reason]:
    """The groups that are held whole, by name, each with the reason, once for each time that somebody came in.

    Whom no rule lists may have left: their check comes in a moment, takes what they have as a leaver's, and closes what
    was held of a mover. What is held of such people alone is told by the next sweep, if it is still there.
    """
    sure = {action.id for key, actions in drift.actions.items() if key not in drift.unsure for action in actions}
    found = {
        group.name: group.why
        for group in groups
        if group.stopped_by is not StoppedBy.DAILY_LIMIT and group.actions & sure
    }
    waited: dict[str, list[Hold]] = {}
    for hold in holds:
        is_whole = hold.stopped_by in {StoppedBy.SWEEP, StoppedBy.POLICY} and hold.status is Status.OPEN
        if is_whole and hold.group not in found and hold.since < standing.started:
            waited.setdefault(hold.group, []).append(hold)
    if not waited:
        return found
    last = min((one.started for one in await app.state.reports(1)), default=standing.started)
    for name, members in waited.items():
        came = [hold for hold in members if hold.since >= last]
        if came and all(hold.key in drift.unsure for hold in came):
            found[name] = came[0].why
    return found


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


def _to_resolve(standing: Trust, holds: Iterable[Hold], seen: Collection[str]) -> tuple[Hold, ...]:
    """Released holds whose action nobody wants any more: without a check they would wait for it to come back."""
    if not standing.is_good:
        return ()
    return tuple(
        hold
        for hold in holds
        if hold.status is Status.RELEASED
        and hold.id not in seen
        and max(hold.renewed, hold.decided_at or hold.since) < standing.started
    )


class _Seen:
    """What a sweep has to say about the holds of one key after the other."""

    def __init__(
        self,
        app: App,
        estate: Estate,
        guarded: Sequence[SweepAction],
        groups: Iterable[SweepGroup],
        undecided: Collection[str],
    ) -> None:
        self._app = app
        self._read = estate.rows.keys()
        self._undecided = frozenset(undecided)
        self.actions: dict[Key, list[SweepAction]] = {}
        for action in guarded:
            self.actions.setdefault(action.key, []).append(action)
        self.groups = {id_: group for group in groups for id_ in group.actions}
        self.wanted = frozenset(action.id for action in guarded)

    def undecided(self, row: KeyHolds) -> frozenset[str]:
        """The ids of the holds of a key about which nothing can be concluded.

        Such are those on profiles that the policy names and nobody could see: they are gone, or our role there is.
        """
        return self._undecided | {
            id_
            for id_, hold in row.holds.items()
            if hold.profile not in self._read and is_named(self._app.policy, hold.profile.account)
        }

    def concerns(self, rows: Mapping[PersonKey | ProfileKey, Stored[KeyHolds]]) -> list[Stored[KeyHolds]]:
        """The rows to go through: every one there is, and an empty one for each key that is new in a group."""
        new = {action.key: action.key for of in self.actions.values() for action in of if action.id in self.groups}
        return [*rows.values(), *(Stored(KeyHolds(key)) for key in new if key not in rows)]


async def _store(
    app: App, standing: Trust, seen: _Seen, rows: Mapping[PersonKey | ProfileKey, Stored[KeyHolds]]
) -> Sequence[KeyHolds]:
    """Stores every key's holds as the sweep leaves them, where that differs, and returns them all."""
    result: list[KeyHolds] = []
    for together in batched(seen.concerns(rows), _ROWS_AT_ONCE, strict=False):
        result += await _store_together(app, standing, seen, together)
    return result


async def _store_together(
    app: App, standing: Trust, seen: _Seen, rows: Sequence[Stored[KeyHolds]]
) -> Sequence[KeyHolds]:
    """Stores rows as the sweep leaves them. After a conflict it reads all anew: what was decided is kept."""
    known: Sequence[Stored[KeyHolds]] | None = rows

    async def attempt() -> Sequence[KeyHolds]:
        nonlocal known
        before = [await app.state.key_holds(row.value.key) for row in rows] if known is None else known
        known = None
        after = [_merged(app, standing, seen, row.value) for row in before]
        changed = [row.becoming(now) for now, row in zip(after, before, strict=True) if now != row.value]
        if changed:
            await app.state.put_key_holds(*changed)
        return after

    return await until_stored(app, "holds", attempt, remedy="the next sweep tries again")


def _merged(app: App, standing: Trust, seen: _Seen, row: KeyHolds) -> KeyHolds:
    now, grace = app.clock.now(), timedelta(hours=app.policy.mover_grace_hours)
    row = replace(row, holds={id_: in_time(hold, now, grace) for id_, hold in row.holds.items()})
    unseen = frozenset[str]()
    if standing.is_good:
        undecided = seen.undecided(row)
        unseen = frozenset(
            id_ for id_, hold in row.holds.items() if is_forgotten(hold, seen.wanted, undecided, standing.started)
        )
    return renewed(row, seen.actions.get(row.key, ()), seen.groups, now, unseen=unseen)
