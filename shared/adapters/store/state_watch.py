"""State of what is watched over rows: health, the daily proof, the leaver clock.

How these values are spread over rows lives here; `state` has the rest. Nothing is decided by them, and each is found
out anew: a row that cannot be read is told in the log, and is as good as none, until it is stored over.

    partition    row key             what it holds
    watch        health              the Health
                 heard               the Heard
                 subscriptions       the SubscriptionsKept
                 proofs              the Proofs
    leaver-days  (see `chunked_value`) the LeaverDays
"""

import logging
from datetime import datetime
from typing import Final

from shared.adapters.store.chunked_value import ChunkedValue
from shared.adapters.store.codec import Codec
from shared.adapters.store.rows import Changed, Damaged, Exists, Rows, put_over
from shared.domain.health import Health, Heard, SubscriptionsKept
from shared.domain.history.leavers import LeaverDays
from shared.domain.history.proof import Proofs
from shared.errors import Conflict
from shared.ports import Stored

_WATCH: Final = "watch"

_log = logging.getLogger(__name__)

_HEALTH: Final = Codec[Health](Health, "look at health")
_HEARD: Final = Codec[Heard](Heard, "list of sources heard of")
_SUBSCRIPTIONS: Final = Codec[SubscriptionsKept](SubscriptionsKept, "list of subscriptions")
_PROOFS: Final = Codec[Proofs](Proofs, "daily proof")
_DAYS: Final = Codec[LeaverDays](LeaverDays, "list of leavers' days")


class WatchState:
    """The watch's part of `State` over `Rows`."""

    def __init__(self, rows: Rows) -> None:
        self._watched = rows
        self._leaver_days = ChunkedValue(rows, "leaver-days", "the leaver clock", _DAYS, LeaverDays())

    async def health(self) -> Health | None:
        """The latest look; None before the first. One read."""
        return (await self._watched_row(_HEALTH, "health")).value

    async def put_health(self, health: Health) -> None:
        """Replaces it. Raises `Conflict`."""
        row = await self._watched_row(_HEALTH, "health")
        await self._put_watched(_HEALTH, "health", Stored(health, row.version))

    async def heard(self) -> Stored[Heard]:
        """The last event of each source. One read."""
        row = await self._watched_row(_HEARD, "heard")
        return Stored(row.value or Heard(), row.version)

    async def put_heard(self, row: Stored[Heard]) -> Stored[Heard]:
        """Stores the row. Raises `Conflict`."""
        return await self._put_watched(_HEARD, "heard", row)

    async def subscriptions_kept(self) -> SubscriptionsKept | None:
        """What the last run that keeps subscriptions left; None before the first. One read."""
        return (await self._watched_row(_SUBSCRIPTIONS, "subscriptions")).value

    async def put_subscriptions_kept(self, kept: SubscriptionsKept) -> None:
        """Replaces it. Raises `Conflict`."""
        row = await self._watched_row(_SUBSCRIPTIONS, "subscriptions")
        await self._put_watched(_SUBSCRIPTIONS, "subscriptions", Stored(kept, row.version))

    async def proofs(self) -> Stored[Proofs]:
        """What is kept of the daily proof. One read."""
        row = await self._watched_row(_PROOFS, "proofs")
        return Stored(row.value or Proofs(), row.version)

    async def put_proofs(self, row: Stored[Proofs]) -> Stored[Proofs]:
        """Stores the row. Raises `Conflict`."""
        return await self._put_watched(_PROOFS, "proofs", row)

    async def leaver_days(self) -> LeaverDays:
        """The leaver clock, by day. One small read while it is the one read before. Raises `FailedRead` as `view`."""
        return await self._leaver_days.get() or LeaverDays()

    async def put_leaver_days(self, days: LeaverDays, at: datetime) -> None:
        """Replaces it as a whole. Raises `Conflict`."""
        await self._leaver_days.put(days, at)

    async def _watched_row[T](self, codec: Codec[T], key: str) -> Stored[T | None]:
        row = await self._watched.get(_WATCH, key)
        if row is None:
            return Stored(None)
        try:
            return Stored(codec.value(row), row.etag)
        except Damaged as damage:
            _log.error("%s; it is stored anew", damage)
            return Stored(None, row.etag)

    async def _put_watched[T](self, codec: Codec[T], key: str, row: Stored[T]) -> Stored[T]:
        try:
            (etag,) = await self._watched.write(_WATCH, put_over(row.version, key, codec.body(row.value)))
        except (Exists, Changed) as error:
            raise Conflict(f"somebody else stored '{key}' of what is watched meanwhile") from error
        return Stored(row.value, etag)
