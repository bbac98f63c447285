"""A snapshot: what a view shows, as a policy may be tried on it away from Azure, and without names.

Lives here: the values, and taking one. It has no leave dates and no hire dates: what they meant on its day is kept as
the person's employment. Ids are pseudonyms unless somebody asked for names.
"""

import hashlib
import hmac
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from shared.domain.access.plan import Employment
from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import PERSONAL_ATTRIBUTES, Person
from shared.domain.reasons import Reason
from shared.domain.view import Called, PeopleView, PersonView, RoleRow, View

_KEPT: Final = 4
"""Digits of a pseudonym that its name has."""

_YEARS_AHEAD: Final = timedelta(days=3650)
"""A hire date for who was yet to begin: when, a snapshot does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPerson:
    """Somebody in a snapshot. `guest` and `member` are what rules ask of accounts of another tenant.

    `name` is a pseudonym unless names were asked for. `protected` is whether the policy protected them.
    """

    id: str
    name: str
    employment: Employment
    guest: bool = False
    member: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()
    protected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRow:
    """A role that somebody has at a profile. `principal_type` is billing's word."""

    profile: ProfileKey
    principal: str
    role: str
    principal_type: str | None
    managed: bool
    rules: tuple[str, ...] = ()

    @property
    def as_seen(self) -> RoleRow:
        """The row as a view has it; who made it, and when, a snapshot does not say."""
        return RoleRow(
            principal=self.principal,
            role=self.role,
            principal_type=self.principal_type,
            managed=self.managed,
            rules=self.rules,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A view to try a policy on.

    `policy` is the digest of the policy that the view was made under, `unknown_rules` what was not known of its rules.
    `attributes` are those that people have here at all: of any other nothing is known. `named` is whether ids and names
    are true ones.
    """

    as_of: datetime
    complete: bool
    policy: str
    named: bool
    attributes: frozenset[str]
    accounts: tuple[BillingAccount, ...]
    profiles: tuple[BillingProfile, ...]
    rows: tuple[SnapshotRow, ...]
    people: tuple[SnapshotPerson, ...]
    unknown_rules: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)


def as_read(one: SnapshotPerson, as_of: datetime) -> Person:
    """Somebody as a read would show them whose employment was this on the day of the snapshot, `as_of`."""
    guest = f"{one.id}#EXT#@snapshot.invalid" if one.guest else None
    return Person(
        one.id,
        account_enabled=one.employment is not Employment.LEAVER,
        user_type="Member" if one.member or not one.guest else "Guest",
        hire_date=as_of + _YEARS_AHEAD if one.employment is Employment.PRE_HIRE else None,
        leave_date=None,
        attributes={"userPrincipalName": guest, **one.attributes},
        groups=one.groups,
        display_name=one.name,
    )


def pseudonyms(salt: bytes) -> Callable[[str], str]:
    """Gives each object id another one, always the same under one salt: whoever has no salt cannot go back."""

    def pseudonym(object_id: str) -> str:
        digits = hmac.new(salt, object_id.lower().encode(), hashlib.sha256).hexdigest()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"

    return pseudonym


def take(
    view: View,
    people: PeopleView,
    catalogue: Catalogue,
    protected: Collection[str],
    *,
    called: Mapping[str, Called],
    pseudonym: Callable[[str], str] | None,
) -> Snapshot:
    """A snapshot of a view. With a `pseudonym` it has no true id and no name; None keeps both."""
    found = [_person(one, protected, called, pseudonym) for one in people.people]
    own = (lambda one: one) if pseudonym is None else pseudonym
    return Snapshot(
        as_of=view.as_of,
        complete=view.complete,
        policy=view.policy_digest,
        named=pseudonym is None,
        attributes=frozenset[str]().union(*(one.person.attributes for one in people.people if one.person is not None))
        - (frozenset() if pseudonym is None else PERSONAL_ATTRIBUTES),
        accounts=catalogue.accounts,
        profiles=catalogue.profiles,
        rows=tuple(
            _row(profile.key, row, own) for profile in view.profiles for row in profile.rows or () if not row.elsewhere
        ),
        people=tuple(sorted(found, key=lambda one: one.id)),
        unknown_rules=catalogue.unknown_rules or {},
    )


def _row(profile: ProfileKey, row: RoleRow, own: Callable[[str], str]) -> SnapshotRow:
    return SnapshotRow(
        profile=profile,
        principal=own(row.principal),
        role=row.role,
        principal_type=row.principal_type,
        managed=row.managed,
        rules=row.rules,
    )


def _person(
    seen: PersonView,
    protected: Collection[str],
    called: Mapping[str, Called],
    pseudonym: Callable[[str], str] | None,
) -> SnapshotPerson:
    person = seen.person
    id_ = seen.object_id if pseudonym is None else pseudonym(seen.object_id)
    return SnapshotPerson(
        id=id_,
        name=f"Person {id_[:_KEPT]}" if pseudonym is not None else _name(seen, called),
        employment=seen.employment,
        guest=person is not None and person.is_guest,
        member=person is not None and person.is_external_member,
        attributes={} if person is None else _attributes(person, named=pseudonym is None),
        groups=frozenset() if person is None else person.groups,
        protected=seen.object_id in protected,
    )


def _attributes(person: Person, *, named: bool) -> dict[str, str]:
    return {
        name: text
        for name, text in person.attributes.items()
        if text is not None and (named or name not in PERSONAL_ATTRIBUTES)
    }


def _name(seen: PersonView, called: Mapping[str, Called]) -> str:
    if seen.person is not None and (name := seen.person.display_name or seen.person.user_principal_name):
        return name
    return called[seen.object_id].best if seen.object_id in called else seen.object_id
