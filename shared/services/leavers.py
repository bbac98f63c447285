"""The leaver clock, kept in the state: days are counted from the index of activity, which has every removal.

Lives here: what is read for it. What is counted is `shared.domain.history.leavers`'s.
"""

import logging
from datetime import datetime, time, timedelta
from typing import Final

from shared.domain.history.leavers import KEPT, LeaverDays, days_of, kept_days
from shared.errors import FailedRead
from shared.services.app import App

_AGAIN: Final = timedelta(hours=1)
"""How far behind the last count the next one begins: records have the clocks of several machines."""

_OFTEN: Final = timedelta(hours=6)
_MANY: Final = 200
"""How long ago, and how many entries back, the last count may be, before one that found nobody is stored as well."""

_log = logging.getLogger(__name__)


async def count_leavers(app: App, since: datetime | None = None) -> None:
    """Counts what came since the last count; the days from `since` on anew, where the index was lacking something.

    One read of what was counted, one per thousand entries of activity since, and a write where that changed something.
    Raises as the store does.
    """
    zone, now = app.policy.time_zone, app.clock.now()
    today = now.astimezone(zone).date()
    before = await _counted_before(app)
    if before.counted is None or since is not None:
        first = today - KEPT if before.counted is None or since is None else since.astimezone(zone).date()
        start, known = datetime.combine(first, time.min, zone), kept_days(before.days, today, until=first)
    else:
        start, known = before.counted - _AGAIN, kept_days(before.days, today)
    entries = [one async for _, one in app.ledger.activity(start)]
    days = days_of((one for one in entries if one.leaver is not None), zone, known)
    is_due = before.counted is None or now - before.counted >= _OFTEN or len(entries) >= _MANY
    if days != before.days or is_due:
        await app.state.put_leaver_days(LeaverDays(now, days), now)


async def _counted_before(app: App) -> LeaverDays:
    """What was counted before; nothing where it cannot be read: then everything is counted again."""
    try:
        return await app.state.leaver_days()
    except FailedRead as damage:
        _log.warning("leavers are counted anew: %s", damage)
        return LeaverDays()
