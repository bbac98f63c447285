"""Notes who has another role than Invoice manager: what came and went, so that a past day can be told.

The ledger's chain `estate` has the changes, as of what is unmanaged: it grows with what people do in the portal and the
directory, and not with the number of sweeps. It has ids, no names and no addresses. Nothing here is acted upon.
"""

import logging
from collections.abc import Iterator
from itertools import batched
from typing import Final

from shared.domain.history.records import RolesBody
from shared.domain.history.roles_seen import Look, RolesFold, Seen, after, changes, turned_on
from shared.domain.history.unmanaged_sightings import ESTATE
from shared.domain.keys import ProfileKey
from shared.domain.role_look import look_at
from shared.domain.view import View
from shared.errors import Conflict, FailedRead
from shared.services.app import App

_ENTRIES: Final = 500
"""Changes in one record: some 150 KB of the 440 that a record holds."""

_log = logging.getLogger(__name__)


async def note_roles(app: App, view: View, *, anew: bool) -> None:
    """Notes what a view says of roles, members and settings.

    `anew` is whether the ledger had nothing of the estate when the sweep began: then it gets everything again, with the
    first sights that the state has. Where another sweep noted meanwhile, what this one saw is left to it. Raises
    `Transient` or `Permanent` where the store fails.
    """
    look = look_at(view)
    chain = await app.ledger.open(ESTATE)
    length, _ = await app.ledger.head(ESTATE)
    before = await _before(app)
    now = after(before, look, await _opted_in_by_us(app, before, look))
    try:
        # The ledger first: a sweep that ends in between is repeated by the next one.
        for body in _bodies(changes(Seen() if anew else before, now, look)):
            length = (await chain.append(app.clock.now(), body)).sequence
        if (await app.ledger.head(ESTATE))[0] == length:
            await app.state.put_seen_roles(now, look.at)
    except Conflict as lost:
        _log.info("sweep: roles were noted by another sweep: %s", lost.reason)


async def _before(app: App) -> Seen:
    """What earlier sweeps saw: by the state, or by the ledger where the state was lost."""
    try:
        known = await app.state.seen_roles()
    except FailedRead as damage:
        _log.warning("sweep: %s; the ledger says it as well", damage)
        known = None
    if known is not None:
        return known
    fold = RolesFold()
    async for record in app.ledger.read(ESTATE):
        fold.take(record)
    return fold.seen


async def _opted_in_by_us(app: App, before: Seen, look: Look) -> set[ProfileKey]:
    """The profiles that an update of ours turned on since they were looked at."""
    ours = set()
    for profile, since in turned_on(before, look):
        updates = (await app.state.profile(profile)).value.updates
        if any(since is None or since <= at for at in updates):
            ours.add(profile)
    return ours


def _bodies(changed: RolesBody) -> Iterator[RolesBody]:
    """Records of bounded size."""
    for gone in batched(changed.left, _ENTRIES, strict=False):
        yield RolesBody(left=gone)
    for came in batched(changed.appeared, _ENTRIES, strict=False):
        yield RolesBody(appeared=came)
    for settings in batched(changed.settings, _ENTRIES, strict=False):
        yield RolesBody(settings=settings)
