"""Changing a budget's row, which every look and every sweep share."""

import asyncio
from collections.abc import Callable
from typing import Final

from shared.domain.guards.budgets import Reservations
from shared.domain.policy.model import ActionKind
from shared.errors import Conflict, Transient
from shared.services.app import App

_TRIES: Final = 20
"""How often a row that all instances share is written anew over what others wrote meanwhile."""

_PAUSE_SECONDS: Final = 0.05


async def rewrite_reservations(
    app: App, kind: ActionKind, change: Callable[[Reservations], Reservations]
) -> tuple[Reservations, Reservations]:
    """Stores a budget's row as `change` makes it, anew over what others wrote meanwhile. Before and after."""
    for attempt in range(_TRIES):
        row = await app.state.reservations(kind)
        changed = change(row)
        try:
            if changed != row:
                await app.state.put_reservations(changed)
        except Conflict:
            await asyncio.sleep(app.random.random() * _PAUSE_SECONDS * (attempt + 1))
            continue
        return row, changed
    raise Transient(f"the budget for {kind.value.replace('_', ' ')} was written by others {_TRIES} times meanwhile")
