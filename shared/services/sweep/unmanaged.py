"""Notes what is unmanaged: every sweep keeps since when each such assignment is seen, and what came and went.

State keeps them all with their first and last sight; the ledger's chain `estate` keeps the changes, so that it grows
with what people do in the portal and not with the number of sweeps. Nothing here is acted upon.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import batched
from typing import Final

from shared.domain.access.ownership import Held, ManagedAssignment, OwnershipBasis, UnmanagedAssignment
from shared.domain.history.records import Appeared, Disappeared, Left, UnmanagedBody
from shared.domain.history.unmanaged_sightings import ESTATE, Sighted, UnmanagedFold
from shared.domain.keys import ProfileKey
from shared.domain.reasons import Reason
from shared.errors import Conflict
from shared.services.app import App
from shared.services.estate import Estate

SHOWN: Final = 500
"""The most unmanaged assignments that a report lists one by one; State and ledger have them all."""

_ENTRIES: Final = 500
"""Changes in one record: some 150 KB of the 440 that a record holds."""

_log = logging.getLogger(__name__)

type _Pair = tuple[ProfileKey, str]


async def note_unmanaged(
    app: App, estate: Estate, held: Mapping[str, Sequence[Held]], started: datetime
) -> list[Sighted]:
    """Notes the Invoice manager assignments that are not managed, and returns the first of them for the report.

    `held` is what the sweep that began at `started` read, by principal. A profile whose list could not be read is as it
    was. Where another sweep noted meanwhile, what this one saw is left to it. Raises `Transient` or `Permanent` where
    the store fails.
    """
    seen = dict(_seen(held, started))
    chain = await app.ledger.open(ESTATE)
    known = {(one.profile, one.principal_id): one for one in await _known(app)}
    now = _now_there(estate, seen, known)
    length, _ = await app.ledger.head(ESTATE)
    # A ledger that lost the chain gets everything anew, each with its first sight.
    before = known if length else {}
    came = [Appeared(*_told(one)) for pair, one in now.items() if pair not in before]
    left = [
        Disappeared(*_told(one), one.last, _how_left(estate, held, pair))
        for pair, one in known.items()
        if pair not in now
    ]
    try:
        # The ledger first: a sweep that ends in between is repeated by the next one.
        for body in _bodies(came, left):
            length = (await chain.append(app.clock.now(), body)).sequence
        if (await app.ledger.head(ESTATE))[0] == length:
            await app.state.put_sighted([*now.values()])
    except Conflict as lost:
        _log.info("sweep: what is unmanaged was noted by another sweep: %s", lost.reason)
    listed = sorted(now.values(), key=lambda one: (str(one.profile), one.principal_id))
    return listed[:SHOWN]


def _seen(held: Mapping[str, Sequence[Held]], started: datetime) -> Iterator[tuple[_Pair, Sighted]]:
    for rows in held.values():
        for one in rows:
            if isinstance(one, UnmanagedAssignment):
                row = one.assignment
                sight = Sighted(one.profile, row.principal_id, row.principal_type or "", one.why, started, started)
                yield (one.profile, row.principal_id), sight


async def _known(app: App) -> Sequence[Sighted]:
    """What earlier sweeps saw: by the state, or by the ledger where the state was lost."""
    sighted = await app.state.sighted()
    if sighted:
        return sighted
    fold = UnmanagedFold()
    async for record in app.ledger.read(ESTATE):
        fold.take(record)
    return [
        Sighted(one.profile, one.principal_id, one.principal_type, one.why, one.first, one.first) for one in fold.there
    ]


def _now_there(estate: Estate, seen: Mapping[_Pair, Sighted], known: Mapping[_Pair, Sighted]) -> dict[_Pair, Sighted]:
    """Everything unmanaged after this sweep: what it saw, and what it could not look for."""
    unread = {profile.key for profile in estate.catalogue.profiles} - estate.rows.keys()
    now = {pair: one for pair, one in known.items() if one.profile in unread}
    for pair, one in seen.items():
        before = known.get(pair, one)
        now[pair] = replace(one, first=min(before.first, one.first), last=max(before.last, one.last))
    return now


def _how_left(estate: Estate, held: Mapping[str, Sequence[Held]], pair: _Pair) -> Left:
    profile, principal_id = pair
    if profile not in estate.rows:
        return Left.NOT_MANAGED
    for one in held.get(principal_id, ()):
        if isinstance(one, ManagedAssignment) and one.profile == profile:
            return Left.ADOPTED if one.proof is OwnershipBasis.ADOPTED else Left.MANAGED
    return Left.GONE


def _told(one: Sighted) -> tuple[ProfileKey, str, str, Reason, datetime]:
    return one.profile, one.principal_id, one.principal_type, one.why, one.first


def _bodies(came: Sequence[Appeared], left: Sequence[Disappeared]) -> Iterator[UnmanagedBody]:
    """Records of bounded size."""
    for gone in batched(left, _ENTRIES, strict=False):
        yield UnmanagedBody(left=gone)
    for new in batched(came, _ENTRIES, strict=False):
        yield UnmanagedBody(appeared=new)
