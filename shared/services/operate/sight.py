"""Reads the view as one: profiles, people and names of the same sweep."""

from typing import Final

from shared.domain.receiving import Sight
from shared.errors import Permanent, Transient
from shared.ports import Clock, State

NO_VIEW: Final = (
    "no full check (sweep) has left a view yet. They run hourly, unless SWEEP_SCHEDULE says otherwise; else: is "
    "INVOICE_ACCESS_STORE the store that the app uses?"
)

_TRIES: Final = 3
"""How often it is read while sweeps replace it: one sweep takes a second, and the next comes in an hour."""


async def read_sight(state: State, clock: Clock) -> Sight:
    """The latest view, with its people and their names.

    Raises `Permanent` before the first sweep, and `Transient` where sweeps keep replacing it.
    """
    for _ in range(_TRIES):
        view, people = await state.view(), await state.people_view()
        if view is None:
            raise Permanent(NO_VIEW)
        if people is not None and people.sweep == view.sweep:
            return Sight(view, people.by_id, await state.names(), clock.now())
    raise Transient("the view was replaced while it was read; ask again")
