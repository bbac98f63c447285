"""What stands between a plan and its writes: the pause, the holds of the key, and the daily limits.

Lives here: asking them, in that order, and keeping the key's holds true to what its checks want. The arithmetic of
daily limits is `shared.domain.guards.daily_limits`', what a person decided `operate.decisions`', and
setting the pause `services.pauses`'s.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from shared.domain.access.plan import AskFirst, StoppedBy, Strength
from shared.domain.guards.daily_limits import Place, Reservations, give_back, limit, percentage_base, reserve_all, tell
from shared.domain.guards.holds import Hold, KeyHolds, Status, action_id, in_time, of_daily_limit, reviewed
from shared.domain.guards.pauses import Pauses, stops
from shared.domain.guards.sweep_holds import exceeded, used_up
from shared.domain.history.checks import Told
from shared.domain.history.findings import FindingKind
from shared.domain.history.records import Mode
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code, Reason
from shared.errors import Permanent, Transient
from shared.ports import Stored
from shared.services.app import App
from shared.services.reservations import rewrite_reservations

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Action:
    """An action that a check is about to take. `basis` is what it rests on; `strength` a revoke's.

    `ask_first` holds it for another reason than its daily limit, unless a person who was told this very reason
    released it.
    """

    id: str
    kind: ActionKind
    profile: ProfileKey
    basis: Reason
    strength: Strength | None = None
    ask_first: AskFirst | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why an action is not taken, and the hold that keeps it, "" where there is none; `is_new` where this made it."""

    outcome: Outcome
    why: Reason
    hold: str = ""
    is_new: bool = False


