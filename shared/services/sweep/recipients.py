"""Finds out who cannot read the invoices that they are sent: who was deleted or disabled, or has no mailbox.

Lives here: whom a sweep asks the directory about. Who counts as a recipient is `shared.domain.recipients`'.
"""

from typing import Final

from shared.domain.people import ListedPerson, Person
from shared.domain.recipients import is_recipient
from shared.services.app import App
from shared.services.estate import Estate
from shared.services.people_by_id import people_by_id

_MOST_ASKED: Final = 300
"""People about whom one sweep asks the directory besides those whom a rule lists: 20 queries. Nobody knows of more,
so that they count."""


async def find_out_who_cannot_read(app: App, estate: Estate) -> frozenset[str]:
    """Who of those with a role that gets invoices cannot read mail, where the policy asks for recipients.

    Of whom a rule lists that is known. Of the others are asked about only those on profiles that known readers do not
    suffice for: one listing for every 15, at most 20 listings a sweep. Raises as `Directory.people` does.
    """
    if not app.policy.min_recipients:
        return frozenset()
    tenant = await app.billing.tenant()
    listed: dict[str, ListedPerson] = {**estate.people, **estate.unreadable}
    unknown: dict[str, None] = {}
    holders: set[str] = set()
    for profile in estate.catalogue.index.pick(app.policy.opt_in).profiles:
        # Another tenant's principals are known to another directory.
        here = {row.principal_id for row in estate.rows.get(profile.key, ()) if is_recipient(row, tenant)}
        holders |= here
        if sum(_can_read(listed[one]) for one in here & listed.keys()) < app.policy.min_recipients:
            unknown |= dict.fromkeys(sorted(here - listed.keys()))
    asked = list(unknown)[:_MOST_ASKED]
    listed |= await people_by_id(app.directory, asked)
    gone = set(asked) - listed.keys()
    return frozenset(gone | {one for one in holders & listed.keys() if not _can_read(listed[one])})


def _can_read(person: ListedPerson) -> bool:
    return person.can_read_mail if isinstance(person, Person) else person.account_enabled is not False
