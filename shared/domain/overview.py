"""The overview: whether each invoice will be mailed, when and to how many. Read from a view.

Lives here: counting. Pure, and for people's eyes alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from shared.domain.access.plan import Employment
from shared.domain.adoption.first_contact import is_no_person
from shared.domain.receiving import Sight, next_invoice
from shared.domain.view import Mailbox, ProfileView


@dataclass(frozen=True, slots=True)
class Mailing:
    """A profile's next mail: when, to how many people with a role, and how many of them it can reach."""

    profile: ProfileView
    day: date | None
    recipients: int
    reached: int

    @property
    def is_sure(self) -> bool:
        """Whether it will be mailed to somebody: invoice mail is on, and somebody can receive it."""
        return self.profile.opted_in is True and self.reached > 0


@dataclass(frozen=True, slots=True)
class InvoiceDay:
    """The profiles whose next invoice is of one day, and the fewest and most people to whom each is mailed."""

    day: date
    profiles: int
    fewest: int
    most: int


def mailings(sight: Sight) -> list[Mailing]:
    """The next mail of each active profile, in the view's order."""
    found = []
    for profile in sight.view.profiles:
        if profile.is_active:
            people = {row.principal for row in profile.rows or () if not is_no_person(row.principal_type)}
            reached = sum(_reaches(sight, one) for one in people)
            found.append(Mailing(profile, next_invoice(profile.invoice_day, sight.today), len(people), reached))
    return found


def _reaches(sight: Sight, principal: str) -> bool:
    """Whether mail may reach somebody: what nobody knows counts as it may."""
    person, called = sight.people.get(principal), sight.names.get(principal)
    if person is not None and person.employment is Employment.LEAVER:
        return False
    return called is None or called.mailbox is not Mailbox.NO


def invoice_days(mailed: Sequence[Mailing]) -> list[InvoiceDay]:
    """The days of the next invoices, the nearest first; profiles that mail nothing have none."""
    days: dict[date, list[int]] = {}
    for one in mailed:
        if one.day is not None and one.is_sure:
            days.setdefault(one.day, []).append(one.recipients)
    return [InvoiceDay(day, len(counts), min(counts), max(counts)) for day, counts in sorted(days.items())]
