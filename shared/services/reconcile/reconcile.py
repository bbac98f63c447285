"""Reconcile: the one writer. Takes a look at a key, records how it ended, and settles what has to follow.

Everything that is written to Azure is written from here, under the session that the key hashes to. A look that
raises is a bug: the host redelivers it and in the end dead-letters it. Everything else ends in an `Outcome`.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from shared.domain.keys import IdentityKey, Key, PersonKey, ProfileKey, chain_key
from shared.domain.log_line import json_of
from shared.domain.outcome import Outcome, retry_delay
from shared.domain.redact import nameless
from shared.domain.shortened import cuts
from shared.domain.work import CauseKind, Scheduled, WorkItem, again, later, not_ahead, retried
from shared.errors import AccessLost, Conflict, Permanent, StoreRefused, TooLarge, Transient
from shared.ports import Chain
from shared.services.app import HANDLER_SECONDS, App, Deadline, Look
from shared.services.brake import role_lost
from shared.services.outage import outlast, patience
from shared.services.reconcile.future_looks import schedule
from shared.services.reconcile.identity import as_event, look_for_identity
from shared.services.reconcile.person import look_at_person
from shared.services.reconcile.profile import look_at_profile

_A_PERSON_HAS_TO_ACT: Final = "a person has to act"

_log = logging.getLogger(__name__)


async def reconcile(app: App, item: WorkItem) -> Outcome:
    """Takes one look, and returns how it ended once its record is written and its follow-ups are sent.

    Raises `Transient` or `Permanent` only when no queue could be reached for as long as a message may be kept: then it
    must come back.
    """
    now, until = app.clock.now(), patience()
    item = not_ahead(item, now)
    deadline = Deadline(now + timedelta(seconds=HANDLER_SECONDS))
    chain: Chain | None = None
    item = await schedule(app, item)
    try:
        chain = await app.ledger.open(chain_key(item.key))
        look = await _look(app, item, chain, deadline)
    except Conflict as lost:
        look, chain = Look(Outcome.RETRY, {"why": f"stopped: {lost.reason}"}), None
    except Transient as failure:
        record = {"why": _nameless(item.key, failure.reason), **_alert(failure)}
        look = Look(Outcome.RETRY, record, retry_after=failure.retry_after)
    except Permanent as failure:
        look = await _given_up(app, item.key, failure)
    look = _keeping_moments(app, item, _settled(app, look.item or item, look))
    look = _unrecorded(app, item, look) if chain is None else await _record(app, item, look, chain)
    if look.rejected:
        await outlast(lambda: app.queues.send_rejected(look.rejected), until, chain_key(item.key))
    if look.follow_ups:
        await outlast(lambda: app.queues.send_work(look.follow_ups), until, chain_key(item.key))
    _say(item, look, app.clock.now() - now)
    return look.outcome


async def _given_up(app: App, key: Key, failure: Permanent) -> Look:
    """Only a person can mend it; where our own role is gone, nothing more is written there until one has.

    No sweep finds somebody whom an event names by a name alone: so the name waits, and is looked for again.
    """
    if isinstance(failure, AccessLost) and not isinstance(key, IdentityKey):
        try:
            await role_lost(app, key, failure.account, failure.reason)
        except (Transient, Permanent) as unset:
            return Look(Outcome.RETRY, {"why": f"{failure.reason}; setting the brake failed: {unset.reason}"})
    if isinstance(key, IdentityKey):
        return Look(Outcome.RETRY, {"why": _nameless(key, failure.reason), "alert": _A_PERSON_HAS_TO_ACT})
    return Look(Outcome.GAVE_UP, {"why": _nameless(key, failure.reason)})


def _alert(failure: Transient) -> dict[str, str]:
    return {"alert": _A_PERSON_HAS_TO_ACT} if isinstance(failure, StoreRefused) else {}


def _nameless(key: Key, reason: str) -> str:
    """A service's words without the name that we asked it about: services repeat what they refuse."""
    if isinstance(key, IdentityKey):
        return nameless(reason, key.value)
    return reason


async def _look(app: App, item: WorkItem, chain: Chain, deadline: Deadline) -> Look:
    match item.key:
        case PersonKey() as key:
            return await look_at_person(app, key, item, chain, deadline)
        case ProfileKey() as key:
            return await look_at_profile(app, key, item, chain, deadline)
        case IdentityKey() as key:
            return await look_for_identity(app, key, item)


