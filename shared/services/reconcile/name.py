"""One check for somebody we only know by name: who is that, and if it is nobody yet, when to ask again.

Everybody found gets a check of their own under their own key; nothing is written from here.
"""

import asyncio
import json
import uuid
from datetime import datetime, timedelta
from typing import Final

from shared.domain.history.checks import Told
from shared.domain.keys import NameKey, PersonKey
from shared.domain.outcome import Outcome, wait_delay
from shared.domain.reasons import Code
from shared.domain.work import Cause, CauseKind, RejectedEvent, WorkItem, again, at_once, heard_at, later
from shared.services.app import App, Check, unique_id
from shared.sources.effective import FURTHEST
from shared.wording.say import say

_REMEDY: Final = "Name the person by their object id, or correct the name, and send the event again"


async def find_by_name(app: App, key: NameKey, item: WorkItem) -> Check:
    """Finds everybody who is called that, or once was while they had something managed.

    A leaver whom the directory no longer knows, or knows by another name, is only in the second place. Nobody
    found: waiting, with growing waits, up to `identity_wait_days` past the effective date; then rejected.
    """
    now = app.clock.now()
    in_directory, remembered = await asyncio.gather(app.directory.find(key), app.state.called(key))
    found = sorted({*in_directory, *remembered})
    if found:
        cause = Cause(CauseKind.EVENT, item.cause.origin, item.cause.event_type)
        checks = tuple(
            at_once(
                WorkItem(PersonKey(object_id), cause, first_asked=now, hints=item.hints, heard=heard_at(item)),
                unique_id(app.random),
            )
            for object_id in found
        )
        why = Code.FOUND_BY_NAME(directory=len(in_directory), remembered=len(remembered))
        return Check(Outcome.DONE, Told(why=why, found=tuple(found)), checks)
    asked_until = _last_moment(item) + timedelta(days=app.settings.identity_wait_days)
    if now >= asked_until:
        why = Code.NOBODY_OF_THIS_NAME(days=app.settings.identity_wait_days)
        return Check(Outcome.REJECTED, Told(why=why), rejected=(as_event(key, item, say(why), _REMEDY),))
    due = min(now + _wait(app, item, now), asked_until)
    wait = later(again(item, CauseKind.WAIT), due, coalesce=app.settings.coalesce)
    return Check(Outcome.WAITING, Told(why=Code.NOBODY_OF_THIS_NAME_YET()), (wait,))


def _last_moment(item: WorkItem) -> datetime:
    """When the person is to be there: the effective date, as far ahead as an event may name one."""
    return min(max(item.first_asked, item.effective or item.first_asked), item.first_asked + FURTHEST)


def _wait(app: App, item: WorkItem, now: datetime) -> timedelta:
    """How long to wait for somebody: up to six hours, and up to a week while the effective date is far off.

    Anybody may name a date in ten years, and each check is a read.
    """
    first, near = timedelta(seconds=app.settings.identity_wait_seconds), timedelta(days=app.settings.identity_wait_days)
    waited, ahead = now - item.first_asked, (item.effective or now) - near - now
    if waited < near or ahead <= timedelta():
        return wait_delay(waited, first=first)
    return min(ahead, wait_delay(waited, first=first, cap=timedelta(days=7)))


def as_event(key: NameKey, item: WorkItem, reason: str, remedy: str) -> RejectedEvent:
    """The event as it can be sent again once it is fixed: what we kept of it, in our own form."""
    event: dict[str, object] = {
        "specversion": "1.0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, item.cause.origin + key.canonical)),
        "source": "/invoice-access",
        "type": item.cause.event_type or "person.changed",
        "subject": f"{key.kind}:{key.value}",
    }
    if isinstance(item.effective, datetime):
        event["data"] = {"effective": item.effective.isoformat()}
    return RejectedEvent(
        json.dumps(event).encode(),
        field_name="subject",
        reason=reason,
        remedy=remedy,
        message_id=None,
        properties={"origin": item.cause.origin},
    )
