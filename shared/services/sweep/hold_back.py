"""What a sweep holds back before it enqueues anything: what is too much at once, or follows from a changed policy.

Lives here: reading and storing the holds of a whole sweep, and telling of them. The decision is
`shared.domain.guards.sweep_guard`'s, a check's own guard `reconcile.guard`'s, the pause `trust`'s.
Azure is neither read nor written, and whatever breaks off halfway is done
again by the next sweep with the same result.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Final

from shared.domain.access.plan import StoppedBy
from shared.domain.guards.daily_limits import Reservations, tell
from shared.domain.guards.holds import Hold, KeyHolds, Status, of_daily_limit
from shared.domain.guards.sweep_guard import HoldsAfter, Wants, grouped
from shared.domain.guards.sweep_holds import SweepGroup, exceeded
from shared.domain.guards.sweep_trust import Trust
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.history.report import HoldCounts
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.model import ActionKind, Room
from shared.domain.reasons import Reason
from shared.ports import State, Stored
from shared.services.app import App
from shared.services.estate import Estate
from shared.services.reservations import rewrite_reservations
from shared.services.shared_row import until_stored
from shared.services.sweep.drift import Drift
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


def wants(estate: Estate, drift: Drift) -> Wants:
    """What a sweep wants that found this drift."""
    return Wants(
        actions=drift.actions,
        enforced=drift.enforced,
        read=estate.rows.keys(),
        undecided=drift.undecided,
        unreadable=drift.unreadable,
    )


async def every_reservation(state: State) -> dict[ActionKind, Reservations]:
    """What is reserved of each daily limit. Four reads."""
    return {kind: (await state.reservations(kind)).value for kind in ActionKind}


async def hold_groups(app: App, standing: Trust, estate: Estate, drift: Drift) -> Guarded:
    """Holds what one sweep wants too much of, and what a changed policy takes away; renews and closes older holds.

    To be called before the judged catalogue is stored: until then no check takes from movers under a changed policy.
    Raises `Transient` where rows keep changing under it: then nothing was enqueued.
    """
    rows = {row.value.key: row async for row in app.state.holds()}
    holds = {id_: hold for row in rows.values() for id_, hold in row.value.holds.items()}
    wanted = wants(estate, drift)
    reserved = await every_reservation(app.state)
    found = grouped(app.policy, standing, wanted, holds, reserved, app.clock.now())
    of_limits = {group.name for group in found.groups if group.stopped_by is StoppedBy.DAILY_LIMIT}
    told = [
        await _tell_of_used_up(app, standing.sweep_id, kind, room.limit)
        for kind, room in found.rooms.items()
        if of_daily_limit(kind) in of_limits
    ]
    leaves = HoldsAfter(app.policy, standing, wanted, found.groups)
    after = await _store(app, leaves, rows)
    now_held = {id_: hold for row in after for id_, hold in row.holds.items()}
    to_tell = await _groups_to_tell(app, standing, drift, found.groups, now_held.values())
    for name, why in sorted(to_tell.items()):
        _log.warning("sweep %s: held %s: %s", standing.sweep_id, name, say(why))
    return Guarded(
        stopped=leaves.stopped(now_held),
        holds=now_held,
        groups={group.name: group for group in found.groups},
        rooms=found.rooms,
        would_hold=found.would_hold,
        resolve=leaves.to_resolve(now_held.values()),
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


async def _store(
    app: App, leaves: HoldsAfter, rows: Mapping[PersonKey | ProfileKey, Stored[KeyHolds]]
) -> Sequence[KeyHolds]:
    """Stores every key's holds as the sweep leaves them, where that differs, and returns them all."""
    concerned = [*rows.values(), *(Stored(KeyHolds(key)) for key in leaves.new_keys(rows.keys()))]
    result: list[KeyHolds] = []
    for together in batched(concerned, _ROWS_AT_ONCE, strict=False):
        result += await _store_together(app, leaves, together)
    return result


async def _store_together(app: App, leaves: HoldsAfter, rows: Sequence[Stored[KeyHolds]]) -> Sequence[KeyHolds]:
    """Stores rows as the sweep leaves them. After a conflict it reads all anew: what was decided is kept."""
    known: Sequence[Stored[KeyHolds]] | None = rows

    async def attempt() -> Sequence[KeyHolds]:
        nonlocal known
        before = [await app.state.key_holds(row.value.key) for row in rows] if known is None else known
        known = None
        after = [leaves.of(row.value, app.clock.now()) for row in before]
        changed = [row.becoming(now) for now, row in zip(after, before, strict=True) if now != row.value]
        if changed:
            await app.state.put_key_holds(*changed)
        return after

    return await until_stored(app, "holds", attempt, remedy="the next sweep tries again")
