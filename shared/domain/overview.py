"""The overview: whether each invoice will be mailed, when and to how many. Read from a view.

Lives here: counting. Pure, and for people's eyes alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from shared.domain.adoption.first_contact import is_no_person
from shared.domain.mail_check import MailStanding, MailVerdict, ProfileMail, next_invoice, word_of
from shared.domain.readers import count_readers
from shared.domain.receiving import Sight, reaches
from shared.domain.view import ProfileView


@dataclass(frozen=True, slots=True)
class Mailing:
    """A profile's next mail: when, to how many people with a role, and how many of them it may reach.

    `recipients` and `reached` are people, each once. Of the reached, `readers` are known to have a mailbox. `verdict`
    is the mail check's of that day where it is newer than the view and could read the profile.
    """

    profile: ProfileView
    day: date | None
    recipients: int
    reached: int
    readers: int
    verdict: MailVerdict | None = None

    @property
    def is_sure(self) -> bool:
        """Whether it will be mailed to somebody: invoice mail is on, and somebody can receive it."""
        if self.verdict is not None:
            return self.verdict.standing is not MailStanding.WILL_NOT_MAIL
        return self.profile.opted_in is True and self.reached > 0


@dataclass(frozen=True, slots=True)
class InvoiceDay:
    """The profiles whose next invoice is of one day, and the fewest and most people whom each may reach."""

    day: date
    profiles: int
    fewest: int
    most: int


def mailings(sight: Sight, mail: Iterable[ProfileMail] = ()) -> list[Mailing]:
    """The next mail of each active profile, in the view's order. `mail` are the verdicts of the mail check."""
    found = []
    verdicts = word_of(mail, sight.today, sight.view.as_of, sight.now)
    for profile in sight.view.profiles:
        if profile.is_active:
            people = {row.principal for row in profile.rows or () if not is_no_person(row.principal_type)}
            readers = count_readers(reaches(sight, one) for one in people)
            may = readers.known + readers.unsure
            day = next_invoice(profile.invoice_day, sight.today)
            found.append(Mailing(profile, day, len(people), may, readers.known, verdicts.get(profile.key)))
    return found


def invoice_days(mailed: Sequence[Mailing]) -> list[InvoiceDay]:
    """The days of the next invoices, the nearest first; profiles that mail nothing have none."""
    days: dict[date, list[int]] = {}
    for one in mailed:
        if one.day is not None and one.is_sure:
            days.setdefault(one.day, []).append(one.reached)
    return [InvoiceDay(day, len(counts), min(counts), max(counts)) for day, counts in sorted(days.items())]
