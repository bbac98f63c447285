"""What an update of a profile did: the flag alone, nothing that shows yet, harm, or what somebody else wrote meanwhile.

Lives here: comparing a read with what was kept of the update, by billing's own clock, and telling what came of it.
When a profile is updated is `profile`'s.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.access.opt_in import FLAG, as_kept, differences, image
from shared.domain.billing import BillingProfile
from shared.domain.clocks import CLOCKS_APART
from shared.domain.guards.pauses import Pause, PauseKind
from shared.domain.history.checks import Ended, Step, Told
from shared.domain.history.findings import FindingKind
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code, Reason
from shared.domain.remembered import ProfileState
from shared.domain.work import CauseKind, WorkItem
from shared.errors import Permanent, Transient
from shared.ports import Billing, Clock, Stored
from shared.services.app import App, Check
from shared.services.pauses import set_pause
from shared.services.reconcile.guard import Guard

_ALIKE: Final = timedelta(seconds=2)
"""What our clock and billing's may differ by and are taken for one: it tells its own in whole seconds, as of some way
back."""

_EXPECTED: Final = frozenset({FLAG, "provisioningState"})
"""What an update may change: the flag, and the service's own word on how the update is getting on."""

_JUDGED_WITHIN: Final = timedelta(minutes=15)
"""How long after an update whatever else differs counts as its harm: the verify checks are over by then. Later it may
as well be somebody's edit, of which a person is told."""

WHY: Final = Code.OPTED_OUT()
"""The reason of every update."""


def services_clock(app: App, billing: Billing) -> Clock:
    """Billing's own clock, as its latest answer told the time; ours where it told none.

    By it updates are told apart: one is stored by one instance and asked for by another, and their clocks differ.
    """
    told = billing.service_time()
    ahead = timedelta() if told is None else told - app.clock.now()
    return _Ahead(app.clock, ahead if abs(ahead) > _ALIKE else timedelta())


@dataclass(frozen=True, slots=True)
class _Ahead:
    """A clock that is ahead of another by so much."""

    clock: Clock
    by: timedelta

    def now(self) -> datetime:
        """The time there."""
        return self.clock.now() + self.by


def since_update(made: datetime | None, clock: Clock) -> timedelta | None:
    """How long ago an update was made; None for never, or at a time to come that no clock explains.

    Where billing did not tell its time, it was an instance's that was ahead.
    """
    if made is None:
        return None
    since = clock.now() - made
    return max(since, timedelta()) if since > -2 * CLOCKS_APART else None


async def judge_earlier(
    app: App, item: WorkItem, guard: Guard, profile: BillingProfile, row: Stored[ProfileState], clock: Clock
) -> Check | None:
    """Judges an update that the check which made it could not; None where this check is to go on.

    An update that does not show is waited for as long as verify checks come, and until there may be another one.
    """
    check = await judge(app, guard, profile, row, clock, Code.NOT_VISIBLE_YET())
    since = since_update(row.value.unjudged, clock)
    rest = timedelta(seconds=app.settings.profile_update_seconds)
    is_waited_for = item.cause.kind is CauseKind.VERIFY or (since is not None and since < rest)
    if check.outcome is not Outcome.UNVERIFIED or is_waited_for:
        return check
    changed = sorted(_changed(profile, row.value))
    return await _tell_change(app, guard, profile, row, clock, changed, may_be_harm=False) if changed else None


def _changed(after: BillingProfile, state: ProfileState) -> set[str]:
    """In what a profile differs from how it was before the unjudged update, but for what an update may change."""
    before = as_kept(state.before or {"properties": {}, "tags": {}}, after)
    return set(differences(before, after)) - _EXPECTED


def _by_others(changed: Collection[str], state: ProfileState) -> set[str]:
    """What of that somebody else changed: the answer to the update showed it as it was before.

    What the answer leaves out it says nothing about.
    """
    if state.answered is None or state.before is None:
        return set()
    before, answered = ({**kept["properties"], "tags": kept["tags"]} for kept in (state.before, state.answered))
    return {name for name in changed if name in answered and answered[name] == before.get(name)}


