"""What a sweep remembers for checks: whose assignments it proved managed and the state does not know.

A check reads what is remembered, so that a state that was lost would hide from it what a leaver has. Lives here:
writing that memory anew from a sweep's bulk reads. What a check itself remembers is `person`'s; Azure is not touched.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from shared.domain.access.decide import decide
from shared.domain.access.ownership import Held, ManagedAssignment
from shared.domain.keys import ProfileKey
from shared.domain.reasons import Code, Reason
from shared.domain.remembered import Holding, PersonState
from shared.errors import InvoiceAccessError
from shared.services.app import App
from shared.services.estate import Estate
from shared.services.provenance import recalled
from shared.services.shared_row import until_stored
from shared.wording.say import say

_PEOPLE_AT_ONCE: Final = 16
"""Rows written side by side: after a lost state there is one for everybody who has anything."""

_log = logging.getLogger(__name__)


async def remember_managed(app: App, estate: Estate, held: Mapping[str, Sequence[Held]]) -> tuple[int, list[Reason]]:
    """Remembers what was proved managed and is not in the state. Returns how many people, and what was not kept.

    Where the state has everything, which is nearly always, it reads and writes nothing.
    """
    gate = asyncio.Semaphore(_PEOPLE_AT_ONCE)

    async def remember(object_id: str, ones: Sequence[Held]) -> Reason | None:
        async with gate:
            try:
                await _remember(app, estate, object_id, ones)
            except InvoiceAccessError as failure:
                return Code.NOT_REMEMBERED(person=object_id, said=str(failure))
        return None

    forgotten = [object_id for object_id, ones in held.items() if _lacks(estate.states.get(object_id), ones)]
    failures = [why for why in await asyncio.gather(*(remember(one, held[one]) for one in forgotten)) if why]
    if forgotten:
        _log.warning("sweep: the state did not know the managed access of %d people; it is remembered", len(forgotten))
    for failure in failures:
        _log.error("sweep: not remembered: %s", say(failure))
    return len(forgotten) - len(failures), failures


def _lacks(state: PersonState | None, ones: Sequence[Held]) -> bool:
    known: Mapping[ProfileKey, Holding] = {} if state is None else state.holdings
    return any(isinstance(one, ManagedAssignment) and one.profile not in known for one in ones)


async def _remember(app: App, estate: Estate, object_id: str, ones: Sequence[Held]) -> None:
    """Adds what is missing to the row as it is now: what a check wrote since the sweep read it stands."""

    async def attempt() -> None:
        row = await app.state.person(object_id)
        if not _lacks(row.value, ones):
            return
        # A row that exists says what was adopted. So one that is made here has to say it as well.
        before = await recalled(row, app.ledger)
        gives: Mapping[ProfileKey, tuple[str, ...]] = {}
        names = before.names
        if (person := estate.people.get(object_id)) is not None:
            gives = decide(person, app.policy, estate.catalogue, (), estate.read_at).wanted
            names = person.names or names
        missing = {
            one.profile: Holding(rules=gives.get(one.profile, ()))
            for one in ones
            if isinstance(one, ManagedAssignment) and one.profile not in before.holdings
        }
        after = replace(before, holdings={**before.holdings, **missing}, names=names)
        await app.state.put_person(row.becoming(after))

    await until_stored(app, f"what we remember of person {object_id}", attempt)
