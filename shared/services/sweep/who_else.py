"""Finds out who else may see invoices: by a role at an account, or as a member of a group that has a role.

Lives here: these reads. Nobody gains or loses anything by them: they never make a sweep incomplete, and where one fails
the view says what was seen before.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.domain.access.rules import managed_accounts
from shared.domain.billing import ACCOUNT_ROLES, OTHER_RECIPIENT_ROLES, AccountAssignment, AccountAssignments
from shared.domain.guids import is_guid
from shared.domain.reasons import Code, Reason
from shared.domain.view import AccountView, RoleRow, View
from shared.errors import AccessLost, InvoiceAccessError, Permanent
from shared.services.app import App
from shared.services.estate import Estate
from shared.services.side_by_side import in_order

AGAIN: Final = timedelta(hours=24)
"""How often the members of a group are read: nothing is decided by them."""

MOST_GROUPS: Final = 50
"""Groups whose members one sweep reads. The next sweeps read the others."""

_AT_ONCE: Final = 8
"""Reads side by side, as with the lists of assignments."""


@dataclass(frozen=True, slots=True)
class WhoElse:
    """The accounts and the groups of a view.

    `members` are the people of each group that has a role, as object ids, and `members_seen` when they were read.
    `failures` are the reads that failed.
    """

    accounts: tuple[AccountView, ...]
    members: Mapping[str, tuple[str, ...]]
    members_seen: Mapping[str, datetime]
    failures: tuple[Reason, ...]


async def find_who_else(app: App, estate: Estate, before: View | None) -> WhoElse:
    """Reads the roles at each managed account, and once a day the members of each group that has a role.

    What cannot be read is as it was `before`. Raises `Transient` where nobody says which tenant is ours.
    """
    failures: list[Reason] = []
    tenant = await app.billing.tenant()
    accounts = await _accounts(app, estate, before, tenant, failures)
    groups = _groups(estate, accounts, tenant)
    members, seen = await _members(app, estate.read_at, groups, before, failures)
    return WhoElse(tuple(accounts), members, seen, tuple(failures))


async def _accounts(
    app: App, estate: Estate, before: View | None, tenant: str, failures: list[Reason]
) -> list[AccountView]:
    known = {} if before is None else {one.name.lower(): one for one in before.accounts}
    managed = managed_accounts(app.policy, estate.catalogue.manageable)
    asked = [one for one in estate.listing.accounts if one.name.lower() in managed - estate.lost.keys()]

    async def read(name: str) -> AccountAssignments | InvoiceAccessError:
        try:
            return await app.billing.account_assignments(name)
        except InvoiceAccessError as failure:
            return failure

    answers = await in_order(read, [one.name for one in asked], at_once=_AT_ONCE)
    read_now = {one.name.lower(): answer for one, answer in zip(asked, answers, strict=True)}
    found = []
    for account in estate.catalogue.accounts:
        name = account.name.lower()
        rows, seen = (known[name].rows, known[name].seen) if name in known and name in managed else (None, None)
        match read_now.get(name):
            case AccountAssignments() as read_rows:
                shown = (_row(row, tenant) for row in read_rows.rows)
                rows, seen = tuple(sorted(shown, key=lambda row: (row.role, row.principal))), estate.read_at
            case AccessLost():
                # Whoever has a role at the profiles alone is not told: that is no failure, and not known.
                rows, seen = None, None
            case InvoiceAccessError() as failure:
                failures.append(Code.ACCOUNT_ROLES_NOT_READ(account=account.name, said=str(failure)))
        found.append(
            AccountView(
                name=account.name,
                display_name=account.display_name,
                agreement_type=account.agreement_type,
                status=account.status,
                managed=name in managed,
                rows=rows,
                seen=seen,
            )
        )
    return found


def _row(row: AccountAssignment, tenant: str) -> RoleRow:
    return RoleRow(
        principal=row.principal_id,
        role=ACCOUNT_ROLES.get(row.role, row.role),
        principal_type=row.principal_type,
        created_by=row.created_by,
        created_on=row.created_on,
        elsewhere=row.principal_tenant not in {None, tenant},
    )


def _groups(estate: Estate, accounts: Iterable[AccountView], tenant: str) -> list[str]:
    """The groups of our own directory that have a role by which somebody may see an invoice."""
    found = {
        row.principal_id
        for rows in estate.rows.values()
        for row in rows
        if (row.is_invoice_manager or row.role in OTHER_RECIPIENT_ROLES)
        and _is_group(row.principal_type)
        and row.principal_tenant in {None, tenant}
    }
    found |= {
        row.principal
        for account in accounts
        for row in account.rows or ()
        if _is_group(row.principal_type) and not row.elsewhere
    }
    return sorted(one for one in found if is_guid(one))


async def _members(
    app: App, now: datetime, groups: Sequence[str], before: View | None, failures: list[Reason]
) -> tuple[dict[str, tuple[str, ...]], dict[str, datetime]]:
    members = {} if before is None else {one: before.members[one] for one in groups if one in before.members}
    seen = {} if before is None else {one: before.members_seen[one] for one in members}
    due = [one for one in groups if one not in seen or now - seen[one] >= AGAIN]
    due.sort(key=lambda one: seen.get(one, now - 2 * AGAIN))

    async def read(group: str) -> tuple[str, ...] | InvoiceAccessError:
        try:
            return tuple(sorted(await _people_in(app, group)))
        except InvoiceAccessError as failure:
            return failure

    due = due[:MOST_GROUPS]
    for group, answer in zip(due, await in_order(read, due, at_once=_AT_ONCE), strict=True):
        if isinstance(answer, InvoiceAccessError):
            failures.append(Code.MEMBERS_NOT_READ(group=group, said=str(answer)))
        else:
            members[group], seen[group] = answer, now
    return members, seen


async def _people_in(app: App, group: str) -> Sequence[str]:
    """The people in a group; nobody in one that the directory does not have: a row may outlive its group."""
    try:
        return await app.directory.ids_in(group)
    except Permanent:
        if await app.directory.group_exists(group):
            raise
        return ()


def _is_group(principal_type: str | None) -> bool:
    return (principal_type or "").lower() == "group"
