"""What a view says of roles besides Invoice managers, of members of groups and of profiles' settings, to be noted.

Only this reading of a view lives here; what changed since the sweep before is `history.roles_seen`'s.
"""

import hashlib
from collections.abc import Collection
from datetime import datetime

from shared.domain.history.records import MEMBER, RoleSeen, SettingsSeen
from shared.domain.history.roles_seen import Look
from shared.domain.keys import ProfileKey
from shared.domain.seen import INVOICE_MANAGER_NAME
from shared.domain.view import RoleRow, View


def look_at(view: View) -> Look:
    """What a view says of roles. What it kept of the view before, because it could not be read, is unread."""
    roles: dict[str, tuple[RoleSeen, ...]] = {}
    settings: dict[str, SettingsSeen] = {}
    unread: set[str] = set()
    groups: set[str] = set()
    for profile in view.profiles:
        where = str(profile.key)
        groups |= _groups(profile.rows or ())
        if profile.rows is None or profile.seen is not None:
            unread.add(where.lower())
            continue
        others = [row for row in profile.rows if row.role != INVOICE_MANAGER_NAME]
        roles[where.lower()] = _seen(where, others, view.as_of)
        settings[where.lower()] = SettingsSeen(
            profile=profile.key,
            opted_in=profile.opted_in,
            addresses=len(profile.addresses),
            digest=_digest(profile.key, profile.addresses),
            at=view.as_of,
        )
    for account in view.accounts:
        groups |= _groups(account.rows or ())
        if account.managed and (account.rows is None or account.seen != view.as_of):
            unread.add(account.name.lower())
        elif account.managed:
            roles[account.name.lower()] = _seen(account.name, account.rows or (), view.as_of)
    for group in groups:
        if view.members_seen.get(group) != view.as_of:
            unread.add(group)
            continue
        roles[group] = tuple(RoleSeen(group, MEMBER, one, "User", view.as_of) for one in view.members[group])
    return Look(view.as_of, roles, settings, frozenset(unread))


def _seen(where: str, rows: Collection[RoleRow], at: datetime) -> tuple[RoleSeen, ...]:
    found = {(row.role, row.principal): row for row in rows}
    return tuple(RoleSeen(where, role, one, row.principal_type or "", at) for (role, one), row in found.items())


def _groups(rows: Collection[RoleRow]) -> set[str]:
    return {row.principal for row in rows if (row.principal_type or "").lower() == "group" and not row.elsewhere}


def _digest(profile: ProfileKey, addresses: Collection[str]) -> str:
    """A digest that tells two sets of addresses apart; the profile is in it, so that no two profiles' can be compared.

    Whoever guesses an address can confirm the guess. So it is no secret's keeper, and still no list of addresses.
    """
    said = "\n".join([str(profile).lower(), *sorted(one.lower() for one in addresses)])
    return hashlib.sha256(said.encode()).hexdigest()[:32]
