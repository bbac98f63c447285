"""Slips of the pen: somebody's department or company gets a text that only looks like the right one.

Lives here: who slips, how, and that it is noticed, or not. What must be true of it is `promises_of_slips`'.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tests.simulation.engine.case import Slip
from tests.simulation.engine.telling import Tale, Teller
from tests.simulation.engine.world import Refused

type _Way = Callable[[str], str]

_LOOKS_ALIKE: Final[tuple[_Way, ...]] = (
    lambda text: f"{text} ",
    lambda text: f"{text[:2]}\N{SOFT HYPHEN}{text[2:]}",
)
_ONE_LETTER: Final[tuple[_Way, ...]] = (
    lambda text: text[:-1],
    lambda text: f"{text[:-2]}{text[-1]}{text[-2]}",
)
_LONG_ENOUGH: Final = 9
"""Characters from which one letter less leaves eight, as many as a slip of one letter needs to be told from a word."""

_NOTICED: Final = 0.7
"""How many slips somebody notices within hours."""


@dataclass(eq=False)
class Slips(Teller):
    """Whoever types people's texts."""

    later: Callable[[float, Callable[[], list[Tale]]], None] = field(kw_only=True)
    """Lets something happen so many seconds from now."""

    def kinds(self) -> dict[str, tuple[int, Callable[[], list[Tale]]]]:
        """What may happen, how often it does, and how."""
        return {"slip": (3, self.slip)}

    def slip(self) -> list[Tale]:
        """Somebody's text is typed wrongly; mostly it is noticed, and typed anew."""
        person = self._somebody()
        attribute = self.rng.choice(("department", "companyName"))
        entry = self.world.graph.newest().live(person)
        right = None if entry is None else entry.properties.get(attribute)
        if not isinstance(right, str) or not right:
            raise Refused("there is no text to slip in")
        ways = _LOOKS_ALIKE + (_ONE_LETTER if len(right) >= _LONG_ENOUGH else ())
        wrong = self.rng.choice(ways)(right)
        if any(one.properties.get(attribute) == wrong for one in self._entries()):
            raise Refused("a text that somebody else has is no slip")
        self.judge.slips[person] = Slip(attribute, right, wrong)
        self.world.do_graph("PATCH", f"/users/{person}", {attribute: wrong})

        def remedy() -> list[Tale]:
            entry = self.world.graph.newest().live(person)
            if entry is None or entry.properties.get(attribute) != wrong:
                return []
            self.world.do_graph("PATCH", f"/users/{person}", {attribute: right})
            return self._about(person)

        if self.rng.random() < _NOTICED:
            self.later(self.rng.uniform(600, 20_000), remedy)
        return self._about(person)
