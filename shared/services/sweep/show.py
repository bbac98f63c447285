"""Writes the view: what a sweep saw, for whoever asks about it until the next one.

Lives here: what of it is kept, who is looked up besides, and what stays of the view before where something could not
be read. Nothing in a view is acted upon.
"""

import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.domain.access.decide import decide
from shared.domain.access.ownership import Held, ManagedAssignment
from shared.domain.adoption.first_contact import is_no_person
from shared.domain.billing import INVOICE_MANAGER, OTHER_RECIPIENT_ROLES, Assignment, BillingProfile
from shared.domain.guids import is_guid
from shared.domain.keys import ProfileKey
from shared.domain.people import AbsentPerson
from shared.domain.reasons import Reason
from shared.domain.seen import INVOICE_MANAGER_NAME
from shared.domain.view import PeopleView, PersonView, ProfileView, RoleRow, View, person_view, tested_attributes
from shared.errors import Permanent
from shared.services.app import App
from shared.services.catalogue import enforced_profiles
from shared.services.estate import Estate
from shared.services.people_by_id import people_by_id
from shared.services.slices import Slices
from shared.services.sweep.drift import Drift
from shared.services.sweep.who_else import find_who_else

_AGAIN: Final = timedelta(hours=24)
"""How often somebody is read whom no rule lists: nothing is decided by it."""

_MOST_ASKED: Final = 300
"""People whom no rule lists that one sweep reads: 20 queries. The next sweeps read the others."""

_NEVER: Final = datetime.min.replace(tzinfo=UTC)

