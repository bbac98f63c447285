"""Changing a daily limit's row, which the checks of all instances and the sweep share."""

from collections.abc import Callable
from functools import partial

from shared.domain.guards.daily_limits import Reservations
from shared.domain.policy.model import ActionKind
from shared.services.app import App
from shared.services.shared_row import change_row


async def rewrite_reservations(
    app: App, kind: ActionKind, change: Callable[[Reservations], Reservations]
) -> tuple[Reservations, Reservations]:
    """Stores a daily limit's row as `change` makes it. Returns it before and after; see `change_row`."""
    what = f"the daily limit for {kind.value.replace('_', ' ')}"
    read, put = partial(app.state.reservations, kind), app.state.put_reservations
    before, after = await change_row(app, what, read, change, put)
    return before.value, after.value
