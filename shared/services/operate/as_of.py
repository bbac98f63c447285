"""As-of: who had managed access on a day, and what else was there, from the ledger alone.

Reads chain by chain and keeps what it answers with; neither Graph nor billing is asked.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import Final

from shared.domain.history.fold import PersonFold
from shared.domain.history.spells import Certainty, How, Spell, Window
from shared.domain.history.unmanaged_sightings import ESTATE, UnmanagedFold, UnmanagedSpell
from shared.domain.keys import PersonKey, ProfileKey
from shared.errors import Permanent
from shared.ports import Ledger, State
from shared.services.ledger_audit import DIGEST

_CHAINS_AT_ONCE: Final = 16
"""Chains read side by side: a table answers in some ten milliseconds, and there may be 100,000."""

_PERSON: Final = "person:"


@dataclass(frozen=True, slots=True)
class HeldOn:
    """Managed access that a person had."""

    person: str
    spell: Spell
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A chain that cannot be read, so that nothing is said of its key. `verify` tells more."""

    key: str
    why: str


@dataclass(slots=True)
class Known:
    """What the ledger knows at all, as far as it was read for an answer: filled in while that is read.

    `since` is the time of the earliest record; None where there is none. `person` and `profile` say whether any record
    names those that were asked for, at whatever time. `adoptions` are the moments at which something of a person on a
    profile became managed by adoption, by their ids.
    """

    since: datetime | None = None
    person: bool = False
    profile: bool = False
    adoptions: dict[tuple[str, ProfileKey], list[datetime]] = field(default_factory=dict)

    def begins(self, at: datetime) -> None:
        """A record of that time was read."""
        self.since = at if self.since is None else min(self.since, at)


async def held_on(
    ledger: Ledger,
    state: State,
    window: Window,
    *,
    person: PersonKey | None = None,
    profile: ProfileKey | None = None,
    known: Known | None = None,
) -> AsyncIterator[HeldOn | Unreadable]:
    """All managed access within `window`, as far as checks saw it: person by person.

    `state` names people whose chain is too old to be listed; what they had is the ledger's word. `known` learns what
    the ledger knows of them. Raises `Transient` where the store cannot be reached.
    """
    known = known or Known()
    keys = [person.canonical] if person is not None else await _people(ledger, state)
    for group in batched(keys, _CHAINS_AT_ONCE, strict=False):
        answers = await asyncio.gather(*(_held_by(ledger, key, window, profile, known) for key in group))
        for answer in answers:
            for one in answer:
                yield one


async def unmanaged_on(
    ledger: Ledger,
    state: State,
    window: Window,
    *,
    person: PersonKey | None = None,
    profile: ProfileKey | None = None,
    known: Known | None = None,
) -> AsyncIterator[UnmanagedSpell | Unreadable]:
    """Everything unmanaged that sweeps saw around `window`, those that left first.

    `state` knows when a sweep saw last what is there since; without it the first sight is the last that is known.
    `known` learns as of `held_on`. Given after that, it tells what was adopted since the last sweep.
    """
    known = known or Known()
    fold = UnmanagedFold()
    sights = {(one.principal_id, one.profile): one.last for one in await state.sighted()}
    try:
        async for record in ledger.read(ESTATE):
            known.begins(record.at)
            for left in fold.take(record):
                spell = left.adopted_at(known.adoptions.get((left.principal_id, left.profile), ()))
                if _is_asked_for(spell, window, person, profile, known):
                    yield spell
    except Permanent as error:
        yield Unreadable(ESTATE, str(error))
        return
    for there in fold.there:
        pair = there.principal_id, there.profile
        spell = there.seen_until(sights.get(pair, there.first)).adopted_at(known.adoptions.get(pair, ()))
        if _is_asked_for(spell, window, person, profile, known):
            yield spell


async def check_further(
    ledger: Ledger, known: Known, *, person: PersonKey | None = None, profile: ProfileKey | None = None
) -> Unreadable | None:
    """What the chains of people and unmanaged ones cannot say of what the ledger knows, for one or two reads more.

    One person's chain does not say how old the ledger is: the first digest does. A profile on which nobody ever held
    anything has a chain of its own.
    """
    if person is None:
        if profile is not None and not known.profile:
            known.profile = await _has_records(ledger, profile.canonical)
        return None
    try:
        first = await anext(ledger.read(DIGEST), None)
    except Permanent as error:
        return Unreadable(DIGEST, str(error))
    if first is not None:
        known.begins(first.at)
    return None


async def _has_records(ledger: Ledger, key: str) -> bool:
    try:
        return (await ledger.head(key))[0] > 0
    except Permanent:
        return True  # what cannot be read is there


async def _people(ledger: Ledger, state: State) -> list[str]:
    keys = set[str]()
    async for key in ledger.keys():
        if key.startswith(_PERSON):
            keys.add(key)
    async for row in state.people():
        keys.add(PersonKey(row.object_id).canonical)
    return sorted(keys)


async def _held_by(
    ledger: Ledger, key: str, window: Window, profile: ProfileKey | None, known: Known
) -> list[HeldOn] | list[Unreadable]:
    fold = PersonFold()
    try:
        async for record in ledger.read(key):
            known.begins(record.at)
            known.person = True
            fold.take(record)
    except (Permanent, ValueError) as error:
        return [Unreadable(key, str(error))]
    known.profile = known.profile or profile in fold.profiles
    found: list[HeldOn] = []
    person = key.removeprefix(_PERSON)
    for spell in fold.spells():
        if spell.began.how is How.ADOPTED and spell.began.at is not None:
            known.adoptions.setdefault((person, spell.profile), []).append(spell.began.at)
        certainty = spell.certainty(window)
        if certainty is not None and profile in {None, spell.profile}:
            found.append(HeldOn(person, spell, certainty))
    return found


def _is_asked_for(
    spell: UnmanagedSpell, window: Window, person: PersonKey | None, profile: ProfileKey | None, known: Known
) -> bool:
    if person is not None and person.object_id != spell.principal_id:
        return False
    known.person = True
    if profile is not None and profile != spell.profile:
        return False
    known.profile = True
    return spell.certainty(window) is not None
