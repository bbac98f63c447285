"""Reconcile: the one writer. Takes a check of a key, records how it ended, and settles what has to follow.

Everything that is written to Azure is written from here, under the session that the key hashes to. A check that
raises is a bug: the host redelivers it, and the tenth time it goes to `rejected-events`.
Everything else ends in an `Outcome`.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.history.checks import CheckBody, Next, Told, cuts
from shared.domain.keys import Key, NameKey, PersonKey, ProfileKey, chain_key
from shared.domain.log_line import json_of
from shared.domain.outcome import Outcome, retry_delay
from shared.domain.reasons import Code, Reason
from shared.domain.redact import redact
from shared.domain.work import CauseKind, Scheduled, WorkItem, again, later, not_ahead, retried
from shared.errors import AccessLost, Conflict, Permanent, StoreRefused, TooLarge, Transient
from shared.ports import Chain
from shared.services.app import HANDLER_SECONDS, App, Check, Deadline
from shared.services.outage import outlast, patience
from shared.services.pauses import role_lost
from shared.services.reconcile.future_checks import schedule
from shared.services.reconcile.name import as_event, find_by_name
from shared.services.reconcile.person import check_person
from shared.services.reconcile.profile import check_profile
from shared.services.reconcile.telling import goes_on, tell_check
from shared.telemetry import Telling
from shared.wording.say import say

_log = logging.getLogger(__name__)


async def reconcile(app: App, item: WorkItem, trace: str = "") -> Outcome:
    """Takes one check, and returns how it ended once its record is written and its follow-ups are sent.

    `trace` is the `traceparent` that came with it. Raises `Transient` or `Permanent` only when no queue could be
    reached for as long as a message may be kept: then it must come back.
    """
    with goes_on(app, item, trace) as told:
        return await _reconcile(app, item, told)


async def _reconcile(app: App, item: WorkItem, tell: Telling) -> Outcome:
    now, until = app.clock.now(), patience()
    item = not_ahead(item, now)
    deadline = Deadline(now + timedelta(seconds=HANDLER_SECONDS))
    chain: Chain | None = None
    item = await schedule(app, item)
    try:
        chain = await app.ledger.open(chain_key(item.key))
        check = await _check(app, item, chain, deadline)
    except Conflict as lost:
        check, chain = Check(Outcome.RETRY, Told(why=Code.STOPPED(said=lost.reason))), None
    except Transient as failure:
        told = Told(why=_said(item.key, failure), alert=_alert(failure))
        check = Check(Outcome.RETRY, told, retry_after=failure.retry_after)
    except Permanent as failure:
        check = await _given_up(app, item.key, failure)
    check = _keeping_moments(app, item, _settled(app, check.item or item, check))
    check = _unrecorded(app, item, check) if chain is None else await _record(app, item, check, chain)
    if check.rejected:
        await outlast(lambda: app.queues.send_rejected(check.rejected), until, chain_key(item.key))
    if check.follow_ups:
        await outlast(lambda: app.queues.send_work(check.follow_ups), until, chain_key(item.key))
    ended = app.clock.now()
    _say(item, check, now, ended)
    if app.telemetry.is_on:
        tell_check(app, tell, item, check, now, ended)
    return check.outcome


async def _given_up(app: App, key: Key, failure: Permanent) -> Check:
    """Only a person can fix it; where our own role is gone, nothing more is written there until one has.

    No sweep finds somebody whom an event names by a name alone: so the name waits, and is looked for again.
    """
    if isinstance(failure, AccessLost) and not isinstance(key, NameKey):
        try:
            await role_lost(app, key, failure.account, Code.SAID(said=failure.reason))
        except (Transient, Permanent) as unset:
            because = Code.SAID(said=failure.reason)
            return Check(Outcome.RETRY, Told(why=Code.PAUSE_NOT_SET(because=because, said=unset.reason)))
    if isinstance(key, NameKey):
        return Check(Outcome.RETRY, Told(why=_said(key, failure), alert=Code.PERSON_HAS_TO_ACT()))
    return Check(Outcome.GAVE_UP, Told(why=_said(key, failure)))


def _alert(failure: Transient | Permanent) -> Reason | None:
    return Code.PERSON_HAS_TO_ACT() if isinstance(failure, StoreRefused | Permanent) else None


def _said(key: Key, failure: Transient | Permanent) -> Reason:
    """A service's words without the name that we asked it about: services repeat what they refuse."""
    if isinstance(key, NameKey):
        return Code.SAID(said=redact(failure.reason, key.value))
    return Code.SAID(said=failure.reason)


async def _check(app: App, item: WorkItem, chain: Chain, deadline: Deadline) -> Check:
    match item.key:
        case PersonKey() as key:
            return await check_person(app, key, item, chain, deadline)
        case ProfileKey() as key:
            return await check_profile(app, key, item, chain, deadline)
        case NameKey() as key:
            return await find_by_name(app, key, item)


