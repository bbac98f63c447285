"""What is odd: values that nobody can read, dates that mean "never", and work items that nobody honest sends.

Lives here: one method per kind. What usual people do is `history`'s.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sandbox.broker.model import Message
from shared.adapters.queues.work_wire import encode
from shared.domain.keys import Key, NameKey, NameKind, PersonKey, session_id
from shared.domain.work import Cause, CauseKind, WorkItem
from tests.simulation.engine.telling import Tale, Teller
from tests.simulation.small_world import PROFILES

_UNREADABLE: Final[tuple[dict[str, Any], ...]] = (
    {"employeeHireDate": "10000-01-01T00:00:00Z"},
    {"employeeHireDate": "soon"},
    {"employeeHireDate": "0001-01-01T00:00:00Z"},
    {"employeeHireDate": "1601-01-01T00:00:00Z"},
    {"employeeHireDate": "1899-12-30T00:00:00Z"},
    {"employeeLeaveDateTime": "2026-02-30T00:00:00Z"},
    {"department": 7},
)
_NEVER: Final[tuple[dict[str, Any], ...]] = (
    {"employeeHireDate": "1900-01-01T00:00:00Z"},
    {"employeeHireDate": "9999-12-31T00:00:00Z"},
    {"employeeLeaveDateTime": "1900-01-01T00:00:00Z"},
    {"employeeLeaveDateTime": "9999-12-31T23:59:59Z"},
)
_LEAVES: Final = 0.5
"""How many of those who become odd are disabled as well."""

_FAR: Final = datetime(2199, 1, 1, tzinfo=UTC)


@dataclass(eq=False)
class Oddities(Teller):
    """Whoever writes odd values, and whoever may write to the app's own queue."""

    def kinds(self) -> dict[str, tuple[int, Callable[[], list[Tale]]]]:
        """What may happen, how often it does, and how."""
        return {
            "odd-value": (4, self.become_odd),
            "odd-value-fixed": (2, self.be_fixed),
            "forged-item": (4, self.forge),
        }

    def become_odd(self) -> list[Tale]:
        """Somebody gets a value that nobody can read, or a date that means none; one person at a time."""
        self.be_fixed()
        person = self._somebody()
        values = self.rng.choice((*_UNREADABLE, *_NEVER))
        self.world.odd[person] = dict(values)
        self.world.directory_touched[person] = self.world.now()
        if self.rng.random() < _LEAVES:
            self.world.do_graph("PATCH", f"/users/{person}", {"accountEnabled": False})
        self.judge.book.count("odd:unreadable" if values in _UNREADABLE else "odd:never")
        return self._about(person)

    def be_fixed(self) -> list[Tale]:
        """Whoever was odd is not any more."""
        people = [*self.world.odd]
        self.world.odd.clear()
        self.world.directory_touched |= dict.fromkeys(people, self.world.now())
        return [tale for person in people for tale in self._about(person)]

    def forge(self) -> list[Tale]:
        """Somebody who may write to the app's own queue puts an item there, with dates that nobody comes to."""
        self._events += 1
        name = NameKey(NameKind.EMPLOYEE_ID, f"forged{self._events}")
        key: Key = self.rng.choice((name, name, name, PersonKey(self._somebody()), self.rng.choice(PROFILES)))
        now = self.world.now()
        item = WorkItem(
            key,
            Cause(self.rng.choice((CauseKind.WAIT, CauseKind.RETRY, CauseKind.EVENT)), "/forged#1", "x"),
            first_asked=self.rng.choice((_FAR, _FAR, now, now - timedelta(days=9_000))),
            attempt=self.rng.choice((0, 1_000_000)),
            effective=self.rng.choice((None, _FAR)),
            failing_since=self.rng.choice((None, _FAR, now - timedelta(days=9_000))),
            due=self.rng.choice((None, _FAR)),
        )
        self.judge.forged[key.canonical] = now
        self.judge.post.work.send(Message(encode(item), f"forged-{self._events}", session_id(key)))
        return []
