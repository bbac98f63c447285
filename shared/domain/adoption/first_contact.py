"""First contact: what every existing assignment is, before anything is enforced.

Lives here: the two axes, owner and principal, what else is worth knowing of an assignment, and counting them. Pure:
reading the estate and the directory is the service's. Nothing here is acted upon.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.domain.access.employment import Standing, standing
from shared.domain.access.ownership import Held, ManagedAssignment, OwnershipBasis, UnmanagedAssignment
from shared.domain.access.plan import Employment
from shared.domain.access.rules import wanted
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import AbsentPerson, DeletedPerson, Person, PersonRead, UnreadablePerson
from shared.domain.policy.model import Policy
from shared.domain.reasons import Code, Reason


class Owner(StrEnum):
    """Whose an assignment is."""

    MANAGED = "managed"
    UNMANAGED = "unmanaged"


class PrincipalKind(StrEnum):
    """Who has an assignment."""

    PERSON = "person"
    GUEST = "guest"
    GROUP = "group"
    """A group, or whatever else stands for many (a directory role, everyone)."""
    APP = "app"
    GONE = "gone"
    """A person whom the directory knows nowhere, or only among the deleted."""
    UNKNOWN = "unknown"
    """The directory could not be read, or is not the one that would know."""


@dataclass(frozen=True, slots=True)
class NotRead:
    """Why nothing is known of a principal from the directory."""

    why: Reason


@dataclass(frozen=True, slots=True)
class IsGroup:
    """The directory knows the principal as a group."""


type PrincipalRead = PersonRead | IsGroup | NotRead | None
"""What the directory said of a principal; None where it was not asked, because billing says that it is no person."""

_KINDS = {
    "group": PrincipalKind.GROUP,
    "directoryrole": PrincipalKind.GROUP,
    "everyone": PrincipalKind.GROUP,
    "serviceprincipal": PrincipalKind.APP,
}
"""billing's principalType, lower-case, for what is no person. Its other values are User, Unknown and None."""


@dataclass(frozen=True, slots=True)
class Existing:
    """One Invoice manager assignment that exists, classified.

    `principal_why` says what `principal` rests on. `standing` is None where nobody is employed: a group, an app, or
    somebody of whom nothing is known. `given_by` are the rules that give it to them now.
    """

    held: Held
    profile_name: str
    principal: PrincipalKind
    principal_why: Reason
    person: PersonRead | None = field(default=None, repr=False)
    standing: Standing | None = None
    protected: bool = False
    given_by: tuple[str, ...] = ()

    @property
    def profile(self) -> ProfileKey:
        """The profile it gives access to."""
        return self.held.profile

    @property
    def principal_id(self) -> str:
        """Who has it, by object id."""
        return self.held.assignment.principal_id

    @property
    def called(self) -> str | None:
        """The user principal name, for a terminal; it belongs in no log and no record."""
        return self.person.user_principal_name if isinstance(self.person, Person) else None

    @property
    def owner(self) -> Owner:
        """Whose it is."""
        return Owner.MANAGED if isinstance(self.held, ManagedAssignment) else Owner.UNMANAGED

    @property
    def owner_why(self) -> Reason:
        """What that rests on."""
        if isinstance(self.held, UnmanagedAssignment):
            return self.held.why
        match self.held.proof:
            case OwnershipBasis.CREATED_BY:
                return Code.MADE_BY_US(maker=self.held.assignment.created_by or "")
            case OwnershipBasis.INTENT:
                return Code.MAKER_UNSAID_BUT_INTENT()
            case OwnershipBasis.ADOPTED:
                return Code.ADOPTED(maker=self.held.assignment.created_by or "")

    @property
    def is_leaver(self) -> bool:
        """Whether a leaver has it."""
        return self.standing is not None and self.standing.employment is Employment.LEAVER


def is_no_person(principal_type: str | None) -> bool:
    """Whether billing says that a principal is none whom the directory's people could contain."""
    return (principal_type or "").lower() in _KINDS


def classify(
    held: Held,
    read: PrincipalRead,
    *,
    policy: Policy,
    catalogue: Catalogue,
    profile_name: str,
    now: datetime,
) -> Existing:
    """Says what one assignment is, from billing's row and what the directory said of its principal."""
    row = held.assignment
    kind, why = _principal(row.principal_type, read)
    person = read if isinstance(read, Person | UnreadablePerson | DeletedPerson | AbsentPerson) else None
    stands = None
    given: tuple[str, ...] = ()
    if person is not None and kind in {PrincipalKind.PERSON, PrincipalKind.GUEST, PrincipalKind.GONE}:
        stands = standing(person, policy, now)
        if isinstance(person, Person) and stands.employment is Employment.EMPLOYED:
            given = wanted(person, policy, catalogue, now).rules.get(held.profile, ())
    return Existing(
        held=held,
        profile_name=profile_name,
        principal=kind,
        principal_why=why,
        person=person,
        standing=stands,
        protected=row.principal_id.lower() in policy.protected,
        given_by=given,
    )


def _principal(  # noqa: PLR0911 - one return per answer that the directory can give
    principal_type: str | None, read: PrincipalRead
) -> tuple[PrincipalKind, Reason]:
    """What kind of principal it is, and why we say so. A failed read is never an absence."""
    if is_no_person(principal_type):
        return _KINDS[(principal_type or "").lower()], Code.BILLING_SAYS(type=principal_type or "")
    match read:
        case None:
            return PrincipalKind.UNKNOWN, Code.DIRECTORY_NOT_ASKED()
        case IsGroup():
            return PrincipalKind.GROUP, Code.DIRECTORY_KNOWS_A_GROUP()
        case NotRead():
            return PrincipalKind.UNKNOWN, read.why
        case Person():
            kind = PrincipalKind.GUEST if read.is_guest else PrincipalKind.PERSON
            return kind, Code.DIRECTORY_KNOWS_THEM()
        case DeletedPerson():
            return PrincipalKind.GONE, Code.DELETED()
        case UnreadablePerson():
            return PrincipalKind.PERSON, Code.DIRECTORY_KNOWS_THEM_UNREADABLE(said=read.why)
        case AbsentPerson() if (principal_type or "").lower() == "user":
            return PrincipalKind.GONE, Code.NOT_IN_DIRECTORY()
        case AbsentPerson():
            said = Code.BILLING_SAYS(type=principal_type) if principal_type else Code.BILLING_DOES_NOT_SAY()
            return PrincipalKind.UNKNOWN, Code.NOBODY_HAS_THIS_ID(because=said)


def table(existing: Iterable[Existing]) -> Mapping[Owner, Mapping[PrincipalKind, int]]:
    """How many there are of each owner and kind of principal; every cell is there, also where it is 0."""
    counted = Counter((one.owner, one.principal) for one in existing)
    return {owner: {kind: counted[owner, kind] for kind in PrincipalKind} for owner in Owner}


def quick_counts(held: Iterable[Held]) -> dict[str, dict[str, int]]:
    """How many Invoice manager assignments there are by owner and billing's own principal type, for every sweep.

    It costs no read: who is a guest or gone only the directory knows.
    """
    counted: dict[str, Counter[str]] = {owner.value: Counter() for owner in Owner}
    for one in held:
        owner = Owner.MANAGED if isinstance(one, ManagedAssignment) else Owner.UNMANAGED
        counted[owner.value][one.assignment.principal_type or "None"] += 1
    return {owner: dict(sorted(kinds.items())) for owner, kinds in counted.items()}
