"""Health: a look at queues, sources and subscriptions every five minutes, left in the state for whoever asks.

Lives here: taking that look, and noting what events and subscriptions leave for it. Nothing is decided by it.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from shared.domain.health import Health, ShelfCount, heard_of, with_notifications
from shared.domain.log_line import json_of
from shared.errors import Conflict, Permanent, Transient
from shared.ports import Shelves
from shared.services.app import App
from shared.services.shared_row import change_row

NOTED_EVERY: Final = timedelta(minutes=5)
"""How often a process notes that it hears a source: the look at it is as often, and events cost no write each."""

_PATIENCE_SECONDS: Final = 2.0
"""How long a batch of events waits for that, with a lock that is never renewed."""

_log = logging.getLogger(__name__)


async def look(app: App, shelves: Shelves) -> Health:
    """Takes a look, and stores it. Raises `Transient` or `Permanent` where the store cannot be read or written."""
    counted = tuple(await shelves.count())
    heard = (await app.state.heard()).value.sources
    kept = await app.state.subscriptions_kept()
    health = Health(app.clock.now(), counted, heard, with_notifications(kept, heard))
    try:
        await app.state.put_health(health)
    except Conflict as other:
        _log.info("health: left to another look: %s", other.reason)
    said = {_name(one): one.said for one in counted}
    unknown = {_name(one): one.why for one in counted if one.count is None and not one.is_told_elsewhere}
    _log.log(
        logging.ERROR if unknown else logging.INFO,
        "health: %s",
        json_of({**said, **({"not_known": unknown} if unknown else {})}),
    )
    return health


async def note_sources(app: App, heard: Mapping[str, datetime], noted: dict[str, datetime]) -> None:
    """Notes the last event of each source, where this process has not noted it for five minutes.

    `noted` is when it did. It is told and decides nothing: what cannot be stored is told later, and stops no event.
    """
    due = {source: at for source, at in heard.items() if source not in noted or not _is_recent(noted[source], at)}
    if not due:
        return
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await change_row(
                app,
                "the sources that were heard",
                app.state.heard,
                lambda before: heard_of(before, due),
                app.state.put_heard,
            )
    except (Transient, Permanent, TimeoutError) as failure:
        why = str(failure) or f"the store took more than {_PATIENCE_SECONDS:g} s"
        _log.warning("health: the last event of %d sources is not noted: %s", len(due), why)
        return
    noted.update(due)


def _is_recent(noted: datetime, at: datetime) -> bool:
    return timedelta() <= at - noted < NOTED_EVERY


def _name(one: ShelfCount) -> str:
    return f"{one.queue} dead letters" if one.is_dead else one.queue
