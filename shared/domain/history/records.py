"""What the ledger's records say: one type for each kind of record, which whoever writes and whoever reads it share.

Lives here: a record and every kind of body but that of a check, which is `checks`'s. How they lie in rows is the
store's. A body holds ids and no names. A field at its default is not stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, Literal

from shared.domain.access.ownership import OwnershipBasis
from shared.domain.access.plan import Strength
from shared.domain.history.checks import CheckBody
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Reason


class Mode(StrEnum):
    """Whether an intended write is sent."""

    ENFORCE = "enforce"
    OBSERVE = "observe"
    """It is only said what would be done; that never counts as held."""


@dataclass(frozen=True, slots=True)
class IntendedGrant:
    """A grant that is about to be made, by `rules`. The read before it found nothing managed there."""

    action: Literal["grant"]
    profile: ProfileKey
    mode: Mode
    why: Reason
    rules: tuple[str, ...]
    found_nothing: bool = False


@dataclass(frozen=True, slots=True)
class IntendedRevoke:
    """A revoke that is about to be made. The read before it showed the assignment, managed by `proof`."""

    action: Literal["revoke"]
    profile: ProfileKey
    mode: Mode
    why: Reason
    proof: OwnershipBasis
    strength: Strength


@dataclass(frozen=True, slots=True)
class IntendedUpdate:
    """A profile's update that is about to be made. `before` is the digest of what the profile was like."""

    action: Literal["opt-in"]
    profile: ProfileKey
    mode: Mode
    before: str


type Intended = IntendedGrant | IntendedRevoke | IntendedUpdate


@dataclass(frozen=True, slots=True)
class IntentBody:
    """What a check is about to write, recorded before it does.

    `service_time` is billing's own time of the latest answer before it; None where no answer told one.
    """

    KIND: ClassVar = "intent"

    actions: tuple[Intended, ...]
    service_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class AdoptBody:
    """The evidence of an adoption: the very row, who took it over, and what they were shown.

    `why` and `consequence` are `adoption.consequences`' words; `rules` are those that gave it then.
    """

    KIND: ClassVar = "adopt"

    profile: ProfileKey
    name: str
    created_by: str | None
    created_on: datetime
    principal_type: str | None
    by: str
    why: str
    consequence: str
    shown: Reason
    rules: tuple[str, ...]


class Verb(StrEnum):
    """What an operator decided."""

    RELEASE = "release"
    DISMISS = "dismiss"
    PAUSE = "pause"
    RESUME = "resume"
    PROPOSE = "propose"
    """To have somebody else confirm one of the others."""


@dataclass(frozen=True, slots=True)
class ClearedPause:
    """A pause that was cleared, as it stood: since when, who set it, and why."""

    since: datetime
    by: str
    why: Reason


@dataclass(frozen=True, slots=True)
class DecidedHold:
    """A hold that was decided about: the hold itself goes when its action is taken."""

    id: str
    key: PersonKey | ProfileKey
    kind: ActionKind
    profile: ProfileKey
    basis: Reason | None
    group: str = ""


@dataclass(frozen=True, slots=True)
class DecisionBody:
    """What an operator decided.

    `by` is the operator's object id. `scope` is where a pause stops writes, "" for everywhere. `pauses` are the pauses
    that were cleared, each as people write it. Of a proposal `deed` is the verb that is proposed, and `digest` of what;
    of what was confirmed `proposed_by` is who proposed it, and `digest` the same. Where a decision broke off as the
    world moved, `refused` says how, `differences` how many there were in all, and `decided` which holds were decided
    before.
    """

    KIND: ClassVar = "decision"

    verb: Verb
    by: str
    why: str = ""
    scope: str = ""
    pauses: Mapping[str, ClearedPause] | None = None
    holds: tuple[DecidedHold, ...] = ()
    refused: tuple[Reason, ...] = ()
    differences: int = 0
    decided: tuple[str, ...] = ()
    deed: str = ""
    proposed_by: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class DigestBody:
    """The heads of chains: the last record's sequence and digest, by the chain's key."""

    KIND: ClassVar = "digest"

    heads: Mapping[str, tuple[int, str]]


class Left(StrEnum):
    """How an assignment stopped being among the unmanaged ones."""

    GONE = "gone"
    """A complete list of its profile no longer had it."""
    ADOPTED = "adopted"
    """It is managed now: a person adopted it."""
    MANAGED = "managed"
    """It is managed now: another proof than before, or taken away and granted by us since."""
    NOT_MANAGED = "not-managed"
    """Its profile is no longer among those that we manage, so that nobody checks."""


@dataclass(frozen=True, slots=True)
class Appeared:
    """An unmanaged assignment that was not known before, and when a sweep saw it first."""

    profile: ProfileKey
    principal: str
    type: str
    why: Reason
    first: datetime


@dataclass(frozen=True, slots=True)
class Disappeared(Appeared):
    """An assignment that is no longer among the unmanaged ones, and when a sweep saw it first and last."""

    last: datetime
    left: Left


@dataclass(frozen=True, slots=True)
class UnmanagedBody:
    """What changed among the unmanaged assignments since the sweep before."""

    KIND: ClassVar = "unmanaged"

    appeared: tuple[Appeared, ...] = ()
    left: tuple[Disappeared, ...] = ()


MEMBER: Final = "member"
"""What the role of somebody in a group is called: the group has the role itself."""


@dataclass(frozen=True, slots=True)
class RoleSeen:
    """A role by which somebody gets or may see invoices, and when a sweep saw it first; Invoice managers are no part.

    `where` is a profile (`<account>/<profile>`), an account, or a group that has a role; `role` is the role's name, in
    a group `member`. `type` is billing's principal type, "" where it says none.
    """

    where: str
    role: str
    principal: str
    type: str
    first: datetime


@dataclass(frozen=True, slots=True)
class RoleGone(RoleSeen):
    """A role that is no longer there, or of which nobody asks any more: when a sweep saw it last."""

    last: datetime
    left: Left


@dataclass(frozen=True, slots=True)
class SettingsSeen:
    """What a profile's e-mail invoicing is like since the sweep at `at`.

    `addresses` is how many are set on the profile, and `digest` is over them: addresses are personal, and no record has
    one. `ours` is whether an update of ours turned it on; whatever else changes, others changed.
    """

    profile: ProfileKey
    opted_in: bool | None
    addresses: int
    digest: str
    at: datetime
    ours: bool = False


@dataclass(frozen=True, slots=True)
class RolesBody:
    """What changed among roles, members of groups and profiles' settings since the sweep before."""

    KIND: ClassVar = "roles"

    appeared: tuple[RoleSeen, ...] = ()
    left: tuple[RoleGone, ...] = ()
    settings: tuple[SettingsSeen, ...] = ()


type Body = IntentBody | CheckBody | AdoptBody | DecisionBody | DigestBody | UnmanagedBody | RolesBody


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of a key's chain.

    `sequence` counts from 1; `previous` is the digest of the entry before (64 zeros for the first) and `digest` the
    SHA-256 over all of this.
    """

    key: str
    sequence: int
    at: datetime
    body: Body
    previous: str
    digest: str

    @property
    def kind(self) -> str:
        """The name of the body's kind, as it is stored."""
        return self.body.KIND
