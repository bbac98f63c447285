"""Who is talked about, and what is told of them: the events that a human-resources system sends.

Lives here: choosing people, and wording events. What happens to them is `history`'s and `portal`'s.
"""

import json
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from shared.domain.keys import NameKey, NameKind
from tests.simulation.engine.case import Told
from tests.simulation.engine.judge import Judge
from tests.simulation.engine.oracle import AMSTERDAM
from tests.simulation.engine.world import Refused, World
from tests.simulation.small_world import APP, OWNER

_NAMED: Final = {
    NameKind.UPN: "userPrincipalName",
    NameKind.MAIL: "mail",
    NameKind.EMPLOYEE_ID: "employeeId",
}


@dataclass(frozen=True, slots=True)
class Tale:
    """An event as it is sent, and what the judge may expect of it."""

    body: bytes
    keys: tuple[str, ...]
    effective: datetime | None = None

    def told(self, at: datetime) -> Told:
        """The event, once it is on people-events."""
        return Told(at, self.keys, self.effective)


@dataclass(eq=False)
class Teller:
    """Somebody with dice, who knows everybody and tells of them."""

    world: World
    judge: Judge
    rng: random.Random
    _events: int = 0

    def _entries(self) -> list[Any]:
        return [entry for entry in self.world.graph.newest().entries("user") if entry.id != OWNER]

    def _somebody(self) -> str:
        """Anybody; more often somebody who has something to lose."""
        living = [str(entry.id) for entry in self._entries()]
        holding = {row.principal_id for key, row in self.world.managers() if self.world.maker(key, row) == APP}
        return self._one([one for one in living if one in holding and self.rng.random() < 0.6] or living)

    def _one[T](self, among: list[T]) -> T:
        if not among:
            raise Refused("there is nobody and nothing of that kind")
        return self.rng.choice(among)

    def _about(self, person: str, *, effective: date | None = None) -> list[Tale]:
        """One event about somebody, by id or by a name, or none."""
        dice = self.rng.random()
        if dice < 0.1:
            return []
        entry = self.world.graph.newest().live(person)
        if dice < 0.35 and entry is not None:
            kind = self.rng.choice(sorted(_NAMED))
            value = entry.properties.get(_NAMED[kind])
            if value:
                return [self._tale(f"{kind}:{value}", effective, NameKey(kind, str(value)).canonical)]
        return [self._tale(f"id:{person}", effective, f"person:{person}")]

    def _tale(self, subject: str, effective: date | None, key: str = "") -> Tale:
        self._events += 1
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": f"{self._events}",
            "source": "/hr",
            "type": "com.contoso.hr.person.changed",
            "subject": subject,
        }
        begins = None
        if effective is not None:
            event["data"] = {"effective": effective.isoformat()}
            begins = datetime.combine(effective, datetime.min.time(), AMSTERDAM).astimezone(UTC)
        return Tale(json.dumps(event).encode(), (key or f"identity:{subject}",), begins)
