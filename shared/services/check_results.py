"""What became of checks that somebody asked for, as their records have it.

Lives here: waiting for a record of each key. Whoever asked has given all of its checks one origin, and no other check
has that one.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Final

from shared.domain.history.checks import CheckBody
from shared.domain.keys import PersonKey, ProfileKey, chain_key
from shared.services.app import App

_LATEST: Final = 5
"""Records of a key that are read to find a check's: others may have come behind it."""

_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 2.0
"""Seconds between two looks: a check takes about one, and many checks are many rows to read."""


def nobody_listens(_: int) -> None:
    """What hears of a number of checks where nobody wants to know."""


async def results[K: PersonKey | ProfileKey](
    app: App, origin: str, keys: Iterable[K], *, within: timedelta, advance: Callable[[int], None] = nobody_listens
) -> Mapping[K, CheckBody | None]:
    """What the first check of each key told that has this origin; None where it has no record after `within`.

    `advance` hears, after each look, how many have one. Raises as the ledger does.
    """
    found: dict[K, CheckBody | None] = dict.fromkeys(keys)
    ends, pause = app.clock.now() + within, _FIRST_PAUSE
    while True:
        for key in [key for key, told in found.items() if told is None]:
            found[key] = await _told(app, key, origin)
        there = sum(told is not None for told in found.values())
        advance(there)
        if there == len(found) or app.clock.now() >= ends:
            return found
        await asyncio.sleep(pause)
        pause = min(_LONGEST_PAUSE, 2 * pause)


async def _told(app: App, key: PersonKey | ProfileKey, origin: str) -> CheckBody | None:
    for record in await app.ledger.latest(chain_key(key), _LATEST):
        if isinstance(record.body, CheckBody) and record.body.origin == origin:
            return record.body
    return None
