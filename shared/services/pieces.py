"""A person of very many profiles, piece by piece: which of them one look covers, and who covers the rest.

Lives here: cutting the pieces, in the order of `Position`: what the policy gives before what it no longer gives, as
grants precede revokes. What is done about a piece is `person`'s. Almost everybody is one piece, and costs nothing here.
"""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from shared.domain.keys import ProfileKey
from shared.domain.work import Position, Scheduled, WorkItem, following

MOST_PROFILES: Final = 100
"""The most profiles of one look. Their reads are 4 s of ARM's rate and their writes 10, and a record holds 4,400
characters about each, where a usual one needs 1,000."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one look covers.

    `profiles` are to be read, in their order, and `elsewhere` are the person's others, which other pieces cover. `item`
    is the work item of this piece alone, for looks that have to follow about it; `rest` asks for what comes after it.
    """

    item: WorkItem
    profiles: Sequence[ProfileKey]
    elsewhere: Collection[ProfileKey] = ()
    rest: Scheduled | None = None

    @property
    def is_all(self) -> bool:
        """Whether it is everything there is to look at."""
        return not self.elsewhere and not self.item.is_part

    @property
    def is_first(self) -> bool:
        """Whether no other piece comes before it."""
        return self.item.after is None

    def covers(self, profile: ProfileKey | None) -> bool:
        """Whether it is this piece's to tell of a profile. The first one tells of what is read nowhere, too."""
        return profile not in self.elsewhere and (self.is_first or profile in self.profiles)

    def record(self) -> dict[str, Any]:
        """For the ledger; nothing where it is everything."""
        if self.is_all:
            return {}
        told: dict[str, Any] = {"profiles": len(self.profiles), "of": len(self.profiles) + len(self.elsewhere)}
        return {"piece": told | ({"continued": True} if self.rest is not None else {})}


def cut(item: WorkItem, profiles: Sequence[ProfileKey], given: Collection[ProfileKey], most: int) -> Piece:
    """The piece of `profiles` (sorted) that a look at `item` takes: at most `most`. `given` are the policy's."""
    first = [one for one in profiles if one in given]
    then = [one for one in profiles if one not in given] if first else profiles
    ordered = [*first, *then]
    if not item.is_part and len(ordered) <= most:
        return Piece(item, ordered)

    def passed(position: Position) -> int:
        """How many of them stand at a position or before it."""
        if position.surplus:
            return len(first) + bisect_right(then, position.profile)
        return bisect_right(first, position.profile)

    begin = 0 if item.after is None else passed(item.after)
    end = len(profiles) if item.upto is None else passed(item.upto)
    within = ordered[begin:end]
    chosen = within[:most]
    elsewhere = frozenset(profiles) - frozenset(chosen)
    if len(within) <= most:
        return Piece(item, chosen, elsewhere)
    last = Position(chosen[-1] not in given, chosen[-1])
    return Piece(replace(item, upto=last), chosen, elsewhere, following(item, last))
