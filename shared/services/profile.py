"""One look at one profile's e-mail invoicing: keep it opted in, and change nothing else.

A PUT replaces the whole profile and nothing guards it against a change made meanwhile. So it is done rarely,
only after two reads agreed, with the state before kept, and what it did is read back and compared.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from shared.domain.billing import BillingProfile
from shared.domain.brake import BrakeCause
from shared.domain.holds import StoppedBy
from shared.domain.keys import ProfileKey
from shared.domain.opt_in import FLAG, differences, fingerprint, writable
from shared.domain.outcome import Outcome
from shared.domain.policy import ActionKind
from shared.domain.rules import managed_accounts
from shared.domain.selectors import pick
from shared.domain.work import CauseKind, Scheduled, WorkItem, again, later
from shared.errors import InvoiceAccessError, MaybeWritten, Permanent, Transient
from shared.ports import Billing, Chain, ProfileState, Written
from shared.services.app import App, Deadline, Look
from shared.services.catalogue import enforced_profiles
from shared.services.guards import Guard, Stopped, Wanted, set_brake

_DAY: Final = timedelta(hours=24)

_EXPECTED: Final = frozenset({FLAG, "provisioningState"})
"""What an update may change: the flag, and the service's own word on how the update is getting on."""

_WHY: Final = "opted out although the policy keeps it opted in"

_NOT_VISIBLE: Final = "accepted, but not visible yet"


async def look_at_profile(app: App, key: ProfileKey, item: WorkItem, chain: Chain, deadline: Deadline) -> Look:
    """Turns a profile's invoice e-mail on where the policy wants it and it is literally off."""
    now = app.clock.now()
    found_by_sweep = item.cause.kind is CauseKind.SWEEP
    catalogue = await app.shelf.current(now, not_before=item.first_asked if found_by_sweep else None)
    if key.account.lower() not in managed_accounts(app.policy, catalogue.accounts):
        return Look(Outcome.UNCHANGED, {"why": "not in a billing account that the policy manages"})
    if all(profile.key != key for profile in catalogue.profiles):
        return Look(Outcome.UNCHANGED, {"why": "the last bulk read of billing did not list it"})
    enforced = enforced_profiles(app.policy, catalogue)
    billing = app.billing_for_look(enforced.__contains__)
    profile = await billing.profile(key)
    state = await app.state.profile(key)
    guard = await Guard.open(app, key)
    why_not = _why_leave_it(app, profile)
    if why_not is not None or profile is None:
        if state.agreed is not None:
            await app.state.put_profile(replace(state, agreed=None))
        guard.keep(())
        await guard.store()
        return Look(Outcome.UNCHANGED, {"why": why_not})
    return await _opt_in(app, item, chain, deadline, billing, profile, state, guard if key in enforced else None)


def _why_leave_it(app: App, profile: BillingProfile | None) -> str | None:
    if profile is None:
        return "there is no such profile"
    if not pick(app.policy.opt_in, (profile,)).profiles:
        return "the policy does not keep this profile opted in"
    if profile.invoice_email_opt_in is None:
        return "the answer does not say whether invoices are mailed"
    if profile.invoice_email_opt_in:
        return "opted in"
    if not profile.is_active:
        return f"the profile is {profile.status}"
    return None


async def _opt_in(
    app: App,
    item: WorkItem,
    chain: Chain,
    deadline: Deadline,
    billing: Billing,
    profile: BillingProfile,
    state: ProfileState,
    guard: Guard | None,
) -> Look:
    """Updates the profile, unless it has to settle or rest first, or a person has to decide.

    `guard` is None where the profile is only observed.
    """
    now = app.clock.now()
    wait = _wait_for(app, profile, state, now)
    if wait is not None:
        agreed = state.agreed
        if agreed is None or agreed[0] != fingerprint(profile):
            await app.state.put_profile(replace(state, agreed=(fingerprint(profile), now)))
        due, why = wait
        return Look(Outcome.WAITING, {"why": why}, (_at(app, item, due),))
    state = replace(state, updates=tuple(moment for moment in state.updates if now - moment < _DAY))
    wanted = guard.wanted(ActionKind.PROFILE_UPDATES, profile.key, _WHY) if guard is not None else None
    if guard is not None and wanted is not None:
        stop, finding = await _stopped(app, guard, wanted, state)
        if stop is not None:
            return _held(profile.key, stop, finding)
    if deadline.left(now) <= 0:
        return Look(Outcome.RETRY, {"why": "the handler's time was over before this write could begin"})

    intent: dict[str, Any] = {
        "action": "opt-in",
        "profile": str(profile.key),
        "mode": "observe" if guard is None else "enforce",
        "before": fingerprint(profile),
    }
    await chain.append("intent", now, {"actions": [intent]})
    if guard is None or wanted is None:
        return await _judge(app, profile, await billing.opt_in(profile), billing, state, _NOT_VISIBLE)
    stop = await guard.brake(wanted)
    if stop is not None:
        return _held(profile.key, stop, None)
    look = await _update(app, deadline, billing, profile, replace(state, blocked=None, after=None))
    if look.outcome is Outcome.DONE:
        guard.done(wanted)
        await guard.store()
    return look


