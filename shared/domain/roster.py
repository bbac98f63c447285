"""Lists of a view: every profile, and everybody whom a rule lists or who has a role at a profile.

Lives here: putting together what a view knows of one of them, and what of it needs a person. Pure, and for people's
eyes alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from shared.domain.access.plan import Employment
from shared.domain.adoption.first_contact import PrincipalKind, is_no_person
from shared.domain.guards.holds import Hold, Status
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.mail_check import ProfileMail
from shared.domain.receiving import Receiving, Sight, receiving
from shared.domain.seen import INVOICE_MANAGER_NAME
from shared.domain.view import PersonView, ProfileView, RoleRow


@dataclass(frozen=True, slots=True)
class Listed:
    """A person (or a group, or an app that has a role): what they have, and the holds that wait for a decision.

    `held` are their roles, each with its profile. `person` is None for whom no view has read.
    """

    principal: str
    called: str
    kind: PrincipalKind
    person: PersonView | None
    held: tuple[tuple[ProfileKey, RoleRow], ...]
    waits: tuple[Hold, ...]

    @property
    def has_left(self) -> bool:
        """Whether they left and still have a role."""
        return bool(self.held) and self.person is not None and self.person.employment is Employment.LEAVER

    @property
    def unmanaged(self) -> tuple[tuple[ProfileKey, RoleRow], ...]:
        """Where they are Invoice manager and that is not managed."""
        return tuple(pair for pair in self.held if pair[1].role == INVOICE_MANAGER_NAME and not pair[1].managed)

    @property
    def managed(self) -> tuple[tuple[ProfileKey, RoleRow], ...]:
        """Where they are Invoice manager and that is managed."""
        return tuple(pair for pair in self.held if pair[1].managed)

    @property
    def differs(self) -> bool:
        """Whether what they have is not what the policy says: more, less, or kept after they left."""
        entitled = 0 if self.person is None else self.person.entitled
        strays = any(not row.given_by for _, row in self.managed)
        return self.has_left or strays or bool(self.waits) or len(self.managed) + len(self.unmanaged) < entitled


@dataclass(frozen=True, slots=True)
class ListedProfile:
    """A profile: who receives its invoice, and the holds on it that wait for a decision."""

    receiving: Receiving
    waits: tuple[Hold, ...]

    @property
    def profile(self) -> ProfileView:
        """The profile itself."""
        return self.receiving.profile

    @property
    def day(self) -> date | None:
        """When its next invoice is made."""
        return self.receiving.day

    @property
    def managed(self) -> int:
        """How many managed Invoice managers it has."""
        return sum(row.managed for row in self.profile.rows or ())

    @property
    def unmanaged(self) -> int:
        """How many Invoice managers it has that are not managed, groups and apps among them."""
        return sum(row.role == INVOICE_MANAGER_NAME and not row.managed for row in self.profile.rows or ())

    @property
    def left(self) -> int:
        """How many of its recipients have left."""
        return sum(one.has_left for one in self.receiving.receives)

    @property
    def strays(self) -> int:
        """How many managed recipients no rule gives it any more, and whose removal does not wait for a decision."""
        return sum(
            one.row.managed and not one.row.given_by and one.waits is None and not one.has_left
            for one in self.receiving.receives
        )

    @property
    def differs(self) -> bool:
        """Whether what is there is not what the policy says."""
        return bool(self.left or self.strays or self.waits)


def everybody(sight: Sight, holds: Iterable[Hold]) -> list[Listed]:
    """Everybody whom a rule lists, who has a role at a profile, or for whom something waits; by name."""
    waiting: dict[str, list[Hold]] = {}
    for hold in holds:
        if isinstance(hold.key, PersonKey) and hold.status is Status.OPEN:
            waiting.setdefault(hold.key.object_id, []).append(hold)
    held = sight.view.held
    found = [
        Listed(
            principal,
            sight.called(principal),
            _kind(sight, principal, held),
            sight.people.get(principal),
            tuple(held.get(principal, ())),
            tuple(waiting.get(principal, ())),
        )
        for principal in sight.people.keys() | held.keys() | waiting.keys()
    ]
    return sorted(found, key=lambda one: (one.called.casefold(), one.principal))


def every_profile(sight: Sight, holds: Sequence[Hold], mail: Iterable[ProfileMail] = ()) -> list[ListedProfile]:
    """Every profile of a view, by name. `mail` are the verdicts of the mail check."""
    checked = {one.profile: (one,) for one in mail}
    waiting: dict[ProfileKey, list[Hold]] = {}
    for hold in holds:
        if hold.status is Status.OPEN:
            waiting.setdefault(hold.profile, []).append(hold)
    found = []
    for profile in sight.view.profiles:
        waits = tuple(waiting.get(profile.key, ()))
        found.append(ListedProfile(receiving(sight, profile, waits, checked.get(profile.key, ())), waits))
    return sorted(found, key=lambda one: (one.profile.name.casefold(), one.profile.key))


def _kind(sight: Sight, principal: str, held: Mapping[str, Sequence[tuple[ProfileKey, RoleRow]]]) -> PrincipalKind:
    if (called := sight.names.get(principal)) is not None:
        return called.kind
    kinds = {row.principal_type for _, row in held.get(principal, ())}
    if any(is_no_person(kind) for kind in kinds):
        return PrincipalKind.GROUP if "Group" in kinds else PrincipalKind.APP
    return PrincipalKind.PERSON if principal in sight.people else PrincipalKind.UNKNOWN
