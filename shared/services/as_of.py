"""As-of: who held what of ours on a day, and what else was there, from the ledger alone.

Reads chain by chain and keeps what it answers with; neither Graph nor billing is asked.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import batched
from typing import Final

from shared.domain.as_of import PersonFold
from shared.domain.foreign_sightings import ESTATE, ForeignFold, ForeignSpell
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.spells import Certainty, Spell, Window
from shared.errors import Permanent
from shared.ports import Ledger, State

_CHAINS_AT_ONCE: Final = 16
"""Chains read side by side: a table answers in some ten milliseconds, and there may be 100,000."""

_PERSON: Final = "person:"


@dataclass(frozen=True, slots=True)
class HeldOn:
    """Something of ours that a person held."""

    person: str
    spell: Spell
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A chain that cannot be read, so that nothing is said of its key. `verify` tells more."""

    key: str
    why: str


async def held_on(
    ledger: Ledger,
    state: State,
    window: Window,
    *,
    person: PersonKey | None = None,
    profile: ProfileKey | None = None,
) -> AsyncIterator[HeldOn | Unreadable]:
    """Everything of ours that was held within `window`, as far as looks saw it: person by person.

    `state` names people whose chain is too old to be listed; what they held is the ledger's word. Raises `Transient`
    where the store cannot be reached.
    """
    keys = [person.canonical] if person is not None else await _people(ledger, state)
    for lot in batched(keys, _CHAINS_AT_ONCE, strict=False):
        answers = await asyncio.gather(*(_held_by(ledger, key, window, profile) for key in lot))
        for answer in answers:
            for one in answer:
                yield one


async def foreign_on(
    ledger: Ledger,
    window: Window,
    *,
    person: PersonKey | None = None,
    profile: ProfileKey | None = None,
) -> AsyncIterator[ForeignSpell | Unreadable]:
    """Everything foreign that sweeps saw around `window`, those that left first."""
    fold = ForeignFold()
    try:
        async for record in ledger.read(ESTATE):
            for spell in fold.take(record):
                if _is_asked_for(spell, window, person, profile):
                    yield spell
    except (Permanent, ValueError) as error:
        yield Unreadable(ESTATE, str(error))
        return
    for spell in fold.there:
        if _is_asked_for(spell, window, person, profile):
            yield spell


async def _people(ledger: Ledger, state: State) -> list[str]:
    keys = set[str]()
    async for key in ledger.keys():
        if key.startswith(_PERSON):
            keys.add(key)
    async for row in state.people():
        keys.add(PersonKey(row.object_id).canonical)
    return sorted(keys)


async def _held_by(
    ledger: Ledger, key: str, window: Window, profile: ProfileKey | None
) -> list[HeldOn] | list[Unreadable]:
    fold = PersonFold()
    try:
        async for record in ledger.read(key):
            fold.take(record)
    except (Permanent, ValueError) as error:
        return [Unreadable(key, str(error))]
    found: list[HeldOn] = []
    for spell in fold.spells():
        certainty = spell.certainty(window)
        if certainty is not None and profile in {None, spell.profile}:
            found.append(HeldOn(key.removeprefix(_PERSON), spell, certainty))
    return found


def _is_asked_for(spell: ForeignSpell, window: Window, person: PersonKey | None, profile: ProfileKey | None) -> bool:
    return (
        spell.certainty(window) is not None
        and (person is None or person.object_id == spell.principal_id)
        and (profile is None or profile == spell.profile)
    )
