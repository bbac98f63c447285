"""One check of one profile's e-mail invoicing: keep it opted in, and change nothing else.

A PUT replaces the whole profile and nothing guards it against a change made meanwhile. So it is done rarely,
only after two reads agreed, with the state before kept, and what it did is read back and compared. Until some check
has done that the update stays unjudged, and every check begins with it (`judged_updates`).
"""

import asyncio
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.access.opt_in import fingerprint, image, image_digest
from shared.domain.access.plan import AskFirst, StoppedBy
from shared.domain.access.rules import managed_accounts
from shared.domain.billing import BillingProfile
from shared.domain.history.checks import Step, Told
from shared.domain.history.findings import FindingKind
from shared.domain.history.records import IntendedUpdate, IntentBody
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.policy.model import ActionKind
from shared.domain.policy.profile_index import ProfileIndex
from shared.domain.reasons import Code, Reason
from shared.domain.remembered import ProfileState
from shared.domain.work import CauseKind, Scheduled, WorkItem, again, later
from shared.errors import InvoiceAccessError, MaybeWritten, Permanent, Transient
from shared.ports import Billing, Chain, Clock, Stored
from shared.services.app import App, Check, Deadline
from shared.services.catalogue import enforced_profiles
from shared.services.reconcile.guard import Action, Guard, Stopped
from shared.services.reconcile.judged_updates import (
    WHY,
    ended,
    judge,
    judge_earlier,
    services_clock,
    since_update,
    unseen,
    with_holds,
)
from shared.telemetry import Span

_DAY: Final = timedelta(hours=24)

_log = logging.getLogger(__name__)


async def check_profile(app: App, key: ProfileKey, item: WorkItem, chain: Chain, deadline: Deadline) -> Check:
    """Turns a profile's invoice e-mail on where the policy wants it and it is literally off."""
    now = app.clock.now()
    found_by_sweep = item.cause.kind is CauseKind.SWEEP
    catalogue = await app.catalogues.current(now, not_before=item.first_asked if found_by_sweep else None)
    why_not = None
    if key.account.lower() not in managed_accounts(app.policy, catalogue.manageable):
        why_not = Code.OUTSIDE_MANAGED_ACCOUNTS()
    elif key not in catalogue.index.by_key:
        why_not = Code.PROFILE_NOT_LISTED()
    if why_not is not None:
        # One bulk read is no proof that what waits is no longer wanted. A release that cannot be done now is over.
        guard = await Guard.open(app, key, ())
        guard.close_released()
        return await with_holds(guard, Check(Outcome.UNCHANGED, Told(why=why_not)))
    enforced = enforced_profiles(app.policy, catalogue)
    billing = app.billing_for_check(enforced.__contains__)
    asked_at = app.clock.now()
    profile = await billing.profile(key)
    row = await app.state.profile(key)
    state = row.value
    guard = await Guard.open(app, key, enforced, item.only)
    guard.reopen_released()
    clock = services_clock(app, billing)
    if state.unjudged is not None and profile is not None:
        check = await judge_earlier(app, item, guard, profile, row, clock)
        if check is not None:
            return check
    why_not = _why_leave_it(app, profile)
    if why_not is not None or profile is None:
        return await _leave(app, guard, profile, row, why_not or Code.PROFILE_GONE())
    await guard.store()
    wait = _wait_for(app, profile, state, asked_at, clock)
    if wait is None:
        try:
            return await _opt_in(app, chain, deadline, billing, profile, row, guard, clock)
        finally:
            await guard.give_back()
    if state.agreed is None or state.agreed[0] != fingerprint(profile):
        agreed = (fingerprint(profile), app.clock.now())
        await app.state.put_profile(row.becoming(replace(state, agreed=agreed)))
    due, why = wait
    return Check(Outcome.WAITING, Told(why=why), (_at(app, item, due),))


