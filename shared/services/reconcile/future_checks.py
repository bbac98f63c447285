"""Checks days to come: at most five at a time for each key, however many events ask for them.

Lives here: taking one of the five places in the store before a check is sent, and noting afterwards that it was. Time
gives places back. It is done by the check that the event causes: under the key's session there is no other one, and
where the store is away the moments wait with the check.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from shared.domain.keys import NameKey, PersonKey, ProfileKey, chain_key
from shared.domain.remembered import FutureChecks
from shared.domain.work import FUTURE_CHECKS, CauseKind, Scheduled, WorkItem, later
from shared.errors import InvoiceAccessError, Permanent, Transient
from shared.ports import Stored
from shared.services.app import App
from shared.services.shared_row import change_row
from shared.sources.effective import FURTHEST

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Slots:
    """A key's row as it is stored, and the checks that are to be sent for it."""

    row: Stored[FutureChecks]
    to_send: tuple[Scheduled, ...] = ()


async def schedule(app: App, item: WorkItem) -> WorkItem:
    """Schedules the checks of an item's moments, and returns the item without them.

    Where the store or the queue is away they stay in it, for a later check to see to.
    """
    if not item.moments or isinstance(item.key, ProfileKey):
        return item
    now = app.clock.now()
    try:
        places = await _reserve(app, item.key, _checks(app, item, now), now)
    except Transient as failure:
        return _not_yet(item, failure)
    except Permanent as failure:
        # Coming back changes nothing, and the check now does not hang on it.
        _log.error("the future checks of %s are left to the sweep: %s", chain_key(item.key), failure.reason)
        return replace(item, moments=())
    if places.to_send:
        try:
            await app.queues.send_work(places.to_send)
        except (Transient, Permanent) as failure:  # a queue that refuses us is away as well; see `outage`
            return _not_yet(item, failure)
    await _mark_sent(app, places)
    return replace(item, moments=())


def _not_yet(item: WorkItem, failure: Transient | Permanent) -> WorkItem:
    _log.warning("the future checks of %s are not scheduled yet: %s", chain_key(item.key), failure.reason)
    return item


def _checks(app: App, item: WorkItem, now: datetime) -> dict[datetime, Scheduled]:
    """The checks of an item's moments that are still to come, by when they are due.

    A moment further ahead than an event may name one would keep its place for as long.
    """
    cause = replace(item.cause, kind=CauseKind.SCHEDULE)
    checks: dict[datetime, Scheduled] = {}
    for moment in sorted(moment for moment in item.moments if now < moment <= now + FURTHEST):
        check = later(WorkItem(item.key, cause, moment, effective=moment), moment, coalesce=app.settings.coalesce)
        checks.setdefault(check.due or moment, check)
    return checks


async def _reserve(app: App, key: PersonKey | NameKey, wanted: Mapping[datetime, Scheduled], now: datetime) -> _Slots:
    """Takes places for checks by the moment when each is due, the nearest first, as long as there are any.

    A moment that has its place keeps it, and is sent again only while nobody noted that it was sent: the same event may
    come twice. Moments that are past make room.
    """

    def take(row: FutureChecks) -> FutureChecks:
        kept = {due: sent for due, sent in row.due.items() if due > now}
        taken = sorted(wanted.keys() - kept.keys())[: max(0, FUTURE_CHECKS - len(kept))]
        return replace(row, due={**kept, **dict.fromkeys(taken, False)}) if taken else row

    what = f"the future checks of {chain_key(key)}"
    read, put = partial(app.state.future_checks, key), app.state.put_future_checks
    _, row = await change_row(app, what, read, take, put)
    due = row.value.due
    if left := len(wanted.keys() - due.keys()):
        _log.warning("%s has its %d future checks, left to the sweep: %d", chain_key(key), FUTURE_CHECKS, left)
    return _Slots(row, tuple(check for at, check in sorted(wanted.items(), key=_due) if due.get(at) is False))


async def _mark_sent(app: App, places: _Slots) -> None:
    """Notes that the checks were sent, so that the next event for the same moment sends none.

    Where that cannot be noted it sends one more, which coalesces or finds nothing to do: no failure of this event.
    """
    key, sent = places.row.value.key, {check.due for check in places.to_send}

    def note(row: FutureChecks) -> FutureChecks:
        return replace(row, due={moment: was_sent or moment in sent for moment, was_sent in row.due.items()})

    what = f"the future checks of {chain_key(key)}"
    read, put = partial(app.state.future_checks, key), app.state.put_future_checks
    try:
        await change_row(app, what, read, note, put, seen=places.row)
    except InvoiceAccessError as failure:
        _log.warning("not noted that %s were sent: %s", what, failure)


def _due(entry: tuple[datetime, Scheduled]) -> datetime:
    return entry[0]
