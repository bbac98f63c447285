"""The mail check: whether a profile's next invoice will reach people, said before its invoice day.

Lives here: which profiles are due for it, and the verdict. Pure; `services.mail_check` reads. A verdict is for people's
eyes: nothing is given, taken or turned on by it.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.domain.billing import BillingProfile
from shared.domain.keys import ProfileKey
from shared.domain.readers import Readers
from shared.domain.reasons import Code, Reason

_KEPT: Final = 13
"""Verdicts kept of a profile: those of a year, and the next."""

_PROVED: Final = timedelta(hours=20)
"""For how long a good verdict stands: it is proved anew once a day. Any other is proved anew each time."""

LAPSED: Final = timedelta(hours=26)
"""From this age on a verdict says nothing any more: a day, and two runs that may be missed."""


class MailStanding(StrEnum):
    """What a mail check found of a profile's next invoice."""

    WILL_MAIL = "will-mail"
    """Invoice mail is on, and enough people are known to have a mailbox."""
    NOT_PROVED = "not-proved"
    """Invoice mail is on, and enough people have a role; of some of them nobody knows whether they have a mailbox."""
    TOO_FEW = "too-few"
    """It reaches somebody, and fewer people than the policy asks for."""
    WILL_NOT_MAIL = "will-not-mail"
    """Invoice mail is off, or reaches nobody."""
    NOT_READ = "not-read"
    """It could not be read."""

    @property
    def is_wrong(self) -> bool:
        """Whether somebody has to see to it before the invoice day."""
        return self in {MailStanding.TOO_FEW, MailStanding.WILL_NOT_MAIL}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailVerdict:
    """What the latest mail check said of a profile and an invoice day.

    `day` is None where billing does not say the invoice day; then the verdict is of the month in which it was made.
    `since` is when this was first found of that day, `checked` when it was last. `known`, `unsure` and `cannot` are
    people: see `Readers`. `asked` is how many must be able to read it.
    """

    period: str
    day: date | None
    standing: MailStanding
    why: Reason
    since: datetime
    checked: datetime
    known: int = 0
    unsure: int = 0
    cannot: int = 0
    asked: int = 1

    def is_lapsed(self, now: datetime) -> bool:
        """Whether it is too old to say how things are."""
        return now - self.checked > LAPSED


@dataclass(frozen=True, slots=True)
class ProfileMail:
    """The verdicts of one profile, the latest period last; `name` is the profile's, as it was last read."""

    profile: ProfileKey
    name: str = ""
    verdicts: tuple[MailVerdict, ...] = ()

    def of(self, period: str) -> MailVerdict | None:
        """The verdict of a period."""
        return next((one for one in self.verdicts if one.period == period), None)

    def with_verdict(self, name: str, verdict: MailVerdict) -> "ProfileMail":
        """The same with another verdict of its period, and at most 13 in all."""
        others = [one for one in self.verdicts if one.period != verdict.period]
        return replace(self, name=name, verdicts=tuple([*others, verdict][-_KEPT:]))


@dataclass(frozen=True, slots=True)
class Due:
    """A profile whose next invoice is near: its day, None where it is not known, and what the verdict is kept under."""

    profile: BillingProfile
    day: date | None
    period: str


def due_of(profiles: Iterable[BillingProfile], today: date, check_days: int) -> list[Due]:
    """The active profiles whose invoice day is within so many days of `today`, that day among them.

    A profile of which the day is not known is due every day.
    """
    found = []
    for profile in profiles:
        day = next_invoice(profile.invoice_day, today)
        if profile.is_active and (day is None or (day - today).days <= check_days):
            found.append(Due(profile, day, period_of(day, today)))
    return found


def next_invoice(day: int | None, today: date) -> date | None:
    """The next date that is the `day` of a month, today among them; a month's last day where it has no such day."""
    if day is None:
        return None
    for month in (today, _first_of_next(today)):
        due = month.replace(day=min(day, monthrange(month.year, month.month)[1]))
        if due >= today:
            return due
    return None  # two months have every day of a month


