"""One look at one profile's e-mail invoicing: keep it opted in, and change nothing else.

A PUT replaces the whole profile and nothing guards it against a change made meanwhile. So it is done rarely,
only after two reads agreed, with the state before kept, and what it did is read back and compared. Until some look
has done that the update stays unjudged, and every look begins with it.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from shared.domain.billing import BillingProfile
from shared.domain.brake import BrakeCause, Pause
from shared.domain.holds import AskFirst, StoppedBy
from shared.domain.keys import ProfileKey
from shared.domain.opt_in import FLAG, as_kept, differences, fingerprint, image, image_digest
from shared.domain.outcome import Outcome
from shared.domain.policy import ActionKind
from shared.domain.rules import managed_accounts
from shared.domain.selectors import pick
from shared.domain.work import CauseKind, Scheduled, WorkItem, again, later
from shared.errors import InvoiceAccessError, MaybeWritten, Permanent, Transient
from shared.ports import Billing, Chain, ProfileState
from shared.services.app import App, Deadline, Look
from shared.services.catalogue import enforced_profiles
from shared.services.guards import Guard, Stopped, Wanted, set_brake

_DAY: Final = timedelta(hours=24)

_EXPECTED: Final = frozenset({FLAG, "provisioningState"})
"""What an update may change: the flag, and the service's own word on how the update is getting on."""

_JUDGED_WITHIN: Final = timedelta(minutes=15)
"""How long after an update whatever else differs counts as its harm: the verify looks are over by then. Later it may
as well be somebody's edit, of which a person is told."""

_WHY: Final = "opted out although the policy keeps it opted in"

_NOT_VISIBLE: Final = "accepted, but not visible yet"

_TOO_LATE: Final = "the handler's time was over before this write could begin"

_UNSAID: Final = "the answer does not say whether invoices are mailed"


async def look_at_profile(app: App, key: ProfileKey, item: WorkItem, chain: Chain, deadline: Deadline) -> Look:
    """Turns a profile's invoice e-mail on where the policy wants it and it is literally off."""
    now = app.clock.now()
    found_by_sweep = item.cause.kind is CauseKind.SWEEP
    catalogue = await app.shelf.current(now, not_before=item.first_asked if found_by_sweep else None)
    why_not = None
    if key.account.lower() not in managed_accounts(app.policy, catalogue.accounts):
        why_not = "not in a billing account that the policy manages"
    elif all(profile.key != key for profile in catalogue.profiles):
        why_not = "the last bulk read of billing did not list it"
    if why_not is not None:
        # One bulk read is no proof that what waits is no longer wanted. A release that cannot be done now is over.
        guard = await Guard.open(app, key)
        guard.close_released()
        return await _with_holds(guard, Look(Outcome.UNCHANGED, {"why": why_not}))
    enforced = enforced_profiles(app.policy, catalogue)
    billing = app.billing_for_look(enforced.__contains__)
    asked_at = app.clock.now()
    profile = await billing.profile(key)
    state = await app.state.profile(key)
    guard = await Guard.open(app, key)
    guard.reopen_released(enforced.__contains__)
    if state.unjudged is not None and profile is not None:
        look = await _judge_earlier(app, item, guard, profile, state)
        if look is not None:
            return look
    why_not = _why_leave_it(app, profile)
    if why_not is not None or profile is None:
        return await _leave(app, guard, profile, state, why_not)
    if key not in enforced:
        await guard.store()
    wait = _wait_for(app, profile, state, asked_at)
    if wait is None:
        try:
            return await _opt_in(app, chain, deadline, billing, profile, state, guard if key in enforced else None)
        finally:
            await guard.give_back()
    if state.agreed is None or state.agreed[0] != fingerprint(profile):
        await app.state.put_profile(replace(state, agreed=(fingerprint(profile), app.clock.now())))
    due, why = wait
    return Look(Outcome.WAITING, {"why": why}, (_at(app, item, due),))


async def _leave(
    app: App, guard: Guard, profile: BillingProfile | None, state: ProfileState, why_not: str | None
) -> Look:
    """Forgets what was read before, and the holds of what is no longer wanted."""
    if state.agreed is not None:
        await app.state.put_profile(replace(state, agreed=None))
    if profile is not None and why_not != _UNSAID:
        guard.keep(())  # what was not read says nothing of what is wanted
    return await _with_holds(guard, Look(Outcome.UNCHANGED, {"why": why_not}))


def _why_leave_it(app: App, profile: BillingProfile | None) -> str | None:
    if profile is None:
        return "there is no such profile"
    if not pick(app.policy.opt_in, (profile,)).profiles:
        return "the policy does not keep this profile opted in"
    if profile.invoice_email_opt_in is None:
        return _UNSAID
    if profile.invoice_email_opt_in:
        return "opted in"
    if not profile.is_active:
        return f"the profile is {profile.status}"
    return None


