"""Whom or what a person means who types a name, an address, a number or an id: one, several, or none with the nearest.

Lives here: comparing a text with what the candidates are called. Where candidates come from is the caller's. Nothing is
ever chosen among several, and nothing that is merely near is chosen at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from heapq import nlargest
from typing import Final

from shared.domain.alike import likeness

NEAREST: Final = 3
"""How many are told where nobody has the name."""

_ALIKE: Final = 0.6
"""From which share of common characters on a name is near enough to be told."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What can be meant. `id` is its whole id, `labels` whatever else it is called, the best known first.

    `about` tells it from others of the same name, such as a job and a company.
    """

    id: str
    labels: tuple[str, ...] = ()
    about: str = ""

    @property
    def best(self) -> str:
        """What it is called."""
        return next((label for label in self.labels if label), self.id)


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a text found: `matches` (one is an answer, several are a question); where there is none, the `nearest`."""

    text: str
    matches: tuple[Candidate, ...]
    nearest: tuple[Candidate, ...] = ()

    @property
    def only(self) -> Candidate | None:
        """The one that is meant; None where none or several are."""
        return self.matches[0] if len(self.matches) == 1 else None


def look_up(text: str, candidates: Iterable[Candidate]) -> Lookup:
    """Who is called `text`: by id, else by any label, as the eye reads both.

    An id is compared first and ends the search: nobody is named by somebody else's id.
    """
    text = text.strip()
    every = list(candidates)
    wanted = text.casefold()
    by_id = tuple(one for one in every if one.id.casefold() == wanted)
    if by_id or not text:
        return Lookup(text, by_id[:1])
    read = likeness(text)
    matches = tuple({one.id: one for one in every if any(likeness(label) == read for label in one.labels)}.values())
    return Lookup(text, matches, () if matches else nearest(read, every))


def nearest(read: str, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Those that are called most like a text (as `likeness` reads it), the nearest first."""
    near = ((_nearness(read, one), one) for one in candidates)
    best = nlargest(NEAREST, (pair for pair in near if pair[0] >= _ALIKE), key=lambda pair: pair[0])
    return tuple(one for _, one in best)


def _nearness(read: str, candidate: Candidate) -> float:
    """How like a candidate is called, up to 1: a text within a label counts as near as a letter's slip."""
    best = 0.0
    matcher = SequenceMatcher(b=read, autojunk=False)
    for label in (*candidate.labels, candidate.id):
        called = likeness(label)
        if len(read) > 1 and read in called:
            best = max(best, 0.9 + 0.1 * len(read) / len(called))
            continue
        matcher.set_seq1(called)
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best:
            best = max(best, matcher.ratio())
    return best
