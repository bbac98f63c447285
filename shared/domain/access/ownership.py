"""Whose assignment is it? The proof that something is managed, and the only way to build it.

Promise 4: only what is managed. A revoke takes an `ManagedAssignment`, and an `ManagedAssignment` comes out of
`prove` alone.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.domain.billing import Assignment
from shared.domain.keys import ProfileKey
from shared.domain.reasons import Code, Reason

_PROVED = object()


class OwnershipBasis(StrEnum):
    """What an ownership rests on."""

    CREATED_BY = "created-by"
    """The live row's createdByPrincipalId is one of our identities."""
    INTENT = "intent"
    """The row does not say who made it; our recorded intent precedes it and found nothing there before."""
    ADOPTED = "adopted"
    """A person adopted it, with that evidence kept."""


_EXPLAINS: Final = timedelta(minutes=15)
"""How long after an intent a row may be made that it explains: checks that wait for a grant to show are over then."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A grant that we recorded before we made it: when, and whether the read before it found nothing."""

    recorded_at: datetime
    found_nothing: bool


@dataclass(frozen=True, slots=True)
class AdoptedRow:
    """The very row that a person adopted. One that somebody made later in its place is another row.

    `created_on` is in whole seconds: some answers of the service show a row's time with a fraction, others without.
    """

    profile: ProfileKey
    name: str
    created_by: str | None
    created_on: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "created_on", self.created_on.replace(microsecond=0))

    @classmethod
    def of(cls, assignment: Assignment) -> "AdoptedRow | None":
        """What tells a row from every other; None for one that does not say when it was made: nothing does."""
        if assignment.created_on is None:
            return None
        return cls(assignment.profile, assignment.name.lower(), assignment.created_by, assignment.created_on)


@dataclass(frozen=True, slots=True)
class ManagedAssignment:
    """An Invoice manager assignment proved managed. Built by `prove` and nobody else.

    `rules` are those that gave it as far as we remember, None when we do not.
    """

    assignment: Assignment
    proof: OwnershipBasis
    rules: frozenset[str] | None
    token: object

    def __post_init__(self) -> None:
        if self.token is not _PROVED:
            raise TypeError("an OwnAssignment comes out of shared.domain.access.ownership.prove, nowhere else")

    @property
    def profile(self) -> ProfileKey:
        """The profile it gives access to."""
        return self.assignment.profile


@dataclass(frozen=True, slots=True)
class UnmanagedAssignment:
    """An Invoice manager assignment that is not managed, and why we say so."""

    assignment: Assignment
    why: Reason

    @property
    def profile(self) -> ProfileKey:
        """The profile it gives access to."""
        return self.assignment.profile


type Held = ManagedAssignment | UnmanagedAssignment


def prove(  # noqa: PLR0911 - one return per reason, in the order in which they decide
    assignment: Assignment,
    *,
    identities: AbstractSet[str],
    intent: Intent | None = None,
    adopted: AdoptedRow | None = None,
    rules: frozenset[str] | None = None,
) -> Held:
    """Says whether a live Invoice manager assignment is managed.

    `identities` are the object ids (lower-case) under which this app writes or wrote. Managed is: made by one of them;
    or this very row `adopted`; or, where the row does not say who made it, an intent of ours that precedes its
    creation and before which nothing was there. Anything else is unmanaged, a row of another role always.
    """
    if not assignment.is_invoice_manager:
        return UnmanagedAssignment(assignment, Code.ANOTHER_ROLE())
    if assignment.created_by is not None and assignment.created_by in identities:
        return ManagedAssignment(assignment, OwnershipBasis.CREATED_BY, rules, _PROVED)
    if adopted is not None and adopted == AdoptedRow.of(assignment):
        return ManagedAssignment(assignment, OwnershipBasis.ADOPTED, rules, _PROVED)
    if assignment.created_by is not None:
        return UnmanagedAssignment(assignment, Code.MADE_BY(maker=assignment.created_by))
    if intent is None or not intent.found_nothing:
        return UnmanagedAssignment(assignment, Code.MAKER_UNSAID_NO_INTENT())
    # The service was seen to cut createdOn to whole seconds, so an intent counts from the beginning of its second.
    if assignment.created_on is None or assignment.created_on < intent.recorded_at.replace(microsecond=0):
        return UnmanagedAssignment(assignment, Code.MAKER_UNSAID_BEFORE_INTENT())
    if assignment.created_on > intent.recorded_at + _EXPLAINS:
        return UnmanagedAssignment(assignment, Code.MAKER_UNSAID_LONG_AFTER_INTENT())
    return ManagedAssignment(assignment, OwnershipBasis.INTENT, rules, _PROVED)
