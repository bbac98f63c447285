"""The view: the estate as the latest sweep saw it, for whoever asks about it. Sweeps write it, people read it.

Only facts live here. Nothing is decided by a view, and nobody gains or loses anything by it. The state alone keeps it,
because it has names; the ledger has ids.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final

from shared.domain.access.plan import Employment, Note, Plan
from shared.domain.access.rules import matches
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.keys import ProfileKey
from shared.domain.people import PERSONAL_ATTRIBUTES, AbsentPerson, ListedPerson, Person
from shared.domain.policy.model import Policy
from shared.domain.policy.selectors import rule_attributes
from shared.domain.reasons import Reason

STALE: Final = timedelta(hours=2)
"""From this age on a view answers nothing by itself: sweeps run every hour, so that one was missed."""

FORGOTTEN: Final = timedelta(days=400)
"""How long a name is kept after the last view that showed it: a year's audit can still be read."""


class Mailbox(StrEnum):
    """Whether mail reaches a principal, as far as the directory says. It is likelihood, and no proof of delivery."""

    YES = "yes"
    NO = "no"
    NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What a principal is called, as the directory last said. "" where it does not say.

    `address` is where mail goes, `upn` the user principal name; both as the directory spells them. `asked` is when the
    directory was asked, `used` when a view last showed the principal.
    """

    object_id: str
    kind: PrincipalKind
    name: str = ""
    address: str = ""
    upn: str = ""
    employee_id: str = ""
    mailbox: Mailbox = Mailbox.NOT_KNOWN
    asked: datetime
    used: datetime

    @property
    def best(self) -> str:
        """The name that people know best; the object id where there is none."""
        return self.name or self.address or self.upn or self.object_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRow:
    """A role that a principal has at a profile or at an account.

    `role` is the role's name, such as `Invoice manager`. `managed`, `rules` (those that gave it, as far as they are
    remembered) and `given_by` (those that give it now) are an Invoice manager's; no other role is managed. `elsewhere`
    is whether the principal is of another tenant, whose directory nobody asks. What billing does not say is None.
    """

    principal: str
    role: str
    principal_type: str | None = None
    created_by: str | None = None
    created_on: datetime | None = None
    managed: bool = False
    rules: tuple[str, ...] = ()
    given_by: tuple[str, ...] = ()
    elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    """A billing profile: what it is, and everybody who has a role at it.

    `rows` are None where the list was never read. `seen` is when they were read where the latest sweep could not read
    them, None where it did. `invoice_day` is the day of the month on which the invoice is made.
    """

    key: ProfileKey
    name: str
    status: str
    opted_in: bool | None
    enforced: bool
    currency: str | None = None
    invoice_day: int | None = None
    addresses: tuple[str, ...] = ()
    rows: tuple[RoleRow, ...] | None
    seen: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether invoices are made for it: status Active."""
        return self.status.lower() == "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """A billing account.

    `rows` are the roles at the account itself, by which every invoice of it may be opened, and `seen` is when they were
    read. Both are None where that is not known: of an account that is not managed, and where the app has a role at the
    profiles alone.
    """

    name: str
    display_name: str
    agreement_type: str
    status: str
    managed: bool
    rows: tuple[RoleRow, ...] | None = None
    seen: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """Somebody whom a rule lists, or who has a role at a profile.

    `person` has the names, and the attributes that the policy tests; None where the directory has nobody of that id, or
    what it says cannot be read. `rules` are those that match, `entitled` is on how many profiles they give access.
    `notes` are those that are about no single profile. What `decide` says of them profile by profile follows from
    `person`, the policy and the catalogue. `next_change` is when time alone changes it. `seen` is when the directory
    was read where the sweep of the view did not read it, else None.
    """

    object_id: str
    person: Person | None
    employment: Employment
    employment_why: Reason
    rules: tuple[str, ...] = ()
    entitled: int = 0
    notes: tuple[Note, ...] = ()
    next_change: datetime | None = None
    seen: datetime | None = None

    def left_on(self, now: datetime) -> datetime | None:
        """Their leave date, where they left and it is past; of a disabled account it may be to come."""
        left = None if self.person is None else self.person.leave_date
        return left if self.employment is Employment.LEAVER and left is not None and left <= now else None


@dataclass(frozen=True, kw_only=True)  # without slots: what is looked up in it is kept with it
class View:
    """The estate but for its people, as the sweep `sweep` of the time `as_of` saw it.

    `complete` is whether it read everything; `failures` are the reads that failed. `members` are, by group that has a
    role, the people in it, as object ids, and `members_seen` when each group was read; one that is missing there was
    never read. Days are those of `time_zone`, the policy's (an IANA name). What decisions were made by is the catalogue
    of the same sweep.
    """

    sweep: str
    as_of: datetime
    complete: bool
    failures: tuple[Reason, ...]
    policy_digest: str
    time_zone: str
    accounts: tuple[AccountView, ...]
    profiles: tuple[ProfileView, ...]
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    members_seen: Mapping[str, datetime] = field(default_factory=dict)

    @cached_property
    def by_key(self) -> Mapping[ProfileKey, ProfileView]:
        """Its profiles by key."""
        return {one.key: one for one in self.profiles}

    @cached_property
    def held(self) -> Mapping[str, Sequence[tuple[ProfileKey, RoleRow]]]:
        """By principal, the roles that they have, each with its profile."""
        found: dict[str, list[tuple[ProfileKey, RoleRow]]] = {}
        for profile in self.profiles:
            for row in profile.rows or ():
                found.setdefault(row.principal, []).append((profile.key, row))
        return found

    def is_stale(self, now: datetime) -> bool:
        """Whether it is too old to say how things are."""
        return now - self.as_of > STALE


@dataclass(frozen=True, kw_only=True)
class PeopleView:
    """The people of the view that `sweep` wrote."""

    sweep: str
    people: tuple[PersonView, ...]

    @cached_property
    def by_id(self) -> Mapping[str, PersonView]:
        """Its people by object id."""
        return {one.object_id: one for one in self.people}


def tested_attributes(policy: Policy) -> frozenset[str]:
    """The attributes of people that a view keeps: their names, and those that the policy tests."""
    return PERSONAL_ATTRIBUTES.union(*map(rule_attributes, policy.rules))


def person_view(
    read: ListedPerson | AbsentPerson,
    plan: Plan,
    policy: Policy,
    tested: AbstractSet[str],
    now: datetime,
    seen: datetime | None = None,
) -> PersonView:
    """Somebody as the view shows them, with what `decide` planned for them `now`, and the attributes `tested`."""
    person: Person | None = None
    rules: tuple[str, ...] = ()
    if isinstance(read, Person):
        kept = {name: text for name, text in read.attributes.items() if name in tested}
        person = replace(read, attributes=kept)
        rules = tuple(rule.name for rule in policy.rules if not rule.is_over(now) and matches(rule, read))
    return PersonView(
        object_id=read.object_id,
        person=person,
        employment=plan.employment,
        employment_why=plan.reason,
        rules=rules,
        entitled=len(plan.wanted),
        notes=tuple(note for note in plan.notes if note.profile is None),
        next_change=plan.next_change,
        seen=seen,
    )


def remembered_names(before: Mapping[str, Called], shown: Mapping[str, Called], now: datetime) -> dict[str, Called]:
    """The names to keep after a view that shows `shown`: those, and what was shown within the last 400 days.

    `used` counts in days, so that a name is stored anew once a day.
    """
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    kept = {one: called for one, called in before.items() if now - called.used <= FORGOTTEN}
    for one, called in shown.items():
        kept[one] = called if called.used == today else replace(called, used=today)
    return kept