async def _opt_in(
    app: App,
    chain: Chain,
    deadline: Deadline,
    billing: Billing,
    profile: BillingProfile,
    state: ProfileState,
    guard: Guard | None,
) -> Look:
    """Updates the profile, unless a person has to decide first.

    `guard` is None where the profile is only observed.
    """
    now = app.clock.now()
    state = replace(state, updates=tuple(moment for moment in state.updates if abs(now - moment) < _DAY))
    wanted = guard.wanted(ActionKind.PROFILE_UPDATES, profile.key, _WHY) if guard is not None else None
    if guard is not None and wanted is not None:
        stop, finding = await _stopped(app, guard, wanted, state)
        if stop is not None:
            held = _held(profile.key, stop, finding)
            return replace(held, record={**held.record, **guard.alert()})
    if deadline.left(app.clock.now()) <= 0:
        return Look(Outcome.RETRY, {"why": _TOO_LATE})

    intent: dict[str, Any] = {
        "action": "opt-in",
        "profile": str(profile.key),
        "mode": "observe" if guard is None else "enforce",
        "before": image_digest(image(profile)),
    }
    await chain.append("intent", now, {"actions": [intent]})
    if guard is None or wanted is None:
        await billing.opt_in(profile)  # observed: it says what it would do, and there is nothing to judge
        return Look(Outcome.WOULD, {"why": _WHY, "actions": [_action(profile.key, Outcome.WOULD, _WHY)]})
    stop = await guard.brake(wanted)
    if stop is not None:
        return _held(profile.key, stop, None)
    return await _update(app, guard, deadline, billing, profile, state)


async def _stopped(app: App, guard: Guard, wanted: Wanted, state: ProfileState) -> tuple[Stopped | None, str | None]:
    """What stands in the way of an update, and the finding that it is."""
    ask: AskFirst | None = None
    finding = None
    if state.blocked is not None:
        ask, finding = AskFirst(StoppedBy.HARM, state.blocked), "profile-update-blocked"
    elif len(state.updates) >= app.settings.profile_updates_per_day:
        why = f"opted in {len(state.updates)} times in 24 h and turned off again each time; somebody has to settle this"
        ask, finding = AskFirst(StoppedBy.FIGHTS_BACK, why), "profile-fights-back"
    stopped = await guard.admit([replace(wanted, ask_first=ask)])
    return stopped.get(wanted.id), finding


def _held(key: ProfileKey, stop: Stopped, finding: str | None) -> Look:
    action = _action(key, stop.outcome, stop.why)
    if stop.hold:
        action["hold"] = stop.hold
    record: dict[str, Any] = {"why": stop.why, "actions": [action]}
    return Look(stop.outcome, record if finding is None else record | {"finding": finding})


def _action(key: ProfileKey, outcome: Outcome, why: str) -> dict[str, str]:
    return {"action": "opt-in", "profile": str(key), "outcome": outcome.value, "why": why}


async def _update(
    app: App, guard: Guard, deadline: Deadline, billing: Billing, profile: BillingProfile, state: ProfileState
) -> Look:
    """Keeps the image, writes within the handler's time, and reads back."""
    now = app.clock.now()
    if deadline.left(now) <= 0:
        return Look(Outcome.RETRY, {"why": _TOO_LATE})
    stored = await app.state.put_profile(
        replace(
            state,
            updates=(*state.updates, now),
            before=image(profile),
            unjudged=now,
            agreed=None,
            blocked=None,
            after=None,
        )
    )
    as_it_was = replace(state, version=stored.version)
    left = deadline.left(app.clock.now())  # storing takes its time as well
    if left <= 0:
        return await _not_begun(app, as_it_was)
    doubt = _NOT_VISIBLE
    wanted = guard.wanted(ActionKind.PROFILE_UPDATES, profile.key, _WHY)
    guard.begins(wanted)
    try:
        async with asyncio.timeout(left):
            await billing.opt_in(profile)
    except TimeoutError:
        doubt = "the service did not answer within the handler's time"
    except MaybeWritten as lost:
        doubt = lost.reason
    except (Transient, Permanent):
        # It surely did not happen: it is none of the day's updates, and everything else is as it was.
        guard.came_to_nothing(wanted)
        await app.state.put_profile(as_it_was)
        raise
    try:
        after = await billing.profile(profile.key)
    except InvoiceAccessError as failure:
        return _unseen(profile.key, f"{doubt}; reading back failed: {failure}")
    if after is None:
        return _unseen(profile.key, "the profile could not be found when reading back")
    return await _judge(app, guard, after, stored, now, doubt)


async def _not_begun(app: App, as_it_was: ProfileState) -> Look:
    """Takes back what was kept of an update that is not made: nothing is to be judged, and it is none of the day's.

    Where that fails the next look takes it for an update that does not show.
    """
    why = _TOO_LATE
    try:
        await app.state.put_profile(as_it_was)
    except (Transient, Permanent) as failure:
        why = f"{why}; that it did not could not be kept: {failure}"
    return Look(Outcome.RETRY, {"why": why})


