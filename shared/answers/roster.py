"""Lists of people and of profiles as documents.

Lives here: what programs, and the page, are told of one of them. What a view knows of them is `shared.domain.roster`'s.
"""

from typing import Any

from shared.answers.documents import iso
from shared.answers.known import Known, person_json, read_known
from shared.domain.guards.holds import Hold
from shared.domain.keys import ProfileKey
from shared.domain.receiving import Sight
from shared.domain.roster import Listed, ListedProfile, every_profile, everybody
from shared.domain.view import RoleRow
from shared.services.operate.sight import read_sight
from shared.services.shared_row import StoreOnly


async def read_people(desk: StoreOnly) -> tuple[Sight, list[Listed], Known]:
    """The view, everybody in it, and what everything is called. Raises `Permanent` before the first full check."""
    sight = await read_sight(desk.state, desk.clock)
    holds: list[Hold] = [hold async for row in desk.state.holds() for hold in row.value.holds.values()]
    return sight, everybody(sight, holds), await read_known(desk.state)


async def read_profiles(desk: StoreOnly) -> tuple[Sight, list[ListedProfile], Known]:
    """The view, its profiles, and what everything is called. Raises as `read_people`."""
    sight = await read_sight(desk.state, desk.clock)
    holds: list[Hold] = [hold async for row in desk.state.holds() for hold in row.value.holds.values()]
    return sight, every_profile(sight, holds, await desk.state.mail_verdicts()), await read_known(desk.state)


def held_json(sight: Sight, key: ProfileKey, row: RoleRow) -> dict[str, Any]:
    """A role that somebody has, for programs."""
    return {
        "profile": {"id": str(key), "name": profile_name(sight, key)},
        "role": row.role,
        "managed": row.managed,
        "rules": list(row.given_by or row.rules),
        "should": bool(row.given_by),
        "since": iso(row.created_on),
        "by": None if row.created_by is None else person_json(sight, row.created_by),
    }


def listed_json(sight: Sight, one: Listed) -> dict[str, Any]:
    """Somebody of a list, for programs."""
    called = sight.names.get(one.principal)
    person = None if one.person is None else one.person.person
    return {
        "id": one.principal,
        "name": one.called,
        "address": None if called is None else called.address or called.upn or None,
        "employee_id": None if called is None else called.employee_id or None,
        "kind": one.kind.value,
        "job": None if person is None else person.attributes.get("jobTitle"),
        "company": None if person is None else person.attributes.get("companyName"),
        "employment": None if one.person is None else one.person.employment.value,
        "left_on": iso(one.person.left_on(sight.now)) if one.person is not None and one.has_left else None,
        "next_change": None if one.person is None else iso(one.person.next_change),
        "entitled": None if one.person is None else one.person.entitled,
        "rules": [] if one.person is None else list(one.person.rules),
        "managed": len(one.managed),
        "unmanaged": len(one.unmanaged),
        "waiting": len(one.waits),
        "roles": [held_json(sight, key, row) for key, row in one.held],
    }


def profile_listed_json(one: ListedProfile) -> dict[str, Any]:
    """A profile of a list, for programs."""
    profile = one.profile
    is_read = profile.rows is not None
    return {
        "id": str(profile.key),
        "name": profile.name,
        "account": profile.key.account,
        "status": profile.status,
        "currency": profile.currency,
        "opted_in": profile.opted_in,
        "will_mail": one.receiving.will_mail,
        "enforced": profile.enforced,
        "next_invoice": None if one.day is None else one.day.isoformat(),
        "recipients": one.receiving.people if is_read else None,
        "managed": one.managed if is_read else None,
        "unmanaged": one.unmanaged if is_read else None,
        "left": one.left,
        "strays": one.strays,
        "waiting": len(one.waits),
    }


def profile_name(sight: Sight, key: ProfileKey) -> str:
    """What a profile is called; its id where the view does not have it."""
    profile = sight.view.by_key.get(key)
    return str(key) if profile is None else profile.name
