"""A scenario of its own: leavers while a sweep has thousands of others checked.

Lives here: a generated world, what happens in it, and how long each leaver waited. Nothing fails and nobody meddles;
the services take their time and count what they are asked for.
"""

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sandbox.broker.model import Message
from tests.simulation.engine.place import Place
from tests.simulation.engine.policies import DAILY_LIMITS, OWN_COMPANY, SimPolicy
from tests.simulation.engine.process import Process
from tests.simulation.engine.scenario import PLENTY, Counting, place_of, played, running, until
from tests.simulation.engine.world import AppWrite
from tests.simulation.small_world import COMPANIES, guid, user, world

_GROUP: Final = 5.0


@dataclass(frozen=True, slots=True)
class Rush:
    """How long each leaver waited from the event to the revoke, in seconds, and how many looks the sweep asked for."""

    waits: tuple[float, ...]
    enqueued: int

    def percentile(self, percent: int) -> float:
        """The wait that so many percent of the leavers did not exceed."""
        ordered = sorted(self.waits)
        return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def leaver_rush(drifted: int, leavers: int) -> Rush:
    """Runs it: a sweep finds `drifted` people who lack something, and meanwhile `leavers` people leave one by one."""
    return played(drifted, lambda: _rushed(drifted, leavers))


async def _rushed(drifted: int, leavers: int) -> Rush:
    rng = random.Random(drifted)
    counting = Counting()
    place = place_of(rng, _given(drifted, leavers), counting)
    policy = SimPolicy(
        (OWN_COMPANY,), opt_in="none", daily_limits={**DAILY_LIMITS, "grants": PLENTY, "leaver_revokes": PLENTY}
    )
    async with running(place, rng, policy) as processes:
        return await _story(place, processes[0], counting, drifted, leavers)


async def _story(place: Place, sweeper: Process, counting: Counting, drifted: int, leavers: int) -> Rush:
    """Everybody has what they should; then many move in, a sweep finds them, and leavers come in between."""
    revoked: dict[str, datetime] = {}

    def wrote(write: AppWrite) -> None:
        if write.entry.operation == "delete-role-assignment":
            revoked.setdefault(write.entry.principal or "", write.at)

    place.world.on_app_write = wrote
    sweeper.sweep()
    await until(lambda: len(place.world.managers()) > leavers and place.post.is_quiet())
    for number in range(drifted):
        place.world.do_graph("PATCH", f"/users/{_mover(number)}", {"department": "Finance"})
    before = counting.asked_by_sweeps
    sweeper.sweep()
    await until(lambda: counting.asked_by_sweeps > before)
    told: dict[str, datetime] = {}
    for number in range(leavers):
        person = _leaver(number)
        place.world.do_graph("PATCH", f"/users/{person}", {"accountEnabled": False})
        told[person] = place.world.now()
        place.post.events.send(Message(_event(number, person)))
        await asyncio.sleep(_GROUP)
    await until(lambda: told.keys() <= revoked.keys())
    waits = tuple((revoked[person] - at).total_seconds() for person, at in told.items())
    return Rush(waits, counting.asked_by_sweeps - before)


def _given(drifted: int, leavers: int) -> dict[str, Any]:
    company = next(iter(COMPANIES))
    given = world()
    given["users"] += [user(_leaver(number), f"leaver{number}", company) for number in range(leavers)]
    given["users"] += [user(_mover(number), f"mover{number}", company, "Sales") for number in range(drifted)]
    return given


def _event(number: int, person: str) -> bytes:
    return (
        f'{{"specversion":"1.0","id":"{number}","source":"/hr","type":"com.contoso.left","subject":"id:{person}"}}'
    ).encode()


def _leaver(number: int) -> str:
    return guid(6, number)


def _mover(number: int) -> str:
    return guid(7, number)
