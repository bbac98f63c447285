"""Reconcile: the one writer. Takes a look at a key, records how it ended, and settles what has to follow.

Everything that is written to Azure is written from here, under the session that the key hashes to. A look that
raises is a bug: the host redelivers it and in the end dead-letters it. Everything else ends in an `Outcome`.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shared.domain.keys import IdentityKey, Key, PersonKey, ProfileKey, chain_key
from shared.domain.nameless import nameless
from shared.domain.outcome import Outcome, retry_delay
from shared.domain.work import CauseKind, Scheduled, WorkItem, again, later, retried
from shared.errors import AccessLost, Conflict, Permanent, Transient
from shared.ports import Chain
from shared.services.app import App, Deadline, Look
from shared.services.future import schedule
from shared.services.guards import role_lost
from shared.services.identity import look_for_identity
from shared.services.outage import outlast, patience
from shared.services.person import look_at_person
from shared.services.profile import look_at_profile

_log = logging.getLogger(__name__)


async def reconcile(app: App, item: WorkItem) -> Outcome:
    """Takes one look, and returns how it ended once its record is written and its follow-ups are sent.

    Raises `Transient` or `Permanent` only when no queue could be reached for as long as a message may be kept: then it
    must come back.
    """
    now, until = app.clock.now(), patience()
    deadline = Deadline(now + timedelta(seconds=app.settings.handler_seconds))
    chain: Chain | None = None
    item = await schedule(app, item)
    try:
        chain = await app.ledger.open(chain_key(item.key))
        look = await _look(app, item, chain, deadline)
    except Conflict as lost:
        look, chain = Look(Outcome.RETRY, {"why": f"stopped: {lost.reason}"}), None
    except Transient as failure:
        look = Look(Outcome.RETRY, {"why": _nameless(item.key, failure.reason)}, retry_after=failure.retry_after)
    except Permanent as failure:
        look = await _given_up(app, item.key, failure)
    look = _keeping_moments(app, item, _settled(app, item, look))
    if chain is not None:
        look = await _record(app, item, look, chain)
    if look.rejected:
        await outlast(lambda: app.queues.send_rejected(look.rejected), until, chain_key(item.key))
    if look.follow_ups:
        await outlast(lambda: app.queues.send_work(look.follow_ups), until, chain_key(item.key))
    _say(item, look, app.clock.now() - now)
    return look.outcome


async def _given_up(app: App, key: Key, failure: Permanent) -> Look:
    """Only a person can mend it; where our own role is gone, nothing more is written until one has."""
    if isinstance(failure, AccessLost) and not isinstance(key, IdentityKey):
        try:
            await role_lost(app, key, failure.reason)
        except Transient as unset:
            return Look(Outcome.RETRY, {"why": f"{failure.reason}; setting the brake failed: {unset.reason}"})
    return Look(Outcome.GAVE_UP, {"why": _nameless(key, failure.reason)})


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
                return replace(look, outcome=Outcome.GAVE_UP, record={**look.record, "alert": why})
            retry = retried(item, now)
            delay = retry_delay(
                retry.attempt,
                app.random.random(),
                cap=_cap(app),
                retry_after=look.retry_after,
            )
            return _with(look, _later(app, retry, now + delay))
        case Outcome.UNVERIFIED:
            verify = again(item, CauseKind.VERIFY)
            if verify.attempt >= len(app.settings.verify_seconds):
                why = "a write was accepted and never became visible"
                return replace(look, outcome=Outcome.GAVE_UP, record={**look.record, "alert": why})
            delay = timedelta(seconds=app.settings.verify_seconds[verify.attempt])
            return _with(look, _later(app, verify, now + delay))
        case Outcome.GAVE_UP:
            return replace(look, record={"alert": "a person has to act", **look.record})
        case _:
            return look


def _keeping_moments(app: App, item: WorkItem, look: Look) -> Look:
    """Sees to it that days to come that could not be scheduled go on with a later look, whatever became of this one."""
    if not item.moments or any(one.item.moments for one in look.follow_ups):
        return look
    now = app.clock.now()
    delay = retry_delay(item.attempt, app.random.random(), cap=_cap(app), retry_after=None)
    return _with(look, _later(app, retried(item, now), now + delay))


def _cap(app: App) -> timedelta:
    return timedelta(seconds=app.settings.retry_cap_seconds)


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
        await chain.append("look", app.clock.now(), body)
    except Transient as failure:
        why = f"not recorded: {failure.reason}"
        unrecorded = Look(Outcome.RETRY, {**look.record, "why": why}, rejected=look.rejected)
        return _settled(app, item, unrecorded)
    return look


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
    _log.log(level, "reconcile: %s", json.dumps(line, ensure_ascii=False))
