"""Tells people outside what they should know: each matter once, through outages of the channel and crashes of the app.

Lives here: reading what there is to tell, and emptying the outbox of each channel. What is worth telling is decided in
`shared.domain.notices`. The outbox is stored before anything is sent, and a notice leaves it once it has arrived: a
crash in between has it sent again, under the same id.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from shared.domain.health import Health
from shared.domain.keys import ProfileKey
from shared.domain.log_line import json_of
from shared.domain.notices import matters
from shared.domain.notices.digest import digest, week_of
from shared.domain.notices.notice import Found, Matter, Notice, NoticeKind, Telling, take_up
from shared.domain.receiving import Sight
from shared.errors import Conflict, InvoiceAccessError, Permanent, Transient
from shared.ports import Channel, Stored
from shared.services.app import App
from shared.services.operate.sight import read_sight

_SLACK: Final = timedelta(hours=2)
"""How much longer than its schedule's longest rest a sweep may be away before that is told."""

_log = logging.getLogger(__name__)


async def notify(app: App, channels: Sequence[Channel]) -> None:
    """Takes up what is new for each channel, and delivers what waits. A channel that fails costs no other."""
    found = await _find(app, frozenset[NoticeKind]().union(*(channel.kinds for channel in channels)))
    for channel in channels:
        try:
            await _serve(app, channel, {kind: of for kind, of in found.items() if kind in channel.kinds})
        except Conflict:
            _log.info("notify: another run is telling %s", channel.name)
        except InvoiceAccessError as failure:
            _log.error("notify: %s", json_of({"channel": channel.name, "failed": str(failure)}))


async def _serve(app: App, channel: Channel, found: Found) -> None:
    row = await app.state.telling(channel.name)
    taken = take_up(row.value, found, app.clock.now())
    if taken != row.value:
        row = await app.state.put_telling(channel.name, row.becoming(taken))
    for notice in taken.outbox:
        if row.value.rests(app.clock.now()):
            return
        row = await _tell(app, channel, row, notice)


async def _tell(app: App, channel: Channel, row: Stored[Telling], notice: Notice) -> Stored[Telling]:
    """Sends one notice, and stores what became of it."""
    said: dict[str, object] = {"channel": channel.name, "kind": notice.kind.value, "notice": notice.id}
    try:
        await channel.tell(notice)
    except (Transient, Permanent) as failure:
        wait = failure.retry_after if isinstance(failure, Transient) else None
        refused = isinstance(failure, Permanent)
        after = row.value.not_delivered(notice, app.clock.now(), wait, refused=refused)
        said |= {"waiting": len(after.outbox), "failed": after.failed, "why": str(failure)}
        _log.log(logging.ERROR if refused else logging.WARNING, "notify: %s", json_of(said))
    else:
        after = row.value.delivered(notice)
        _log.info("notify: %s", json_of({**said, "told": True}))
    return await app.state.put_telling(channel.name, row.becoming(after))


async def _find(app: App, kinds: Iterable[NoticeKind]) -> Found:
    """What there is to tell of these kinds, None of a kind where it cannot be read."""
    now, asked = app.clock.now(), {*kinds}
    found: dict[NoticeKind, Sequence[Matter] | None] = {}
    reports = await _readable(app.state.reports, 1)
    report = next(iter(reports or ()), None)
    pauses = await _readable(app.state.pauses)
    mail = await _readable(app.state.mail_verdicts)
    if NoticeKind.DECISION in asked:
        found[NoticeKind.DECISION] = await _readable(_decisions, app)
    if pauses is not None:
        found[NoticeKind.PAUSE] = matters.pauses(pauses.value)
        if reports is not None:
            rest = timedelta(hours=app.settings.sweep_hours) + _SLACK
            found[NoticeKind.CHECK_FAILED] = matters.failed_checks(report, pauses.value, now, rest)
    if {NoticeKind.LEAVERS, NoticeKind.FEED} & asked:
        found[NoticeKind.LEAVERS] = matters.leavers(report, await _profile_names(app))
        found[NoticeKind.FEED] = matters.silent_feed(report)
    if {NoticeKind.REJECTED, NoticeKind.DEAD_LETTERS} & asked:
        found |= _shelves(await _readable(app.state.health), now)
    if mail is not None:
        found[NoticeKind.MAIL] = matters.mail(mail, now.astimezone(app.policy.time_zone).date(), now)
    if NoticeKind.DIGEST in asked and (week := week_of(now, app.policy.time_zone)) is not None:
        said = digest(week, await _readable(_sight, app), mail or (), now, app.policy.time_zone)
        found[NoticeKind.DIGEST] = None if said is None else [said]
    return {kind: of for kind, of in found.items() if kind in asked}


async def _readable[T](read: Callable[..., Awaitable[T]], *given: object) -> T | None:
    """What was read; None where it cannot be: then nothing of it is told, and nothing is forgotten as told."""
    try:
        return await read(*given)
    except InvoiceAccessError as failure:
        _log.warning("notify: %s", json_of({"not_read": str(failure)}))
        return None


def _shelves(health: Health | None, now: datetime) -> Found:
    """What waits on the shelves of the queues, as far as the latest look says."""
    if health is None or health.is_stale(now):
        return {NoticeKind.REJECTED: None, NoticeKind.DEAD_LETTERS: None}
    rejected, dead = health.rejected, health.dead
    return {
        NoticeKind.REJECTED: None if rejected is None else matters.rejected(rejected.count, more=rejected.more),
        NoticeKind.DEAD_LETTERS: matters.dead_letters(dead.count, more=dead.more),
    }


async def _decisions(app: App) -> list[Matter]:
    holds = [hold async for row in app.state.holds() for hold in row.value.holds.values()]
    return matters.decisions(holds, app.clock.now())


async def _sight(app: App) -> Sight:
    return await read_sight(app.state, app.clock)


async def _profile_names(app: App) -> Callable[[ProfileKey], str]:
    """What profiles are called, by the latest view; the profile's own id where none says."""
    view = await _readable(app.state.view)
    names = {} if view is None else {one.key: one.name for one in view.profiles}
    return lambda key: names.get(key) or str(key)