async def judge(
    app: App, guard: Guard, after: BillingProfile, row: Stored[ProfileState], clock: Clock, doubt: Reason
) -> Check:
    """What a read says of the unjudged update: the flag alone differs, nothing does yet, or harm was done.

    Harm is what differs from before and nobody else is known to have written. An update that does not show, neither
    here nor in its answer, has done none yet.
    """
    state = row.value
    changed = _changed(after, state)
    by_others = _by_others(changed, state)
    shows = bool(after.invoice_email_opt_in or (state.answered or {}).get("properties", {}).get(FLAG))
    if shows and changed - by_others:
        return await _tell_change(app, guard, after, row, clock, sorted(changed - by_others), may_be_harm=True)
    if not after.invoice_email_opt_in:
        return unseen(after.key, doubt)
    try:
        await app.state.put_profile(row.becoming(replace(state, unjudged=None, answered=None, agreed=None)))
    except (Transient, Permanent) as failure:
        why = Code.OPTED_IN_BUT_NOT_KEPT(said=str(failure))
        return Check(Outcome.RETRY, ended(after.key, Outcome.UNVERIFIED, why))
    guard.done(guard.wanted(ActionKind.PROFILE_UPDATES, after.key, WHY))
    told = replace(ended(after.key, Outcome.DONE, WHY), changed_by_others=tuple(sorted(by_others)))
    return await with_holds(guard, Check(Outcome.DONE, told))


async def _tell_change(
    app: App,
    guard: Guard,
    after: BillingProfile,
    row: Stored[ProfileState],
    clock: Clock,
    changed: list[str],
    *,
    may_be_harm: bool,
) -> Check:
    """Stops every write to the profile until a person has checked; where no harm can be told from an edit, says so."""
    fields, state = tuple(changed), row.value
    made = state.unjudged or clock.now()
    is_harm = may_be_harm and clock.now() - made < _JUDGED_WITHIN
    if is_harm:
        finding, why = FindingKind.PROFILE_UPDATE_HARM, Code.UPDATE_DID_HARM(fields=fields)
        if state.answered is None:
            why = Code.UPDATE_MAY_HAVE_DONE_HARM(fields=fields)
        state = replace(state, blocked=why, after=image(after))
    else:
        finding, why = FindingKind.PROFILE_UPDATE_UNJUDGED, Code.UPDATE_UNJUDGED(made=made.isoformat(), fields=fields)
    told = Told(why=why, finding=finding, changed=tuple(changed))
    try:
        if is_harm:
            # The pause first: were it last, whatever breaks off before it would leave harm without one.
            pause = Pause(PauseKind.HARM, after.key.folded)
            await set_pause(app, pause, Code.ON_PROFILE(profile=str(after.key), because=why), by=after.key.canonical)
        # A release has served, also where it did harm: the next update needs another one.
        guard.done(guard.wanted(ActionKind.PROFILE_UPDATES, after.key, WHY))
        await guard.store()
        await app.state.put_profile(row.becoming(replace(state, unjudged=None, answered=None)))
    except (Transient, Permanent) as failure:
        return Check(Outcome.RETRY, replace(told, why=Code.NOT_KEPT_YET(because=why, said=str(failure))))
    return Check(Outcome.GAVE_UP, told)


def ended(key: ProfileKey, outcome: Outcome, why: Reason, hold: str = "", *, is_new: bool = False) -> Told:
    """How an update ended, for the ledger."""
    return Told(why=why, actions=(Ended(Step.OPT_IN, outcome, why, hold, key, is_new),))


def unseen(key: ProfileKey, doubt: Reason) -> Check:
    """A check after which nobody can say what the update did; `doubt` is why."""
    return Check(Outcome.UNVERIFIED, ended(key, Outcome.UNVERIFIED, doubt))


async def with_holds(guard: Guard, check: Check) -> Check:
    """The check with the key's holds stored; where that fails it is taken again, and still says what was done."""
    try:
        await guard.store()
    except (Transient, Permanent) as failure:
        assert check.told.why is not None, "a check of a profile says why"
        why = Code.HOLD_NOT_STORED(because=check.told.why, said=str(failure))
        return replace(check, outcome=Outcome.RETRY, told=replace(check.told, why=why))
    return check
