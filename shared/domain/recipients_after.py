"""How many people receive each profile's invoice now, and how many would after holds are released.

Lives here: counting. Pure; nobody gains or loses anything by it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from shared.domain.adoption.first_contact import is_no_person
from shared.domain.guards.holds import Hold
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.mail_check import next_invoice
from shared.domain.policy.model import ActionKind
from shared.domain.receiving import Sight
from shared.domain.seen import INVOICE_MANAGER_NAME
from shared.domain.view import ProfileView


@dataclass(frozen=True, slots=True)
class RecipientsAfter:
    """A profile's recipients now and after a release; None where who has a role there is not known."""

    profile: ProfileKey
    name: str
    day: date | None
    now: int | None
    after: int | None


def recipients_after(sight: Sight, holds: Iterable[Hold]) -> list[RecipientsAfter]:
    """Each profile that holds of people are about, those with the fewest recipients afterwards first."""
    by_profile: dict[ProfileKey, list[Hold]] = {}
    for hold in holds:
        if isinstance(hold.key, PersonKey):
            by_profile.setdefault(hold.profile, []).append(hold)
    found = [_of(sight, key, of_it) for key, of_it in by_profile.items()]
    return sorted(found, key=lambda one: (one.after is None, one.after or 0, one.name.casefold()))


def _of(sight: Sight, key: ProfileKey, holds: Iterable[Hold]) -> RecipientsAfter:
    profile = sight.view.by_key.get(key)
    if profile is None or profile.rows is None:
        name = str(key) if profile is None else profile.name
        return RecipientsAfter(key, name, None, None, None)
    now = {row.principal for row in profile.rows if not is_no_person(row.principal_type)}
    after = set(now)
    for hold in holds:
        assert isinstance(hold.key, PersonKey), "others were left out"
        person = hold.key.object_id
        if hold.kind is ActionKind.GRANTS:
            after.add(person)
        elif not _has_another(profile, person):
            after.discard(person)
    return RecipientsAfter(key, profile.name, next_invoice(profile.invoice_day, sight.today), len(now), len(after))


def _has_another(profile: ProfileView, person: str) -> bool:
    """Whether somebody receives the invoice by another role as well, or by an assignment that is not managed."""
    rows = [row for row in profile.rows or () if row.principal == person]
    return any(row.role != INVOICE_MANAGER_NAME or not row.managed for row in rows)
