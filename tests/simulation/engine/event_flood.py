"""A scenario of its own: one batch with thousands of dated events, on a lock that no host renews.

Lives here: the batch, and what became of it. Nothing fails; taking in alone runs.
"""

import json
import random
from collections import Counter
from dataclasses import dataclass
from typing import Final

from sandbox.broker.model import Message
from tests.simulation.engine.policies import OWN_COMPANY, SimPolicy
from tests.simulation.engine.scenario import Counting, place_of, played, running, until
from tests.simulation.small_world import guid, world

_DAY: Final = "2026-06-01"
_PATIENCE_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Flood:
    """What became of a flood: until when everybody has a check, the most that anybody has, and what went wrong."""

    seconds: float
    first_seconds: float
    people: int
    most_checks: int
    lost_locks: int
    dead: int


def event_flood(messages: int, events: int) -> Flood:
    """Runs it: so many messages arrive at once, each with so many events about others and a day to come."""
    return played(messages, lambda: _flooded(messages, events))


async def _flooded(messages: int, events: int) -> Flood:
    rng = random.Random(messages)
    place = place_of(rng, world(), Counting())
    async with running(place, rng, SimPolicy((OWN_COMPANY,), opt_in="none"), count=1) as (process,):
        intake, _ = process.pumps
        process.pumps = [intake]
        place.post.events.send(*(Message(_message(number, events), f"m{number}") for number in range(messages)))
        began, checks = place.world.now(), Counter[str]()

        def count() -> int:
            checks.clear()
            checks.update(
                item.key.canonical for item, _, message_id in place.post.waiting() if message_id[:4] == "now:"
            )
            return len(checks)

        await until(lambda: count() > 0, every_seconds=1.0)
        first = (place.world.now() - began).total_seconds()
        await until(lambda: count() >= messages * events, patience_seconds=_PATIENCE_SECONDS, every_seconds=10.0)
        seconds = (place.world.now() - began).total_seconds()
        await until(place.post.is_quiet_of_events, patience_seconds=_PATIENCE_SECONDS, every_seconds=10.0)
        return Flood(
            seconds, first, count(), max(checks.values()), intake.lost_locks, len(place.post.dead(place.post.events))
        )


def _message(number: int, events: int) -> bytes:
    return json.dumps(
        [
            {
                "specversion": "1.0",
                "id": f"{number}-{each}",
                "source": "/hr",
                "type": "com.contoso.hr.person.changed",
                "subject": f"id:{guid(8, number * events + each)}",
                "data": {"effective": _DAY},
            }
            for each in range(events)
        ]
    ).encode()
