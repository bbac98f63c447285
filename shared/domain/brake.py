"""The brake: one flag that stops writes, with what set it.

Lives here: the causes, what each stops, and what clears it. Whoever is about to write asks `stops`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.domain.plan import Strength
from shared.domain.policy import ActionKind


class BrakeCause(StrEnum):
    """What set the brake."""

    PAUSE = "pause"
    """A person did."""
    INCOMPLETE_SWEEP = "incomplete-sweep"
    """A sweep could not read everything."""
    POPULATION_SHRANK = "population-shrank"
    """Far fewer people match the rules than at the last good sweep."""
    ROLE_LOST = "role-lost"
    """Our own billing role is gone."""
    HARM = "profile-harm"
    """A profile update changed more than the flag."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Why and since when a cause stands. `by` is who set it: a sweep, a look's key, or an operator.

    `seen` is how many people there were when the population shrank; 0 for any other cause, and where nobody noted it.
    `renewed` is when a later sweep found the same again, which is then whose word `by` and `why` are.
    """

    since: datetime
    by: str
    why: str
    by_sweep: bool = False
    seen: int = 0
    renewed: datetime | None = None

    @property
    def found(self) -> datetime:
        """When it was last found."""
        return self.renewed or self.since


@dataclass(frozen=True, slots=True)
class Brake:
    """The causes that stand; no cause, no brake. `version` is the store's own, None for a row not stored yet."""

    causes: Mapping[BrakeCause, Setting] = field(default_factory=dict)
    version: str | None = field(default=None, compare=False)


_STOPS_LEAVERS: Final = frozenset({BrakeCause.PAUSE, BrakeCause.ROLE_LOST})


def stops(brake: Brake, kind: ActionKind, strength: Strength | None) -> tuple[BrakeCause, Setting] | None:
    """The first cause that stops an action of a kind; None when it may pass.

    A leaver's revoke on strong evidence passes every cause but a person's pause and the loss of our role. `strength` is
    None for what is no revoke.
    """
    leaver = kind is ActionKind.LEAVER_REVOKES and strength is Strength.STRONG
    for cause in BrakeCause:
        if cause in brake.causes and (not leaver or cause in _STOPS_LEAVERS):
            return cause, brake.causes[cause]
    return None