async def _leave(
    app: App, guard: Guard, profile: BillingProfile | None, row: Stored[ProfileState], why_not: Reason
) -> Check:
    """Forgets what was read before, and the holds of what is no longer wanted."""
    if row.value.agreed is not None:
        await app.state.put_profile(row.becoming(replace(row.value, agreed=None)))
    if profile is not None and why_not != Code.MAIL_NOT_SAID():
        guard.keep(())  # what was not read says nothing of what is wanted
    return await with_holds(guard, Check(Outcome.UNCHANGED, Told(why=why_not)))


def _why_leave_it(app: App, profile: BillingProfile | None) -> Reason | None:
    """Why a profile is not to be updated; None where it is."""
    if profile is None:
        return Code.PROFILE_GONE()
    if not ProfileIndex([profile]).pick(app.policy.opt_in).profiles:
        return Code.NOT_KEPT_OPTED_IN()
    if profile.invoice_email_opt_in is None:
        return Code.MAIL_NOT_SAID()
    if profile.invoice_email_opt_in:
        return Code.OPTED_IN()
    if not profile.is_active:
        return Code.PROFILE_STATUS(status=profile.status)
    return None


async def _opt_in(
    app: App,
    chain: Chain,
    deadline: Deadline,
    billing: Billing,
    profile: BillingProfile,
    row: Stored[ProfileState],
    guard: Guard,
    clock: Clock,
) -> Check:
    """Updates the profile, unless a person has to decide first."""
    now = clock.now()
    state = replace(row.value, updates=tuple(moment for moment in row.value.updates if abs(now - moment) < _DAY))
    wanted = guard.wanted(ActionKind.PROFILE_UPDATES, profile.key, WHY)
    stop, finding = await _stopped(app, guard, wanted, state)
    if stop is not None:
        held = _held(profile.key, stop, finding)
        return replace(held, told=guard.tell(held.told))
    if deadline.left(app.clock.now()) <= 0:
        return Check(Outcome.RETRY, Told(why=Code.TOO_LATE_TO_WRITE()))

    intended = IntendedUpdate("opt-in", profile.key, guard.mode(profile.key), image_digest(image(profile)))
    await chain.append(app.clock.now(), IntentBody((intended,)))
    if not guard.enforces(profile.key):
        await billing.opt_in(profile)  # observed: it says what it would do, and there is nothing to judge
        return Check(Outcome.WOULD, ended(profile.key, Outcome.WOULD, WHY))
    stop = await guard.pauses(wanted)
    if stop is not None:
        return _held(profile.key, stop, None)
    return await _update(app, guard, deadline, billing, profile, row.becoming(state), clock)


async def _stopped(
    app: App, guard: Guard, wanted: Action, state: ProfileState
) -> tuple[Stopped | None, FindingKind | None]:
    """What stands in the way of an update, and the finding that it is, None for none."""
    ask: AskFirst | None = None
    finding = None
    if state.blocked is not None:
        ask, finding = AskFirst(StoppedBy.HARM, state.blocked), FindingKind.PROFILE_UPDATE_BLOCKED
    elif len(state.updates) >= app.settings.profile_updates_per_day:
        why = Code.FIGHTS_BACK(times=len(state.updates))
        ask, finding = AskFirst(StoppedBy.FIGHTS_BACK, why), FindingKind.PROFILE_FIGHTS_BACK
    stopped = await guard.admit([replace(wanted, ask_first=ask)])
    return stopped.get(wanted.id), finding


def _held(key: ProfileKey, stop: Stopped, finding: FindingKind | None) -> Check:
    return Check(
        stop.outcome, replace(ended(key, stop.outcome, stop.why, stop.hold, is_new=stop.is_new), finding=finding)
    )


