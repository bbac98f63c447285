"""The leaver clock, kept in the state: days are counted from the index of activity, which has every removal.

Lives here: which days are counted anew. What is counted is `shared.domain.history.leavers`'s.
"""

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from shared.domain.history.leavers import KEPT, LeaverDays, days_of, joined
from shared.services.app import App

_HOURS_AGAIN: Final = 3
"""In the first hours of a day the day before is counted anew: a removal may be told after midnight."""


async def count_leavers(app: App, since: datetime | None = None) -> None:
    """Counts today anew, every day that no earlier count came to, and the days from `since` on.

    One read of what was counted, one per thousand entries of activity of these days, and a write where a day changed.
    Raises as the store does.
    """
    zone = app.policy.time_zone
    now = app.clock.now().astimezone(zone)
    before = await app.state.leaver_days()
    first = now.date() - KEPT
    if before.counted:
        first = min(date.fromisoformat(before.counted), (now - timedelta(hours=_HOURS_AGAIN)).date())
    if since is not None:
        first = min(first, since.astimezone(zone).date())
    entries = [one async for _, one in app.ledger.activity(_begin(first, zone)) if one.leaver is not None]
    days = LeaverDays(now.date().isoformat(), joined(before.days, days_of(entries, zone), first, now.date()))
    if days != before:
        await app.state.put_leaver_days(days, app.clock.now())


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)
