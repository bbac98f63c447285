"""The pause: what stops writes, where it stops them, and what set it.

Lives here: the kinds of pauses, where each may stand, what each stops, and what ends it. Whoever is about to write asks
`stops`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from shared.domain.access.plan import Strength
from shared.domain.keys import ProfileKey
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Reason


class PauseKind(StrEnum):
    """The kinds of pauses, by what set them."""

    OPERATOR = "operator-stop"
    """A person did, by `pause`."""
    INCOMPLETE_SWEEP = "incomplete-sweep"
    """A sweep could not read everything."""
    POPULATION_SHRANK = "population-shrank"
    """Far fewer people match the rules than at the last good sweep."""
    ROLE_LOST = "role-lost"
    """Our own billing role is gone."""
    HARM = "profile-harm"
    """A profile update changed more than the flag."""


EVERYWHERE: Final = ""
"""The scope of what stops every write."""

MOST_SCOPES: Final = 20
"""How many accounts and profiles may have a pause of one kind. All pauses are one row, which must not grow without end.
With more of one kind, one pause everywhere replaces them."""


class Pause(NamedTuple):
    """A kind of pause, and where it stops writes.

    `scope` is a billing account's name, `<account>/<profile>`, or "" for everywhere; lower-case.
    """

    kind: PauseKind
    scope: str = EVERYWHERE

    def __str__(self) -> str:
        return f"{self.kind.value} on {self.scope}" if self.scope else self.kind.value


@dataclass(frozen=True, slots=True)
class Setting:
    """Why and since when a pause stands. `by` is who set it: a sweep, a check's key, or an operator.

    `seen` is how many people there were when the population shrank; 0 for any other kind, and where nobody noted it.
    `renewed` is when the same was found again, which is then whose word `by` and `why` are.
    """

    since: datetime
    by: str
    why: Reason
    seen: int = 0
    renewed: datetime | None = None

    @property
    def found(self) -> datetime:
        """When it was last found."""
        return self.renewed or self.since


@dataclass(frozen=True, slots=True)
class Pauses:
    """The pauses that stand; none, no pause."""

    active: Mapping[Pause, Setting] = field(default_factory=dict)


STOPS_LEAVERS: Final = frozenset({PauseKind.OPERATOR, PauseKind.ROLE_LOST})
"""What stops also a leaver's revoke on strong evidence."""

ENDED_BY_SWEEPS: Final = frozenset({PauseKind.INCOMPLETE_SWEEP, PauseKind.POPULATION_SHRANK, PauseKind.ROLE_LOST})
"""What a later sweep can see to be over. The others wait for a person's `resume`."""


def scopes_of(profile: ProfileKey) -> tuple[str, str, str]:
    """The scopes that a profile lies in, the widest first."""
    return EVERYWHERE, profile.account.lower(), profile.folded


def stops(
    pauses: Pauses, kind: ActionKind, strength: Strength | None, profile: ProfileKey
) -> tuple[Pause, Setting] | None:
    """The first pause that stops an action of a kind on a profile; None when it may pass.

    A leaver's revoke on strong evidence passes every pause but an operator's and one for the loss of our role.
    `strength` is None for what is no revoke.
    """
    leaver = kind is ActionKind.LEAVER_REVOKES and strength is Strength.STRONG
    for one in PauseKind:
        for scope in () if leaver and one not in STOPS_LEAVERS else scopes_of(profile):
            pause = Pause(one, scope)
            if pause in pauses.active:
                return pause, pauses.active[pause]
    return None
