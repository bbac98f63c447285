"""Whether enough people receive a profile's invoices, as the policy asks.

Lives here: who counts as a recipient, finding out who of them can read mail, and the count where a look has just taken
some away. Too few are told and block nothing.
"""

from collections.abc import Collection, Iterable
from itertools import batched
from typing import Final

from shared.domain.access.plan import Note, NoteKind
from shared.domain.billing import OTHER_RECIPIENT_ROLES, Assignment
from shared.domain.catalogue import Catalogue
from shared.domain.outcome import Outcome
from shared.domain.people import ListedPerson, Person
from shared.domain.policy.filter_tree import quote
from shared.domain.policy.model import Policy
from shared.domain.policy.selectors import pick
from shared.errors import Permanent, Transient
from shared.ports import Billing
from shared.services.app import App, Deadline
from shared.services.estate import Estate
from shared.services.reconcile.apply import Result

IDS_A_QUERY: Final = 15
"""Object ids in one filter: as many clauses as a filter without advanced parameters may have."""

_MOST_ASKED: Final = 300
"""People about whom one sweep asks the directory besides those whom a rule lists: 20 queries. Nobody knows of more,
so that they count."""


def too_few(policy: Policy, rows: Iterable[Assignment], cannot_read: Collection[str] = ()) -> str | None:
    """Says how many people receive a profile's invoices by its assignments, where the policy asks for more.

    Whoever cannot read mail is none of them.
    """
    holders = {row.principal_id for row in rows if _is_recipient(row)}
    reached = holders.difference(cannot_read)
    if len(reached) >= policy.min_recipients:
        return None
    text = f"{len(reached)} of the {policy.min_recipients} people whom the policy asks for get its invoices"
    if holders > reached:
        text += f"; {len(holders - reached)} more hold a role there, and are disabled, deleted or without a mailbox"
    return text


async def find_out_who_cannot_read(app: App, estate: Estate) -> frozenset[str]:
    """Who of those who hold a role that gets invoices cannot read mail, where the policy asks for recipients.

    Of whom a rule lists that is known. Of the others are asked about only those on profiles that known readers do not
    suffice for: one listing for every 15, at most 20 listings a sweep. Raises as `Directory.people` does.
    """
    if not app.policy.min_recipients:
        return frozenset()
    tenant = await app.billing.tenant()
    listed: dict[str, ListedPerson] = {**estate.people, **estate.unreadable}
    unknown: dict[str, None] = {}
    holders: set[str] = set()
    for profile in pick(app.policy.opt_in, estate.catalogue.profiles).profiles:
        # Another tenant's principals are known to another directory.
        here = {row.principal_id for row in estate.rows.get(profile.key, ()) if _is_recipient(row, tenant)}
        holders |= here
        if sum(_can_read(listed[one]) for one in here & listed.keys()) < app.policy.min_recipients:
            unknown |= dict.fromkeys(sorted(here - listed.keys()))
    asked = list(unknown)[:_MOST_ASKED]
    for ids in batched(asked, IDS_A_QUERY, strict=False):
        odata_filter = f"id in ({', '.join(map(quote, ids))})"
        listed |= {person.object_id: person async for person in app.directory.people(odata_filter)}
    gone = set(asked) - listed.keys()
    return frozenset(gone | {one for one in holders & listed.keys() if not _can_read(listed[one])})


def _is_recipient(row: Assignment, tenant: str | None = None) -> bool:
    """Whether a row has somebody get the invoices: a person, and of this tenant where one is asked for."""
    if tenant is not None and row.principal_tenant not in {None, tenant.lower()}:
        return False
    is_person = (row.principal_type or "User").lower() == "user"
    return is_person and (row.is_invoice_manager or row.role in OTHER_RECIPIENT_ROLES)


def _can_read(person: ListedPerson) -> bool:
    return person.can_read_mail if isinstance(person, Person) else person.account_enabled is not False


async def left_with_too_few(
    app: App, billing: Billing, catalogue: Catalogue, results: Iterable[Result], deadline: Deadline
) -> list[Note]:
    """Counts anew where a look took access away: one read a profile, and only where the policy asks for recipients.

    Who cannot read mail is what the last sweep found out. The revokes are done: what cannot be counted is noted and
    fails nothing. The next sweep counts it.
    """
    taken_on = {one.profile for one in results if one.action == "revoke" and one.outcome is Outcome.DONE}
    if not app.policy.min_recipients or not taken_on:
        return []
    notes: list[Note] = []
    for profile in pick(app.policy.opt_in, catalogue.profiles).profiles:
        if profile.key not in taken_on or not profile.is_active:
            continue
        text: str | None = "its recipients were not counted: the handler's time was over"
        try:
            if deadline.left(app.clock.now()) > 0:
                text = too_few(app.policy, await billing.assignments(profile.key), catalogue.cannot_read)
        except (Transient, Permanent) as failure:
            text = f"its recipients could not be counted: {failure}"
        if text is not None:
            notes.append(Note(NoteKind.FEW_RECIPIENTS, text, profile.key))
    return notes
