"""What is odd about people: values that nobody can read, and dates that mean "never".

Lives here: one method per kind. What usual people do is `history`'s.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.simulation.engine.telling import Tale, Teller

_UNREADABLE: Final[tuple[dict[str, Any], ...]] = (
    {"employeeHireDate": "10000-01-01T00:00:00Z"},
    {"employeeHireDate": "soon"},
    {"employeeLeaveDateTime": "2026-02-30T00:00:00Z"},
    {"department": 7},
)
_NEVER: Final[tuple[dict[str, Any], ...]] = (
    {"employeeHireDate": "0001-01-01T00:00:00Z"},
    {"employeeHireDate": "1601-01-01T00:00:00Z"},
    {"employeeHireDate": "1899-12-30T00:00:00Z"},
    {"employeeHireDate": "9999-12-31T00:00:00Z"},
    {"employeeLeaveDateTime": "1900-01-01T00:00:00Z"},
    {"employeeLeaveDateTime": "9999-12-31T23:59:59Z"},
)
_LEAVES: Final = 0.5
"""How many of those who become odd are disabled as well."""


@dataclass(eq=False)
class Oddities(Teller):
    """Whoever writes odd values."""

    def kinds(self) -> dict[str, tuple[int, Callable[[], list[Tale]]]]:
        """What may happen, how often it does, and how."""
        return {
            "odd-value": (4, self.become_odd),
            "odd-value-mended": (2, self.be_mended),
        }

    def become_odd(self) -> list[Tale]:
        """Somebody gets a value that nobody can read, or a date that means none; one person at a time."""
        self.be_mended()
        person = self._somebody()
        values = self.rng.choice((*_UNREADABLE, *_NEVER))
        self.world.odd[person] = dict(values)
        self.world.directory_touched[person] = self.world.now()
        if self.rng.random() < _LEAVES:
            self.world.do_graph("PATCH", f"/users/{person}", {"accountEnabled": False})
        self.judge.book.count("odd:unreadable" if values in _UNREADABLE else "odd:never")
        return self._about(person)

    def be_mended(self) -> list[Tale]:
        """Whoever was odd is not any more."""
        people = [*self.world.odd]
        self.world.odd.clear()
        self.world.directory_touched |= dict.fromkeys(people, self.world.now())
        return [tale for person in people for tale in self._about(person)]
