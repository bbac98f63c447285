"""Who had another role than Invoice manager on a day, and so received or could see invoices: from the ledger alone.

Lives here: reading the chain and choosing what was asked for. What sweeps note there is the sweep's.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.domain.history.records import MEMBER, SettingsSeen
from shared.domain.history.roles_seen import RolesFold, RoleSpell
from shared.domain.history.spells import Window
from shared.domain.history.unmanaged_sightings import ESTATE
from shared.domain.keys import PersonKey, ProfileKey
from shared.ports import Ledger, State


@dataclass(frozen=True, slots=True)
class RolesOn:
    """Roles that were there on a day. `recorded_from` is since when they are recorded; None where they never were."""

    recorded_from: datetime | None
    roles: tuple[RoleSpell, ...] = ()
    settings: Mapping[ProfileKey, SettingsSeen] = field(default_factory=dict)

    def is_recorded(self, window: Window) -> bool:
        """Whether anything is known of the whole of `window`."""
        return self.recorded_from is not None and self.recorded_from <= window.start


async def roles_on(
    ledger: Ledger,
    state: State,
    window: Window,
    *,
    person: PersonKey | None = None,
    profile: ProfileKey | None = None,
    groups: Collection[str] = (),
) -> RolesOn:
    """The roles that sweeps saw around `window`, and each profile's settings then.

    Of a `profile`: those at it and at its account, and the members of groups among these and among `groups` (such as
    groups that were Invoice managers of it). Of a `person`: theirs, and those of the groups that they were in. Raises
    `Transient`, and `Permanent` for a record that cannot be read.
    """
    fold = RolesFold()
    async for record in ledger.read(ESTATE):
        fold.take(record)
    known = await state.seen_roles()
    spells = [one for one in fold.spells({} if known is None else known.looked) if one.certainty(window) is not None]
    settings = fold.settings_on(window)
    if person is not None:
        within = {one.where for one in spells if one.role == MEMBER and one.principal == person.object_id}
        spells = [one for one in spells if one.principal in {person.object_id, *within}]
    if profile is not None:
        scopes = {str(profile).lower(), profile.account.lower()}
        here = [one for one in spells if one.where.lower() in scopes]
        holders = {*(one.principal for one in here), *groups}
        spells = [*here, *(one for one in spells if one.role == MEMBER and one.where in holders)]
        settings = {key: one for key, one in settings.items() if key == profile}
    return RolesOn(fold.began, tuple(spells), settings)