def _settled(app: App, item: WorkItem, check: Check) -> Check:
    """Adds the check that the outcome itself asks for, or gives up where it has been asked for long enough."""
    now = app.clock.now()
    match check.outcome:
        case Outcome.RETRY:
            if now - (item.failing_since or now) >= timedelta(hours=app.settings.retry_hours):
                alert = Code.RETRIES_GIVEN_UP(hours=app.settings.retry_hours)
                return _for_its_sender(item, _given_up_after(check, alert))
            return _with(check, _retry(app, item, check.retry_after))
        case Outcome.UNVERIFIED:
            verify = again(item, CauseKind.VERIFY)
            if verify.attempt >= len(app.settings.verify_seconds):
                return _given_up_after(check, Code.NEVER_VISIBLE())
            delay = timedelta(seconds=app.settings.verify_seconds[verify.attempt])
            return _with(check, _later(app, verify, now + delay))
        case Outcome.GAVE_UP:
            return replace(check, told=replace(check.told, alert=check.told.alert or Code.PERSON_HAS_TO_ACT()))
        case _:
            return check


def _given_up_after(check: Check, alert: Reason) -> Check:
    return replace(check, outcome=Outcome.GAVE_UP, told=replace(check.told, alert=alert))


def _keeping_moments(app: App, item: WorkItem, check: Check) -> Check:
    """Has days to come that could not be scheduled go on with a later check, whatever became of this one."""
    if not item.moments or any(one.item.moments for one in check.follow_ups):
        return check
    return _with(check, _retry(app, item, None))


def _retry(app: App, item: WorkItem, retry_after: timedelta | None) -> Scheduled:
    now = app.clock.now()
    retry = retried(item, now)
    delay = retry_delay(
        retry.attempt,
        app.random.random(),
        failing=now - (item.failing_since or now),
        cap=timedelta(seconds=app.settings.retry_cap_seconds),
        retry_after=retry_after,
    )
    return _later(app, retry, now + delay)


def _for_its_sender(item: WorkItem, check: Check) -> Check:
    """A name that is given up goes to rejected-events, where it can be sent again: no sweep finds it."""
    if not isinstance(item.key, NameKey):
        return check
    assert check.told.why is not None, "a check of a name says why"
    reason = say(Code.NOBODY_LOOKED_FOR(because=check.told.why))
    remedy = "Send the event again once that is fixed"
    return replace(check, rejected=(as_event(item.key, item, reason, remedy),))


def _with(check: Check, follow_up: Scheduled) -> Check:
    return replace(check, follow_ups=(*check.follow_ups, follow_up))


def _later(app: App, item: WorkItem, due: datetime) -> Scheduled:
    return later(item, due, coalesce=app.settings.coalesce)


async def _record(app: App, item: WorkItem, check: Check, chain: Chain) -> Check:
    """Leaves the check's record. Where that fails the check is taken again: nothing goes unexplained."""
    body = CheckBody.of(check.told, item.cause, check.outcome, item.attempt, _next(check.follow_ups))
    try:
        try:
            await chain.append(app.clock.now(), body)
        except TooLarge:
            await _append_in_short(app, chain, body)
    except (Transient, Permanent) as failure:
        alert = _alert(failure) or check.told.alert
        unrecorded = Check(Outcome.RETRY, replace(check.told, why=Code.NOT_RECORDED(said=failure.reason), alert=alert))
        return _unrecorded(app, item, _settled(app, item, unrecorded))
    return check


async def _append_in_short(app: App, chain: Chain, body: CheckBody) -> None:
    """Leaves as much of a record as the ledger holds."""
    for short in cuts(body):
        try:
            await chain.append(app.clock.now(), short)
        except TooLarge as failure:
            last = failure
        else:
            return
    raise last


def _unrecorded(app: App, item: WorkItem, check: Check) -> Check:
    """A check that left no record is not the last one: it is taken again for as long as nothing can be recorded.

    What it rejected or found is left to that one. After a day a key has one such check and no more, whatever else asks
    for it: all that are due in one `retry_cap_seconds` have the same MessageId.
    """
    if check.outcome is Outcome.RETRY:
        return check
    now = app.clock.now()
    retry = later(retried(item, now), now, coalesce=timedelta(seconds=app.settings.retry_cap_seconds))
    return Check(Outcome.RETRY, replace(check.told, alert=Code.NOT_RECORDED_AND_TAKEN_AGAIN()), (retry,))


def _next(follow_ups: Sequence[Scheduled]) -> tuple[Next, ...]:
    return tuple(Next(one.item.cause.kind, one.due) for one in follow_ups)


def _say(item: WorkItem, check: Check, began: datetime, ended: datetime) -> None:
    """One line per check, for the log; ids and no names. An alert is an error: whoever watches the log hangs on it."""
    level = logging.ERROR if check.told.alert else logging.INFO
    if not _log.isEnabledFor(level):
        return
    line = {
        "check": chain_key(item.key),
        "cause": item.cause.kind.value,
        "outcome": check.outcome.value,
        "seconds": round((ended - began).total_seconds(), 3),
        **{
            name: value
            for name in ("why", "actions", "notes", "waiting", "alert", "finding")
            if (value := getattr(check.told, name))
        },
    }
    if check.told.leaver is not None:
        line["leaver_seconds"] = check.told.leaver.seconds(ended)
    _log.log(level, "reconcile: %s", json_of(line, say))
