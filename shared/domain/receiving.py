"""Who receives a profile's next invoice, when that is, and who may open it without being sent it: by a view.

Lives here: reading a view for one profile. Pure, and for people's eyes alone: nothing is decided by it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from shared.domain.access.plan import Employment
from shared.domain.adoption.first_contact import PrincipalKind, is_no_person
from shared.domain.guards.holds import Hold, Status
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.mail_check import MailStanding, MailVerdict, ProfileMail, next_invoice, word_of
from shared.domain.readers import reach
from shared.domain.time_zones import zone
from shared.domain.view import Called, Mailbox, PersonView, ProfileView, RoleRow, View


@dataclass(frozen=True, slots=True)
class Sight:
    """A view with its people and the names of everybody in it, all of one sweep, as read at `now`."""

    view: View
    people: Mapping[str, PersonView]
    names: Mapping[str, Called]
    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        """The policy's time zone, in which days begin and end."""
        return zone(self.view.time_zone)

    @property
    def today(self) -> date:
        """The day that it is now."""
        return self.now.astimezone(self.zone).date()

    def called(self, principal: str) -> str:
        """What people call somebody; the object id where nobody knows."""
        found = self.names.get(principal)
        return principal if found is None else found.best


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person with a role by which the invoice is mailed to them.

    `waits` is the hold, or the group of holds, in which the removal waits. `person` is None for whom no view has read,
    such as somebody of another tenant. `may_read` is whether mail may reach them: no for whoever left, is disabled, or
    has no mailbox.
    """

    row: RoleRow
    person: PersonView | None
    called: str
    mailbox: Mailbox
    waits: str | None
    may_read: bool

    @property
    def has_left(self) -> bool:
        """Whether they left, and still receive it."""
        return self.person is not None and self.person.employment is Employment.LEAVER

    def left_on(self, now: datetime) -> datetime | None:
        """The moment at which they left, where the directory says it."""
        return None if self.person is None else self.person.left_on(now)

    @property
    def is_as_it_should_be(self) -> bool:
        """Whether the policy gives them what they have."""
        return self.row.managed and bool(self.row.given_by) and not self.has_left and self.waits is None


@dataclass(frozen=True, slots=True)
class MaySee:
    """Somebody who may open the invoice and is not sent it, and by what.

    `role` is at `where`: the profile's or the account's name. `group` is the group through which they have it.
    """

    principal: str
    called: str
    kind: PrincipalKind
    role: str
    where: str
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Receiving:
    """Who receives one profile's invoices, worst first, and who may see them. `day` is the next invoice's.

    `verdict` is the mail check's of that day, where it is newer than the view.
    """

    profile: ProfileView
    day: date | None
    receives: tuple[Recipient, ...]
    may_see: tuple[MaySee, ...]
    verdict: MailVerdict | None = None

    @property
    def people(self) -> int:
        """How many people receive it: somebody may have several roles."""
        return len({one.row.principal for one in self.receives})

    @property
    def left(self) -> int:
        """How many of them have left."""
        return len({one.row.principal for one in self.receives if one.has_left})

    @property
    def will_mail(self) -> bool:
        """Whether the next invoice will be mailed to somebody who may read it."""
        if self.verdict is not None:
            return self.profile.is_active and self.verdict.standing is not MailStanding.WILL_NOT_MAIL
        mails = self.profile.is_active and self.profile.opted_in is True
        return mails and any(one.may_read for one in self.receives)


def reaches(sight: Sight, principal: str) -> Mailbox:
    """Whether mail reaches somebody, as far as a view knows."""
    seen = sight.people.get(principal)
    return reach(
        sight.names.get(principal), None if seen is None else seen.person, None if seen is None else seen.employment
    )


def receiving(sight: Sight, profile: ProfileView, holds: Iterable[Hold], mail: Iterable[ProfileMail] = ()) -> Receiving:
    """Who receives a profile's next invoice and who may see it.

    `holds` are all that there are, `mail` the verdicts of the mail check.
    """
    waits = removals_that_wait(holds)
    recipients = [
        _recipient(sight, profile.key, row, waits) for row in profile.rows or () if not is_no_person(row.principal_type)
    ]
    return Receiving(
        profile,
        next_invoice(profile.invoice_day, sight.today),
        tuple(sorted(recipients, key=_worst_first)),
        tuple(_may_see(sight, profile)),
        word_of(mail, sight.today, sight.view.as_of, sight.now).get(profile.key),
    )


def removals_that_wait(holds: Iterable[Hold]) -> dict[tuple[str, ProfileKey], str]:
    """The open holds of people's removals: by person and profile, the hold's group or its own id."""
    return {
        (hold.key.object_id, hold.profile): hold.group or hold.id
        for hold in holds
        if isinstance(hold.key, PersonKey) and hold.status is Status.OPEN and hold.kind.value.endswith("revokes")
    }


def _recipient(
    sight: Sight, profile: ProfileKey, row: RoleRow, waits: Mapping[tuple[str, ProfileKey], str]
) -> Recipient:
    person, called = sight.people.get(row.principal), sight.names.get(row.principal)
    return Recipient(
        row=row,
        person=person,
        called=sight.called(row.principal),
        mailbox=Mailbox.NOT_KNOWN if called is None else called.mailbox,
        waits=waits.get((row.principal, profile)) if row.managed else None,
        may_read=reaches(sight, row.principal) is not Mailbox.NO,
    )


def _worst_first(one: Recipient) -> tuple[int, str, str]:
    """Whoever needs a person to look stands first; the others by name."""
    order = 0 if one.has_left else 1 if one.waits is not None else 2 if not one.is_as_it_should_be else 3
    return order, one.called.casefold(), one.row.principal


def _may_see(sight: Sight, profile: ProfileView) -> Iterable[MaySee]:
    """Apps and groups with a role at the profile, and everybody with one at its account."""
    for row in profile.rows or ():
        if is_no_person(row.principal_type):
            yield from _with_members(sight, row, profile.name)
    for account in sight.view.accounts:
        if account.name.lower() == profile.key.account.lower():
            for row in account.rows or ():
                yield from _with_members(sight, row, account.display_name or account.name)


def _with_members(sight: Sight, row: RoleRow, where: str) -> Iterable[MaySee]:
    yield MaySee(row.principal, sight.called(row.principal), _kind(sight, row), row.role, where)
    members: Sequence[str] = sight.view.members.get(row.principal, ())
    for member in members:
        called = sight.names.get(member)
        kind = PrincipalKind.PERSON if called is None else called.kind
        yield MaySee(member, sight.called(member), kind, row.role, where, group=row.principal)


def _kind(sight: Sight, row: RoleRow) -> PrincipalKind:
    if (called := sight.names.get(row.principal)) is not None:
        return called.kind
    kinds = {"serviceprincipal": PrincipalKind.APP, "group": PrincipalKind.GROUP, "user": PrincipalKind.PERSON}
    return kinds.get((row.principal_type or "").lower(), PrincipalKind.UNKNOWN)