async def _update(
    app: App,
    guard: Guard,
    deadline: Deadline,
    billing: Billing,
    profile: BillingProfile,
    row: Stored[ProfileState],
    clock: Clock,
) -> Check:
    """Keeps the image, writes within the handler's time, and reads back."""
    if deadline.left(app.clock.now()) <= 0:
        return Check(Outcome.RETRY, Told(why=Code.TOO_LATE_TO_WRITE()))
    now = clock.now()
    updated = replace(
        row.value,
        updates=(*row.value.updates, now),
        before=image(profile),
        unjudged=now,
        agreed=None,
        answered=None,
        blocked=None,
        after=None,
    )
    stored = await app.state.put_profile(row.becoming(updated))
    as_it_was = stored.becoming(row.value)
    left = deadline.left(app.clock.now())  # storing takes its time as well
    if left <= 0:
        return await _not_begun(app, as_it_was)
    doubt, answer = Code.NOT_VISIBLE_YET(), None
    wanted = guard.wanted(ActionKind.PROFILE_UPDATES, profile.key, WHY)
    guard.begins(wanted)
    try:
        with app.telemetry.span(Span.WRITE, action=Step.OPT_IN.value):
            async with asyncio.timeout(left):
                answer = await billing.opt_in(profile)
    except TimeoutError:
        doubt = Code.NO_ANSWER_IN_TIME()
    except MaybeWritten as lost:
        doubt = Code.SAID(said=lost.reason)
    except (Transient, Permanent):
        # It surely did not happen: it is none of the day's updates, and everything else is as it was.
        guard.came_to_nothing(wanted)
        await app.state.put_profile(as_it_was)
        raise
    if answer is not None:
        stored = await _keep_answer(app, stored, answer)
    try:
        with app.telemetry.span(Span.READ_BACK, action=Step.OPT_IN.value) as tell:
            after = await billing.profile(profile.key)
            tell(found=after is not None)
    except InvoiceAccessError as failure:
        return unseen(profile.key, Code.READING_BACK_FAILED(doubt=doubt, said=str(failure)))
    if after is None:
        return unseen(profile.key, Code.NOT_FOUND_READING_BACK())
    return await judge(app, guard, after, stored, clock, doubt)


async def _keep_answer(app: App, row: Stored[ProfileState], answer: BillingProfile) -> Stored[ProfileState]:
    """Keeps what the answer to an update showed: whoever judges it later needs to know what it left."""
    row = row.becoming(replace(row.value, answered=image(answer)))
    try:
        return await app.state.put_profile(row)
    except (Transient, Permanent) as failure:
        _log.warning("%s: what the answer to its update showed was not kept: %s", answer.key.canonical, failure)
        return row


async def _not_begun(app: App, as_it_was: Stored[ProfileState]) -> Check:
    """Takes back what was kept of an update that is not made: nothing is to be judged, and it is none of the day's.

    Where that fails the next check takes it for an update that does not show.
    """
    why = Code.TOO_LATE_TO_WRITE()
    try:
        await app.state.put_profile(as_it_was)
    except (Transient, Permanent) as failure:
        why = Code.THAT_NOT_KEPT(because=why, said=str(failure))
    return Check(Outcome.RETRY, Told(why=why))


def _wait_for(
    app: App, profile: BillingProfile, state: ProfileState, now: datetime, clock: Clock
) -> tuple[datetime, Reason] | None:
    """Until when, by our clock, to leave the profile alone, and why; None when it may be updated now.

    An update is told by billing's `clock`, so that it does not matter whose instance made it.
    """
    since = since_update(max(state.updates, default=None), clock)
    rest = timedelta(seconds=app.settings.profile_update_seconds)
    if since is not None and since < rest:
        return now + rest - since, Code.UPDATED_MOMENTS_AGO()
    if state.agreed is None or state.agreed[0] != fingerprint(profile):
        return now + app.settings.settle, Code.READ_ONCE()
    first = state.agreed[1]
    if now - first < app.settings.settle:
        return min(now, first) + app.settings.settle, Code.SECOND_READ_TO_COME()
    return None


def _at(app: App, item: WorkItem, due: datetime) -> Scheduled:
    check = replace(again(item, CauseKind.SETTLE), first_asked=due)
    return later(check, due, coalesce=app.settings.coalesce)