def _settled(app: App, item: WorkItem, look: Look) -> Look:
    """Adds the look that the outcome itself asks for, or gives up where it has been asked for long enough."""
    now = app.clock.now()
    match look.outcome:
        case Outcome.RETRY:
            if now - (item.failing_since or now) >= timedelta(hours=app.settings.retry_hours):
                why = f"given up after {app.settings.retry_hours} h of retries"
                return _for_its_sender(
                    item, replace(look, outcome=Outcome.GAVE_UP, record={**look.record, "alert": why})
                )
            return _with(look, _retry(app, item, look.retry_after))
        case Outcome.UNVERIFIED:
            verify = again(item, CauseKind.VERIFY)
            if verify.attempt >= len(app.settings.verify_seconds):
                why = "a write was accepted and never became visible"
                return replace(look, outcome=Outcome.GAVE_UP, record={**look.record, "alert": why})
            delay = timedelta(seconds=app.settings.verify_seconds[verify.attempt])
            return _with(look, _later(app, verify, now + delay))
        case Outcome.GAVE_UP:
            return replace(look, record={"alert": _A_PERSON_HAS_TO_ACT, **look.record})
        case _:
            return look


def _keeping_moments(app: App, item: WorkItem, look: Look) -> Look:
    """Sees to it that days to come that could not be scheduled go on with a later look, whatever became of this one."""
    if not item.moments or any(one.item.moments for one in look.follow_ups):
        return look
    return _with(look, _retry(app, item, None))


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


def _for_its_sender(item: WorkItem, look: Look) -> Look:
    """A name that is given up goes to rejected-events, where it can be sent again: no sweep finds it."""
    if not isinstance(item.key, IdentityKey):
        return look
    reason = f"nobody could be looked for: {look.record.get('why', '')}"
    mend = "Send the event again once that is mended"
    return replace(look, rejected=(as_event(item.key, item, reason, mend),))


def _with(look: Look, follow_up: Scheduled) -> Look:
    return replace(look, follow_ups=(*look.follow_ups, follow_up))


def _later(app: App, item: WorkItem, due: datetime) -> Scheduled:
    return later(item, due, coalesce=app.settings.coalesce)


async def _record(app: App, item: WorkItem, look: Look, chain: Chain) -> Look:
    """Leaves the look's record. Where that fails the look is taken again: nothing goes unexplained."""
    body: dict[str, Any] = {
        "cause": item.cause.kind.value,
        "origin": item.cause.origin,
        "event_type": item.cause.event_type,
        "attempt": item.attempt,
        "outcome": look.outcome.value,
        **look.record,
        "next": _dues(look.follow_ups),
    }
    try:
        try:
            await chain.append("look", app.clock.now(), body)
        except TooLarge:
            await _append_in_short(app, chain, body)
    except (Transient, Permanent) as failure:
        alert = {"alert": _A_PERSON_HAS_TO_ACT} if isinstance(failure, Permanent) else _alert(failure)
        why = f"not recorded: {failure.reason}"
        unrecorded = Look(Outcome.RETRY, {**look.record, **alert, "why": why})
        return _unrecorded(app, item, _settled(app, item, unrecorded))
    return look


async def _append_in_short(app: App, chain: Chain, body: Mapping[str, Any]) -> None:
    """Leaves as much of a record as the ledger holds."""
    for short in cuts(body):
        try:
            await chain.append("look", app.clock.now(), short)
        except TooLarge as failure:
            last = failure
        else:
            return
    raise last


def _unrecorded(app: App, item: WorkItem, look: Look) -> Look:
    """A look that left no record is not the last one: it is taken again for as long as nothing can be recorded.

    What it rejected or found is left to that one. After a day a key has one such look and no more, whatever else asks
    for it: all that are due in one `retry_cap_seconds` have the same MessageId.
    """
    if look.outcome is Outcome.RETRY:
        return look
    now = app.clock.now()
    retry = later(retried(item, now), now, coalesce=timedelta(seconds=app.settings.retry_cap_seconds))
    alert = f"not recorded, and taken again: {_A_PERSON_HAS_TO_ACT}"
    return Look(Outcome.RETRY, {**look.record, "alert": alert}, (retry,))


def _dues(follow_ups: Sequence[Scheduled]) -> list[dict[str, str]]:
    return [{"kind": one.item.cause.kind.value, "due": one.due.isoformat() if one.due else "now"} for one in follow_ups]


def _say(item: WorkItem, look: Look, took: timedelta) -> None:
    """One line per look, for the log; ids and no names. An alert is an error: whoever watches the log hangs on it."""
    level = logging.ERROR if look.record.get("alert") else logging.INFO
    if not _log.isEnabledFor(level):
        return
    line = {
        "look": chain_key(item.key),
        "cause": item.cause.kind.value,
        "outcome": look.outcome.value,
        "seconds": round(took.total_seconds(), 3),
        **{
            name: look.record[name]
            for name in ("why", "actions", "notes", "waiting", "alert", "finding")
            if look.record.get(name)
        },
    }
    _log.log(level, "reconcile: %s", json_of(line))