class Guard:
    """The guard of one check of one key. Holds are stored where they changed, before anything is written to Azure.

    It guards the profiles that the policy enforces. What is only observed passes it: nothing is reserved, held or
    stopped for a write that is not sent.
    """

    def __init__(
        self, app: App, row: Stored[KeyHolds], enforced: Collection[ProfileKey], only: Collection[str] | None = None
    ) -> None:
        self._app = app
        self._only = only
        self._enforced = enforced
        self._key = row.value.key
        self._stored = row
        self._before = row.value.holds
        self._holds = dict(row.value.holds)
        self._told: list[Reason] = []
        self._unused: dict[ActionKind, dict[str, Place]] = {}
        self._used: dict[str, Place] = {}

    @classmethod
    async def open(
        cls,
        app: App,
        key: PersonKey | ProfileKey,
        enforced: Collection[ProfileKey],
        only: Collection[str] | None = None,
    ) -> "Guard":
        """The guard of a key. One read. `only` are the actions that may be taken, as `WorkItem.only` has them."""
        return cls(app, await app.state.key_holds(key), enforced, only)

    @property
    def profiles(self) -> frozenset[ProfileKey]:
        """The profiles of the key's holds."""
        return frozenset(hold.profile for hold in self._holds.values())

    def held_since(self, profiles: Collection[ProfileKey]) -> datetime | None:
        """Since when the first hold stands, of those that there were on `profiles` when this check began."""
        return min((one.since for one in self._before.values() if one.profile in profiles), default=None)

    def enforces(self, profile: ProfileKey) -> bool:
        """Whether writes to a profile are sent."""
        return profile in self._enforced

    def mode(self, profile: ProfileKey) -> Mode:
        """What an intent says of that."""
        return Mode.ENFORCE if profile in self._enforced else Mode.OBSERVE

    def tell(self, told: Told) -> Told:
        """What a check tells, with a daily limit that it found used up first that day."""
        if not self._told:
            return told
        return replace(told, alert=Code.TOGETHER(reasons=tuple(self._told)), finding=FindingKind.DAILY_LIMIT_USED_UP)

    @property
    def asked_about(self) -> frozenset[ProfileKey]:
        """Where a person was asked whether what takes something away is a slip."""
        return frozenset(hold.profile for hold in self._holds.values() if hold.stopped_by is StoppedBy.NEAR_MISS)

    def wanted(
        self,
        kind: ActionKind,
        profile: ProfileKey,
        basis: Reason,
        strength: Strength | None = None,
        ask_first: AskFirst | None = None,
    ) -> Action:
        """An action of this key."""
        return Action(action_id(self._key, kind, profile), kind, profile, basis, strength, ask_first)

    async def pauses(self, wanted: Action) -> Stopped | None:
        """Whether the pause stops an action, read anew: to be asked right before each write."""
        if not self.enforces(wanted.profile):
            return None
        return _paused((await self._app.state.pauses()).value, wanted)

    async def admit(self, actions: Sequence[Action]) -> Mapping[str, Stopped]:
        """Returns by id the actions that may not run, and why; the rest were reserved or released by an operator."""
        stopped = self._not_reviewed(actions)
        actions = [action for action in actions if self.enforces(action.profile) and action.id not in stopped]
        released: set[str] = set()
        ask: list[Action] = []
        pauses = (await self._app.state.pauses()).value if actions else Pauses()
        for action in actions:
            stop = _paused(pauses, action) or self._decided(action, released)
            if action.ask_first is not None and (stop is None or stop.hold):
                stop = self._ask_first(action, stop, action.ask_first)
            if stop is not None:
                stopped[action.id] = stop
            elif (
                action.id not in released
            ):  # a person answers for what they released; the daily limit is for the others
                ask.append(action)
        for kind in ActionKind:
            of_kind = [action for action in ask if action.kind is kind]
            if of_kind:
                stopped |= await self._within_daily_limit(kind, of_kind)
        await self.store()
        return stopped

    def _not_reviewed(self, actions: Sequence[Action]) -> dict[str, Stopped]:
        """What is none of the actions that a person applied. No hold is made of it: the next check decides about it."""
        only = self._only
        if only is None:
            return {}
        why = Code.NOT_IN_THE_PLAN()
        return {
            action.id: Stopped(Outcome.UNCHANGED, why)
            for action in actions
            if action.id not in only and reviewed(action.id, action.basis) not in only
        }

    def begins(self, wanted: Action) -> None:
        """The write is made now: whatever becomes of it, its reservation counts, unless it `came_to_nothing`."""
        place = self._unused.get(wanted.kind, {}).pop(wanted.id, None)
        if place is not None:
            self._used[wanted.id] = place

    def came_to_nothing(self, wanted: Action) -> None:
        """The write was surely not made: it was not sent, or refused."""
        place = self._used.pop(wanted.id, None)
        if place is not None:
            self._unused.setdefault(wanted.kind, {})[wanted.id] = place

    async def give_back(self) -> None:
        """Gives back what this check reserved for writes that it did not make, so that others have room for theirs.

        What cannot be given back counts for as long as if it had been written, which is the safe side.
        """
        for kind, places in self._unused.items():
            if not places:
                continue
            try:
                await rewrite_reservations(self._app, kind, partial(give_back, places=places))
            except (Transient, Permanent) as failure:
                _log.warning("%s: %d reservations were not given back: %s", self._key.canonical, len(places), failure)
        self._unused = {}

    def reopen_released(self) -> None:
        """What was released too long ago, or where the policy does not enforce (any more), is open again, and says so.

        A release is for now; nobody who enforces a profile months later expects it.
        """
        refused = Code.NOT_ENFORCED_THERE()
        now, grace = self._app.clock.now(), timedelta(hours=self._app.policy.mover_grace_hours)
        for hold in [*self._holds.values()]:
            if hold.status is Status.RELEASED:
                reopened = replace(hold, status=Status.OPEN, refused=refused)
                self._holds[hold.id] = in_time(hold, now, grace) if self.enforces(hold.profile) else reopened

    def close_released(self) -> None:
        """Closes what was released and cannot be done; what nobody released is a sweep's to close."""
        for hold in [*self._holds.values()]:
            if hold.status is Status.RELEASED:
                del self._holds[hold.id]

    def done(self, wanted: Action) -> None:
        """The action was taken: its hold has served."""
        self._holds.pop(wanted.id, None)

    def keep(self, still_wanted: Collection[str], unread: Iterable[ProfileKey] = ()) -> None:
        """Closes the holds of what the key no longer wants; what could not be read says nothing."""
        unread = frozenset(unread)
        for hold in [*self._holds.values()]:
            if hold.id not in still_wanted and hold.profile not in unread:
                del self._holds[hold.id]

    async def store(self) -> None:
        """Stores the key's holds where they changed. Raises `Conflict` when somebody decided meanwhile."""
        if self._holds != self._stored.value.holds:
            row = self._stored.becoming(KeyHolds(self._key, dict(self._holds)))
            (self._stored,) = await self._app.state.put_key_holds(row)

    def _decided(self, action: Action, released: set[str]) -> Stopped | None:
        """What a person decided, or has yet to decide, about this very action."""
        hold = self._holds.get(action.id)
        if hold is None:
            return None
        now = self._app.clock.now()
        same = hold.basis is None or hold.basis == action.basis
        if action.ask_first is None and _asked_about_another(hold, same=same):
            del self._holds[action.id]
            return None
        if hold.basis is None:  # nobody could tell what it rests on; from now on it is this
            hold = self._holds[action.id] = replace(hold, basis=action.basis)
        if hold.status is Status.DISMISSED and same:
            decided = hold.decided_at or hold.since
            return Stopped(Outcome.UNCHANGED, Code.DISMISSED(by=hold.by, decided=decided.isoformat()))
        if hold.status is Status.DISMISSED:
            del self._holds[action.id]  # another action than the one that was dismissed
            return None
        if hold.status is Status.RELEASED and same:
            released.add(action.id)
            return None
        if hold.status is Status.RELEASED and hold.basis is not None:
            refused = Code.RELEASED_FOR_ANOTHER_REASON(was=hold.basis, now=action.basis)
            hold = replace(hold, status=Status.OPEN, refused=refused)
        self._holds[action.id] = replace(
            hold, basis=action.basis, since=hold.since if same else now, renewed=max(now, hold.renewed)
        )
        return Stopped(Outcome.HELD, hold.refused or hold.why, hold.id)

    def _ask_first(self, action: Action, stop: Stopped | None, ask: AskFirst) -> Stopped | None:
        """Holds an action for a reason; a release counts only where the person was told this very reason."""
        stopped_by, why = ask.stopped_by, ask.why
        hold = self._holds.get(action.id)
        if hold is None:
            return self._hold(action, stopped_by, why)
        if hold.stopped_by is stopped_by:
            if hold.status is not Status.OPEN or hold.why == why:
                return stop
            self._holds[action.id] = replace(hold, why=why)  # whoever decides is told how it is now
            return Stopped(Outcome.HELD, hold.refused or why, action.id)
        refused = hold.refused
        if hold.status is Status.RELEASED:
            was, now = hold.stopped_by.value, stopped_by.value
            refused = Code.RELEASED_WHERE_STOPPED_OTHERWISE(was=was, now=now, because=why)
        self._holds[action.id] = replace(
            hold,
            status=Status.OPEN,
            stopped_by=stopped_by,
            why=why,
            group="",  # whoever decides about the group is not told the reason
            refused=refused,
            renewed=max(self._app.clock.now(), hold.renewed),
        )
        return Stopped(Outcome.HELD, refused or why, action.id)

    def _hold(self, action: Action, stopped_by: StoppedBy, why: Reason, group: str = "") -> Stopped:
        now = self._app.clock.now()
        self._holds[action.id] = Hold(
            id=action.id,
            key=self._key,
            kind=action.kind,
            profile=action.profile,
            basis=action.basis,
            why=why,
            stopped_by=stopped_by,
            since=now,
            renewed=now,
            group=group,
        )
        return Stopped(Outcome.HELD, why, action.id, is_new=True)

    async def _within_daily_limit(self, kind: ActionKind, actions: Sequence[Action]) -> dict[str, Stopped]:
        """Reserves what is left of a daily limit, in the order of the plan, and holds the rest in its group.

        The first check of a day that does tells of it.
        """
        baseline = (await self._app.state.baseline()).value
        most, over = 0, frozenset[str]()

        def reserved(row: Reservations) -> Reservations:
            nonlocal most, over
            now = self._app.clock.now()
            most = limit(self._app.policy.daily_limits[kind], percentage_base(row, baseline, now))
            after, without = reserve_all(row, [action.id for action in actions], most, now)
            over = frozenset(without)
            kept = after if len(over) < len(actions) else row
            return tell(kept, now) if over else kept

        before, row = await rewrite_reservations(self._app, kind, reserved)
        if row.told != before.told:
            self._told.append(exceeded(kind, most))
        placed = [action.id for action in actions if action.id not in over]
        self._unused[kind] = {id_: Place(row.taken[id_], before.taken.get(id_)) for id_ in placed}
        why = used_up(kind, most)
        return {
            action.id: self._hold(action, StoppedBy.DAILY_LIMIT, why, of_daily_limit(kind))
            for action in actions
            if action.id in over
        }


def _paused(pauses: Pauses, wanted: Action) -> Stopped | None:
    stop = stops(pauses, wanted.kind, wanted.strength, wanted.profile)
    if stop is None:
        return None
    pause, setting = stop
    kind, since, why = pause.kind.value, setting.since.isoformat(), setting.why
    if pause.scope:
        return Stopped(Outcome.HELD, Code.PAUSED_ON(kind=kind, scope=pause.scope, since=since, because=why))
    return Stopped(Outcome.HELD, Code.PAUSED(kind=kind, since=since, because=why))


def _asked_about_another(hold: Hold, *, same: bool) -> bool:
    """Whether a hold asked about something that no longer is: an old leave date, or a text that may be a slip.

    A dismissal said that the text is a slip, and nothing about a move to come; who released it meant the revoke.
    """
    match hold.stopped_by:
        case StoppedBy.STALE_LEAVE_DATE:
            return not same
        case StoppedBy.NEAR_MISS:
            return hold.status is not Status.RELEASED
        case _:
            return False