def _first_of_next(today: date) -> date:
    return date(today.year + today.month // 12, today.month % 12 + 1, 1)


def period_of(day: date | None, today: date) -> str:
    """What a verdict is kept under: the invoice day, else the month. ISO 8601."""
    return day.isoformat() if day is not None else f"{today:%Y-%m}"


def is_fresh(verdict: MailVerdict | None, now: datetime) -> bool:
    """Whether a verdict need not be proved anew yet: a good one stands for a day."""
    return (
        verdict is not None
        and verdict.standing is MailStanding.WILL_MAIL
        and timedelta() <= now - verdict.checked < _PROVED
    )


def verdict(due: Due, found: Readers | Reason, asked: int, now: datetime, before: MailVerdict | None) -> MailVerdict:
    """The verdict of a profile that was read at `now`.

    `found` are the people who have a role that gets its invoices, or why they could not be read. `asked` is how many
    the policy asks for; one must be there in any case. `before` is the verdict of the same period.
    """
    least = max(1, asked)
    readers = found if isinstance(found, Readers) else Readers()
    standing, why = _judged(due.profile, found, least)
    return MailVerdict(
        period=due.period,
        day=due.day,
        standing=standing,
        why=why,
        since=before.since if before is not None and before.standing is standing else now,
        checked=now,
        known=readers.known,
        unsure=readers.unsure,
        cannot=readers.cannot,
        asked=least,
    )


def _judged(profile: BillingProfile, found: Readers | Reason, asked: int) -> tuple[MailStanding, Reason]:
    if profile.invoice_email_opt_in is None:
        return MailStanding.NOT_READ, Code.MAIL_NOT_SAID()
    if not profile.invoice_email_opt_in:
        return MailStanding.WILL_NOT_MAIL, Code.OPTED_OUT()
    return (MailStanding.NOT_READ, found) if isinstance(found, Reason) else _by_readers(found, asked)


def _by_readers(found: Readers, asked: int) -> tuple[MailStanding, Reason]:
    most = found.known + found.unsure
    if not most:
        return MailStanding.WILL_NOT_MAIL, Code.NOBODY_CAN_READ(missed=found.cannot)
    if most < asked:
        return MailStanding.TOO_FEW, Code.FEW_CAN_READ(reached=most, asked=asked, missed=found.cannot)
    if found.known < asked:
        return MailStanding.NOT_PROVED, Code.MAILBOXES_NOT_KNOWN(reached=found.known, asked=asked, unsure=found.unsure)
    return MailStanding.WILL_MAIL, Code.ENOUGH_CAN_READ(reached=found.known, asked=asked)


def word_of(
    mail: Iterable[ProfileMail], today: date, seen_at: datetime, now: datetime
) -> Mapping[ProfileKey, MailVerdict]:
    """By profile, the verdicts that say more than a view of `seen_at`: that are newer, and could be read."""
    return {
        key: one
        for key, one in verdicts_of_today(mail, today).items()
        if one.checked >= seen_at and one.standing is not MailStanding.NOT_READ and not one.is_lapsed(now)
    }


def verdicts_of_today(mail: Iterable[ProfileMail], today: date) -> Mapping[ProfileKey, MailVerdict]:
    """By profile, the verdict of the nearest invoice day that is not past, or of this month where no day is known.

    The latest counts: once billing says another invoice day, nobody proves the old one any more.
    """
    month = period_of(None, today)
    found: dict[ProfileKey, MailVerdict] = {}
    for one in mail:
        to_come = [v for v in one.verdicts if v.period == month or (v.day is not None and v.day >= today)]
        if to_come:
            latest = max(v.checked for v in to_come)
            counts = [v for v in to_come if v.checked == latest]
            found[one.profile] = min(counts, key=lambda v: (v.day is None, v.day or today))
    return found