_ROLES: Final = {INVOICE_MANAGER: INVOICE_MANAGER_NAME, **OTHER_RECIPIENT_ROLES}
"""The roles that get invoices, by the end of their definition's id."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """The view that was stored, and the reads for it alone that failed."""

    view: View
    people: PeopleView
    failures: tuple[Reason, ...]


async def show_estate(
    app: App, estate: Estate, held: Mapping[str, Sequence[Held]], drift: Drift, *, sweep_id: str, complete: bool
) -> Shown:
    """Stores the view. Raises `Transient` or `Permanent`."""
    before = await _if_readable(app.state.view())
    tenant = await app.billing.tenant()
    who_else = await find_who_else(app, estate, before)
    known = {} if before is None else before.by_key
    managed = {(one.profile, one.assignment.name.lower()): one for ones in held.values() for one in ones}
    enforced = enforced_profiles(app.policy, estate.catalogue)
    profiles, slices = [], Slices()
    listed = {profile.key: profile for profile in estate.listing.profiles}
    for kept in estate.catalogue.profiles:
        profile = listed.get(kept.key, kept)  # the catalogue keeps no raw answers
        shown = _profile(
            estate,
            profile,
            managed,
            drift.given,
            tenant,
            enforced=profile.key in enforced,
            before=known.get(profile.key),
            shown_at=None if before is None else before.as_of,
        )
        profiles.append(shown)
        await slices.took(1 + len(shown.rows or ()))
    view = View(
        sweep=sweep_id,
        as_of=estate.read_at,
        complete=complete,
        failures=tuple(estate.all_failures),
        policy_digest=app.policy.digest,
        time_zone=app.policy.time_zone.key,
        accounts=who_else.accounts,
        profiles=tuple(profiles),
        members=who_else.members,
        members_seen=who_else.members_seen,
    )
    people = PeopleView(sweep=sweep_id, people=tuple((await _people(app, estate, drift, tenant, before)).values()))
    await app.state.put_view(view, people)
    return Shown(view, people, who_else.failures)


async def _if_readable[T](before: Awaitable[T | None]) -> T | None:
    """What was stored before; None where there is none, or none that this build can read: the new one replaces it."""
    try:
        return await before
    except Permanent as damage:
        _log.warning("sweep: what the sweep before showed cannot be read: %s", damage)
        return None


def _profile(
    estate: Estate,
    profile: BillingProfile,
    managed: Mapping[tuple[ProfileKey, str], Held],
    given: Mapping[tuple[str, ProfileKey], tuple[str, ...]],
    tenant: str,
    *,
    enforced: bool,
    before: ProfileView | None,
    shown_at: datetime | None,
) -> ProfileView:
    """A profile and who has a role at it; of one whose list could not be read, whoever had one before."""
    rows, seen = None, None
    if profile.key in estate.rows:
        found = (
            _role(
                row,
                managed.get((profile.key, row.name.lower())),
                tenant,
                given.get((row.principal_id, profile.key), ()),
            )
            for row in estate.rows[profile.key]
        )
        rows = tuple(sorted((row for row in found if row is not None), key=lambda row: (row.role, row.principal)))
    elif before is not None:
        rows, seen = before.rows, before.seen or shown_at
    return ProfileView(
        key=profile.key,
        name=profile.display_name,
        status=profile.status,
        opted_in=profile.invoice_email_opt_in,
        enforced=enforced,
        currency=profile.currency,
        invoice_day=profile.invoice_day,
        addresses=profile.invoice_recipients,
        rows=rows,
        seen=seen,
    )


def _role(row: Assignment, held: Held | None, tenant: str, given: tuple[str, ...] = ()) -> RoleRow | None:
    """One of the four roles that get invoices; None for any other. `given` are the rules that give it now."""
    if (role := _ROLES.get(row.role)) is None:
        return None
    ours = isinstance(held, ManagedAssignment)
    return RoleRow(
        principal=row.principal_id,
        role=role,
        principal_type=row.principal_type,
        created_by=row.created_by,
        created_on=row.created_on,
        managed=ours,
        rules=tuple(sorted(held.rules or ())) if isinstance(held, ManagedAssignment) else (),
        elsewhere=row.principal_tenant not in {None, tenant},
        given_by=given if row.is_invoice_manager else (),
    )


async def _people(app: App, estate: Estate, drift: Drift, tenant: str, shown: View | None) -> dict[str, PersonView]:
    """Whom a rule matches, and who has a role; of whom no rule lists, a day's memory is enough."""
    people = {one.object_id: one for one in drift.judged}
    others = sorted(one for one in _people_with_roles(estate, tenant) - people.keys() if is_guid(one))
    if not others and estate.people_complete:
        return people
    before = await _if_readable(app.state.people_view())
    shown_at = estate.read_at - 2 * _AGAIN if shown is None else shown.as_of
    known = {} if before is None else {one.object_id: _dated(one, shown_at) for one in before.people}
    if not estate.people_complete:
        people = {one: seen for one, seen in known.items() if one not in people} | people
    # Whom a rule matched when they were last read, and none lists now, has moved: a day is too long for that.
    moved = {one for one in others if estate.people_complete and one in known and known[one].rules}
    due = [one for one in others if one not in known or one in moved or estate.read_at - _seen(known[one]) > _AGAIN]
    due.sort(key=lambda one: _seen(known[one]) if one in known else _NEVER)
    people |= {one: known[one] for one in others if one in known}
    tested = tested_attributes(app.policy)
    found = await people_by_id(app.directory, due[:_MOST_ASKED])
    for one in due[:_MOST_ASKED]:
        read = found.get(one) or AbsentPerson(one)
        plan = decide(read, app.policy, estate.catalogue, (), estate.read_at)
        people[one] = person_view(read, plan, app.policy, tested, estate.read_at, estate.read_at)
    return people


def _dated(one: PersonView, shown_at: datetime) -> PersonView:
    """Somebody of a view, with the time of that view where it is by its own sweep."""
    return one if one.seen is not None else replace(one, seen=shown_at)


def _seen(one: PersonView) -> datetime:
    return one.seen or _NEVER


def _people_with_roles(estate: Estate, tenant: str) -> set[str]:
    """The people whom our own directory can know who have one of the four roles anywhere."""
    return {
        row.principal_id
        for rows in estate.rows.values()
        for row in rows
        if row.role in _ROLES and not is_no_person(row.principal_type) and row.principal_tenant in {None, tenant}
    }