def _wait_for(app: App, profile: BillingProfile, state: ProfileState, now: datetime) -> tuple[datetime, str] | None:
    """Until when to leave the profile alone, and why; None when it may be updated now."""
    last = max(state.updates, default=None)
    pause = timedelta(seconds=app.settings.profile_update_seconds)
    if last is not None and timedelta(0) <= now - last < pause:
        return last + pause, "updated moments ago"
    if state.agreed is None or state.agreed[0] != fingerprint(profile):
        return now + app.settings.settle, "read once; a second read has to agree in every writable field"
    since = state.agreed[1]
    if now - since < app.settings.settle:
        return min(now, since) + app.settings.settle, "the second read comes after the settling time"
    return None


def _at(app: App, item: WorkItem, due: datetime) -> Scheduled:
    look = replace(again(item, CauseKind.SETTLE), first_asked=due)
    return later(look, due, coalesce=app.settings.coalesce)


async def _judge_earlier(
    app: App, item: WorkItem, guard: Guard, profile: BillingProfile, state: ProfileState
) -> Look | None:
    """Judges an update that the look which made it could not; None where this look is to go on.

    An update that does not show is waited for as long as verify looks come, and until there may be another one.
    """
    now = app.clock.now()
    made = state.unjudged or now
    look = await _judge(app, guard, profile, state, made, _NOT_VISIBLE)
    pause = timedelta(seconds=app.settings.profile_update_seconds)
    is_waited_for = item.cause.kind is CauseKind.VERIFY or timedelta(0) <= now - made < pause
    return look if look.outcome is not Outcome.UNVERIFIED or is_waited_for else None


async def _judge(
    app: App, guard: Guard, after: BillingProfile, state: ProfileState, made: datetime, doubt: str
) -> Look:
    """What a read says of the unjudged update: the flag alone differs, nothing does yet, or harm was done."""
    before = as_kept(state.before or {"properties": {}, "tags": {}}, after)
    harm = sorted(differences(before, after).keys() - _EXPECTED)
    if harm:
        return await _harmed(app, guard, after, state, made, harm)
    if not after.invoice_email_opt_in:
        return _unseen(after.key, doubt)
    try:
        await app.state.put_profile(replace(state, unjudged=None, agreed=None))
    except (Transient, Permanent) as failure:
        why = f"opted in; that this was seen could not be kept: {failure}"
        return Look(Outcome.RETRY, {"why": why, "actions": [_action(after.key, Outcome.UNVERIFIED, why)]})
    guard.done(guard.wanted(ActionKind.PROFILE_UPDATES, after.key, _WHY))
    done = Look(Outcome.DONE, {"why": _WHY, "actions": [_action(after.key, Outcome.DONE, _WHY)]})
    return await _with_holds(guard, done)


async def _harmed(
    app: App, guard: Guard, after: BillingProfile, state: ProfileState, made: datetime, harm: list[str]
) -> Look:
    """Stops every update until a person has looked; where it is too late to tell harm from an edit, only says so."""
    fields = ", ".join(harm)
    is_harm = app.clock.now() - made < _JUDGED_WITHIN
    if is_harm:
        finding, why = "profile-update-harm", f"an update changed more than the flag: {fields}"
        why = f"{why}; no further update by itself"
        state = replace(state, blocked=why, after=image(after))
    else:
        finding, why = "profile-update-unjudged", f"the update of {made:%Y-%m-%d %H:%M} UTC could not be judged in time"
        why = f"{why}, and the profile differs in {fields}: somebody has to compare it"
    record = {"why": why, "finding": finding, "changed": harm}
    try:
        if is_harm:
            # The brake first: were it last, whatever breaks off before it would leave harm without one.
            await set_brake(
                app, Pause(BrakeCause.HARM, after.key.folded), f"{after.key}: {why}", by=after.key.canonical
            )
        # A release has served, also where it did harm: the next update needs another one.
        guard.done(guard.wanted(ActionKind.PROFILE_UPDATES, after.key, _WHY))
        await guard.store()
        await app.state.put_profile(replace(state, unjudged=None))
    except (Transient, Permanent) as failure:
        return Look(Outcome.RETRY, record | {"why": f"{why}; not kept yet: {failure}"})
    return Look(Outcome.GAVE_UP, record)


def _unseen(key: ProfileKey, doubt: str) -> Look:
    return Look(Outcome.UNVERIFIED, {"why": doubt, "actions": [_action(key, Outcome.UNVERIFIED, doubt)]})


async def _with_holds(guard: Guard, look: Look) -> Look:
    """The look with the key's holds stored; where that fails it is taken again, and still says what was done."""
    try:
        await guard.store()
    except (Transient, Permanent) as failure:
        why = f"{look.record['why']}; the hold could not be stored: {failure}"
        return replace(look, outcome=Outcome.RETRY, record={**look.record, "why": why})
    return look
