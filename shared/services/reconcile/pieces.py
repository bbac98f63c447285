"""A person of very many profiles, piece by piece: which of them one check covers, and who covers the rest.

Lives here: cutting the pieces, in the order of `Position`: what the policy gives before what it no longer gives, as
grants precede revokes; and reading one. What is done about a piece is `person`'s. Almost everybody is one piece.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.domain.billing import Assignment
from shared.domain.history.checks import PieceBody, Step
from shared.domain.keys import ProfileKey
from shared.domain.work import Position, Scheduled, WorkItem, following
from shared.errors import Permanent, Transient
from shared.ports import Billing
from shared.services.app import HANDLER_SECONDS, App, Deadline
from shared.services.reconcile.apply import Result, failed

MOST_PROFILES: Final = 100
"""The most profiles of one check. Their reads are 4 s of ARM's rate and their writes 10, and a record holds 4,400
characters about each, where a usual one needs 1,000."""

_READS_AT_ONCE: Final = 8
"""Assignments read side by side: enough to be quick, too few for one person to be a burst."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one check covers of what it was `asked` for.

    `profiles` are to be read, in their order, of which the first `given` are the policy's; `elsewhere` are the person's
    others, which other pieces cover. `item` is the work item of this piece alone, for checks that have to follow about
    it; `rest` asks for what comes after it.
    """

    asked: WorkItem
    item: WorkItem
    profiles: Sequence[ProfileKey]
    given: int
    elsewhere: frozenset[ProfileKey] = frozenset()
    rest: Scheduled | None = None

    @property
    def is_all(self) -> bool:
        """Whether it is everything there is to check."""
        return not self.elsewhere and not self.item.is_part

    @property
    def is_first(self) -> bool:
        """Whether no other piece comes before it."""
        return self.item.after is None

    def covers(self, profile: ProfileKey | None) -> bool:
        """Whether it is this piece's to tell of a profile. The first one tells of what is read nowhere, too."""
        return profile not in self.elsewhere and (self.is_first or profile in self.profiles)

    def shorter(self, count: int) -> "Piece":
        """Its first `count` profiles, 1 or more; the rest is left to the next piece."""
        if count >= len(self.profiles):
            return self
        end = Position(count > self.given, self.profiles[count - 1])
        left = frozenset(self.profiles[count:])
        return Piece(
            self.asked,
            replace(self.asked, upto=end),
            self.profiles[:count],
            min(count, self.given),
            self.elsewhere | left,
            following(self.asked, end),
        )

    def until_late(self, results: Iterable[Result]) -> "Piece":
        """The part before the first write that the handler's time did not reach; all of it where that is nothing."""
        late = {result.profile for result in results if result.late}
        count = next((number for number, profile in enumerate(self.profiles) if profile in late), 0) if late else 0
        return self.shorter(count) if count else self

    def told(self) -> PieceBody | None:
        """For the ledger; None where it is everything."""
        if self.is_all:
            return None
        return PieceBody(len(self.profiles), len(self.profiles) + len(self.elsewhere), continued=self.rest is not None)


def cut(item: WorkItem, profiles: Sequence[ProfileKey], given: Collection[ProfileKey]) -> Piece:
    """The piece of `profiles` (sorted) that a check of `item` takes. `given` are the policy's."""
    first = [one for one in profiles if one in given]
    then = [one for one in profiles if one not in given] if first else profiles
    ordered = [*first, *then]
    if not item.is_part:
        return Piece(item, item, ordered, len(first)).shorter(MOST_PROFILES)

    def passed(position: Position) -> int:
        """How many of them stand at a position or before it."""
        if position.surplus:
            return len(first) + bisect_right(then, position.profile)
        return bisect_right(first, position.profile)

    begin = 0 if item.after is None else passed(item.after)
    end = len(ordered) if item.upto is None else passed(item.upto)
    within = ordered[begin:end]
    elsewhere = frozenset(ordered) - frozenset(within)
    return Piece(item, item, within, max(0, min(end, len(first)) - begin), elsewhere).shorter(MOST_PROFILES)


async def read_piece(
    app: App, billing: Billing, object_id: str, piece: Piece, deadline: Deadline
) -> tuple[Piece, dict[ProfileKey, Assignment | None], list[Result]]:
    """Reads the person's assignment on each profile; a read that fails concerns that profile alone.

    In half of the handler's time: the other half is for writes. What it did not reach is left to the next piece.
    """
    gate = asyncio.Semaphore(_READS_AT_ONCE)
    half = HANDLER_SECONDS / 2
    reached = len(piece.profiles)

    async def read(number: int, profile: ProfileKey) -> Assignment | Result | None:
        nonlocal reached
        async with gate:
            if number >= _READS_AT_ONCE and deadline.left(app.clock.now()) < half:
                reached = min(reached, number)
                return None
            try:
                return await billing.assignment(profile, object_id)
            except (Transient, Permanent) as failure:
                return failed(Step.READ, profile, failure)

    found = await asyncio.gather(*(read(number, profile) for number, profile in enumerate(piece.profiles)))
    piece = piece.shorter(reached)
    answers = dict(zip(piece.profiles, found[:reached], strict=True))
    failures = [answer for answer in answers.values() if isinstance(answer, Result)]
    return piece, {p: a for p, a in answers.items() if not isinstance(a, Result)}, failures
