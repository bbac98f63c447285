"""Who had access on a day: by which role, from when until when, how sure that is, and by which record.

Lives here: reading it, its rows and the document. What was so is the ledger's, by `shared.services.operate`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared.answers.documents import utc
from shared.answers.known import Known as Names
from shared.answers.known import read_known
from shared.domain.history.roles_seen import RoleSpell
from shared.domain.history.spells import Spell, Window
from shared.domain.history.unmanaged_sightings import ESTATE, UnmanagedSpell
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.seen import INVOICE_MANAGER_NAME
from shared.errors import Permanent
from shared.services.operate.as_of import HeldOn, Known, Unreadable, check_further, held_on, unmanaged_on
from shared.services.operate.roles_on import RolesOn, roles_on
from shared.services.shared_row import StoreOnly

COLUMNS: Final = (
    *("day", "profile_id", "profile", "person_id", "person", "role", "managed", "rules", "since", "until", "certainty"),
    *("record", "event_source", "event_id", "receives", "where"),
)
"""`receives` is whether the invoices are mailed to them by it; `where` is the profile, account or group that has the
role, by its id."""


@dataclass(slots=True)
class AccessOn:
    """What was found, and what was asked for by name that no record names."""

    names: Names
    held: list[HeldOn] = field(default_factory=list)
    unmanaged: list[UnmanagedSpell] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    known: Known = field(default_factory=Known)
    roles: RolesOn = field(default_factory=lambda: RolesOn(None))
    profile: ProfileKey | None = None
    """The profile that was asked for: what may be seen of it by a role at its account is told of it."""
    not_named: list[str] = field(default_factory=list)


async def read_access(
    desk: StoreOnly, window: Window, person: PersonKey | None, profile: ProfileKey | None
) -> AccessOn:
    """Reads it. Raises `Transient`; a chain that cannot be read is among the `unreadable`."""
    found = AccessOn(await read_known(desk.state), profile=profile)
    ledger, state, known = desk.ledger, desk.state, found.known
    async for held in held_on(ledger, state, window, person=person, profile=profile, known=known):
        if isinstance(held, Unreadable):
            found.unreadable.append(held)
        else:
            found.held.append(held)
    async for unmanaged in unmanaged_on(ledger, state, window, person=person, profile=profile, known=known):
        if isinstance(unmanaged, Unreadable):
            found.unreadable.append(unmanaged)
        else:
            found.unmanaged.append(unmanaged)
    groups = {one.principal_id for one in found.unmanaged if one.principal_type.lower() == "group"}
    try:
        found.roles = await roles_on(ledger, state, window, person=person, profile=profile, groups=groups)
    except Permanent as damage:
        found.unreadable.append(Unreadable(ESTATE, f"who had another role: {damage}"))
    further = await check_further(ledger, known, person=person, profile=profile)
    found.unreadable += [] if further is None else [further]
    if found.unreadable:
        return found  # what cannot be read may name them
    if person is not None and not known.person:
        found.not_named.append("person")
    elif profile is not None and not known.profile:
        found.not_named.append("profile")
    return found


def access_body(found: AccessOn, window: Window, things: list[dict[str, Any]]) -> Mapping[str, Any]:
    """It for programs; `things` are its rows."""
    return {
        "from": window.start,
        "to": window.end,
        "known_from": found.known.since,
        "roles_recorded_from": found.roles.recorded_from,
        "not_named": found.not_named,
        "access": things,
        "managed": [
            found.names.person(one.person)
            | {"profile_name": found.names.of(one.spell.profile)}
            | one.spell.as_record(window)
            for one in found.held
        ],
        "unmanaged": [
            found.names.person(one.principal_id) | {"profile_name": found.names.of(one.profile)} | one.as_record(window)
            for one in found.unmanaged
        ],
        "unreadable": [{"key": one.key, "why": one.why} for one in found.unreadable],
    }


def access_rows(found: AccessOn, window: Window, day: str) -> list[dict[str, Any]]:
    """A row for each, by profile and person."""
    rows = _things(found, window, day)
    return sorted(rows, key=lambda one: (one["profile"] or "~", one["person"], one["since"] or ""))


def _things(found: AccessOn, window: Window, day: str) -> Iterator[dict[str, Any]]:
    for held in found.held:
        yield _row(found.names, day, held.spell.profile, held.person) | _managed(held, window)
    for one in found.unmanaged:
        certainty = one.certainty(window)
        yield _row(found.names, day, one.profile, one.principal_id) | {
            "managed": False,
            "rules": [],
            "since": utc(one.first),
            "until": None if one.left_at is None else utc(one.left_at),
            "certainty": None if certainty is None else certainty.value,
            "record": ESTATE,
            "event_source": None,
            "event_id": None,
            "receives": one.principal_type.lower() != "group",
        }
    for role in found.roles.roles:
        yield _other(found, role, window, day)


def _other(found: AccessOn, one: RoleSpell, window: Window, day: str) -> dict[str, Any]:
    """Another role: at a profile, at an account, or membership of a group that has one."""
    by_id = {str(key).lower(): key for key in found.names.profiles}
    here = by_id.get(one.where.lower())
    profile = here or found.profile
    person, certainty = found.names.person(one.principal), one.certainty(window)
    return {
        "day": day,
        "profile_id": None if profile is None else str(profile),
        "profile": None if profile is None else found.names.of(profile),
        "person_id": person["id"],
        "person": person["name"],
        "role": one.role,
        "managed": False,
        "rules": [],
        "since": utc(one.first),
        "until": None if one.left_at is None else utc(one.left_at),
        "certainty": None if certainty is None else certainty.value,
        "record": ESTATE,
        "event_source": None,
        "event_id": None,
        "receives": here is not None and one.type.lower() != "group",
        "where": one.where if here is None else str(here),
    }


def _row(names: Names, day: str, profile: ProfileKey, principal: str) -> dict[str, Any]:
    person = names.person(principal)
    return {
        "day": day,
        "profile_id": str(profile),
        "profile": names.of(profile),
        "person_id": person["id"],
        "person": person["name"],
        "role": INVOICE_MANAGER_NAME,
        "receives": True,
        "where": str(profile),
    }


def _managed(held: HeldOn, window: Window) -> dict[str, Any]:
    spell = held.spell
    began, ended = spell.began, spell.ended
    since = began.at if began.at is not None else began.earliest
    source, _, event = began.origin.rpartition("#")
    return {
        "managed": True,
        "rules": list(spell.rules_on(window)),
        "since": None if since is None else utc(since),
        "until": None if ended is None else utc(ended.at),
        "certainty": held.certainty.value,
        "record": f"{PersonKey(held.person).canonical}#{began.record}",
        "event_source": source or _source(spell),
        "event_id": event if source else None,
    }


def _source(spell: Spell) -> str | None:
    """What a spell began by where that was no event: a sweep, an operator, whoever adopted it."""
    began = spell.began
    return began.origin or began.cause or (f"operator:{began.by}" if began.by else None)