async def _stopped(app: App, guard: Guard, wanted: Wanted, state: ProfileState) -> tuple[Stopped | None, str | None]:
    """What stands in the way of an update, and the finding that it is."""
    reason: tuple[StoppedBy, str] | None = None
    finding = None
    if state.blocked is not None:
        reason, finding = (StoppedBy.HARM, state.blocked), "profile-update-blocked"
    elif len(state.updates) >= app.settings.profile_updates_per_day:
        why = f"opted in {len(state.updates)} times in 24 h and turned off again each time; somebody has to settle this"
        reason, finding = (StoppedBy.FIGHTS_BACK, why), "profile-fights-back"
    stopped = await guard.admit([wanted], unless_released=reason)
    return stopped.get(wanted.id), finding


def _held(key: ProfileKey, stop: Stopped, finding: str | None) -> Look:
    action = {"action": "opt-in", "profile": str(key), "outcome": stop.outcome.value, "why": stop.why}
    if stop.hold:
        action["hold"] = stop.hold
    record: dict[str, Any] = {"why": stop.why, "actions": [action]}
    return Look(stop.outcome, record if finding is None else record | {"finding": finding})


async def _update(app: App, deadline: Deadline, billing: Billing, profile: BillingProfile, state: ProfileState) -> Look:
    """Keeps the image, writes, and reads back."""
    now = app.clock.now()
    image = {"properties": writable(profile), "tags": dict(profile.tags)}
    stored = await app.state.put_profile(replace(state, updates=(*state.updates, now), before=image, agreed=None))
    doubt = _NOT_VISIBLE
    written: Written | None = None
    try:
        async with asyncio.timeout(deadline.left(now)):
            written = await billing.opt_in(profile)
    except TimeoutError:
        doubt = "the service did not answer within the handler's time"
    except MaybeWritten as lost:
        doubt = lost.reason
    except (Transient, Permanent):
        # It surely did not happen, so that it is none of the day's updates.
        await app.state.put_profile(replace(stored, updates=state.updates, agreed=state.agreed))
        raise
    return await _judge(app, profile, written, billing, stored, doubt)


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


async def _judge(
    app: App,
    before: BillingProfile,
    written: Written | None,
    billing: Billing,
    state: ProfileState,
    doubt: str,
) -> Look:
    """What the read-back says: the flag alone differs, nothing does yet, or harm was done."""
    try:
        after = await billing.profile(before.key)
    except InvoiceAccessError as failure:
        return Look(Outcome.UNVERIFIED, {"why": f"{doubt}; reading back failed: {failure}"})
    if after is None:
        return Look(Outcome.UNVERIFIED, {"why": "the profile could not be found when reading back"})
    harm = sorted(differences(before, after).keys() - _EXPECTED)
    if harm:
        why = f"an update changed more than the flag: {', '.join(harm)}; no further update by itself"
        changed = {"properties": writable(after), "tags": dict(after.tags)}
        await app.state.put_profile(replace(state, blocked=why, after=changed))
        await set_brake(app, BrakeCause.HARM, f"{before.key}: {why}", by=before.key.canonical)
        return Look(Outcome.GAVE_UP, {"why": why, "finding": "profile-update-harm", "changed": harm})
    action = {"action": "opt-in", "profile": str(before.key)}
    if not after.invoice_email_opt_in:
        outcome, why = Outcome.UNVERIFIED, doubt
    else:
        outcome = Outcome.WOULD if written is Written.WOULD else Outcome.DONE
        why = _WHY
    return Look(outcome, {"why": why, "actions": [{**action, "outcome": outcome.value, "why": why}]})
