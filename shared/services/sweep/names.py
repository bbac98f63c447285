"""Finds out what everybody whom a view shows is called: people, the groups and apps beside them, the policy's groups.

Lives here: whom a sweep asks about, and how often. Names are for people who read; nothing is decided by one.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.people import Person
from shared.domain.view import Called, Mailbox, PeopleView, View, remembered_names
from shared.services.app import App

AGAIN: Final = timedelta(hours=24)
"""How often a name is asked for."""

MOST_ASKED: Final = 1000
"""Principals whom one sweep asks about: two requests, and some more for the deleted. The next sweeps ask the others."""


async def name_everybody(app: App, view: View, people: PeopleView) -> None:
    """Stores what everybody in a view is called. Raises `Transient` or `Permanent`; then the names are as they were."""
    now, before = view.as_of, await app.state.names()
    read = {one.object_id: one.person for one in people.people if one.person is not None}
    asking = {*_principals(view), *app.policy.groups}  # of whoever else a rule lists, this sweep read the names
    due = sorted(one for one in asking if one not in before or now - before[one].asked >= AGAIN)
    due.sort(key=lambda one: (one in before, before[one].asked if one in before else now))
    asked = await app.directory.called(due[:MOST_ASKED], now) if due else {}
    names = {one: called for one in asking | read.keys() if (called := asked.get(one) or before.get(one)) is not None}
    for one, person in read.items():
        names[one] = _as_read(person, names.get(one), now)
    kept = remembered_names(before, names, now)
    if kept != before:
        await app.state.put_names(kept, now)


def _principals(view: View) -> Iterable[str]:
    """Everybody who has a role, made a row, or is in a group that has one."""
    rows = [row for profile in view.profiles for row in profile.rows or ()]
    rows += [row for account in view.accounts for row in account.rows or ()]
    yield from (row.principal for row in rows if not row.elsewhere)
    yield from (row.created_by for row in rows if row.created_by is not None)
    for group, members in view.members.items():
        yield group
        yield from members


def _as_read(person: Person, before: Called | None, now: datetime) -> Called:
    """Somebody whose attributes this sweep read: these are newer than any name."""
    kind = PrincipalKind.GUEST if person.is_guest else PrincipalKind.PERSON
    name, address = person.display_name or "", person.attributes.get("mail") or ""
    upn, employee_id = person.user_principal_name or "", person.attributes.get("employeeId") or ""
    if before is not None and (kind, name, address, upn, employee_id) == (
        before.kind,
        before.name,
        before.address,
        before.upn,
        before.employee_id,
    ):
        return before
    return Called(
        object_id=person.object_id,
        kind=kind,
        name=name,
        address=address,
        upn=upn,
        employee_id=employee_id,
        mailbox=Mailbox.NOT_KNOWN if before is None else before.mailbox,
        asked=now - 2 * AGAIN if before is None else before.asked,
        used=now,
    )
