"""Looks at days to come: at most five at a time for each key, however many events ask for them.

Lives here: taking one of the five places in the store before a look is sent, and noting afterwards that it was. Time
gives places back. Which moments are asked for, and the sending, is intake's.
"""

import asyncio
import logging
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.domain.keys import IdentityKey, PersonKey
from shared.domain.work import Scheduled
from shared.errors import Conflict, InvoiceAccessError
from shared.ports import FutureLooks, State
from shared.services.reconcile import chain_key

FUTURE_LOOKS: Final = 5
"""The most future looks that may wait for one key: what senders can cost us is bounded. The sweep sees the rest."""

_TRIES: Final = 3
"""How often a row is read and stored when another instance is at it as well: a second time is rare, a third unheard."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Places:
    """A key's row as it is stored, and the looks that are to be sent for it."""

    row: FutureLooks
    to_send: tuple[Scheduled, ...] = ()


async def take_places(
    state: State,
    key: PersonKey | IdentityKey,
    wanted: Mapping[datetime, Scheduled],
    now: datetime,
    gate: asyncio.Semaphore,
) -> Places:
    """Takes places for looks by the moment when each is due, the nearest first, as long as there are any.

    A moment that has its place keeps it, and is sent again only while nobody noted that it was sent: the same event may
    come twice. Moments that are past make room. `gate` bounds how many keys are seen to side by side. Raises `Conflict`
    where others keep storing the row.
    """
    async with gate:
        row = await _with_places(state, key, wanted, now)
    return Places(row, tuple(look for due, look in sorted(wanted.items(), key=_due) if row.due.get(due) is False))


async def _with_places(
    state: State, key: PersonKey | IdentityKey, wanted: Mapping[datetime, Scheduled], now: datetime
) -> FutureLooks:
    tries = 0
    while True:
        row = await state.future_looks(key)
        kept = {due: sent for due, sent in row.due.items() if due > now}
        new = sorted(wanted.keys() - kept.keys())
        taken = new[: max(0, FUTURE_LOOKS - len(kept))]
        if taken:
            try:
                row = await state.put_future_looks(replace(row, due={**kept, **dict.fromkeys(taken, False)}))
            except Conflict:
                tries += 1
                if tries == _TRIES:
                    raise
                continue
        if left := len(new) - len(taken):
            _log.warning(
                "intake: %s has its %d future looks, left to the sweep: %d", chain_key(key), FUTURE_LOOKS, left
            )
        return row


async def note_sent(state: State, places: Places, gate: asyncio.Semaphore) -> None:
    """Notes that the looks were sent, so that the next event for the same moment sends none.

    Where that cannot be noted it sends one more, which coalesces or finds nothing to do: no failure of this event.
    """
    try:
        async with gate:
            await _note(state, places.row, {look.due for look in places.to_send})
    except InvoiceAccessError as failure:
        whose = chain_key(places.row.key)
        _log.warning("intake: not noted that the future looks at %s were sent: %s", whose, failure)


async def _note(state: State, row: FutureLooks, sent: AbstractSet[datetime | None]) -> None:
    for _ in range(_TRIES):
        due = {moment: was_sent or moment in sent for moment, was_sent in row.due.items()}
        if due == row.due:
            return
        try:
            await state.put_future_looks(replace(row, due=due))
        except Conflict:
            row = await state.future_looks(row.key)
        else:
            return


def _due(entry: tuple[datetime, Scheduled]) -> datetime:
    return entry[0]
