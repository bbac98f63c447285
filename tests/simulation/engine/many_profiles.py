"""A scenario of its own: one person who holds thousands of profiles leaves, and others leave after them.

Lives here: the world, what happens in it, and how long each took. Nothing fails; billing throttles as it does.
"""

import copy
import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sandbox.broker.model import Message
from shared.domain.billing import INVOICE_MANAGER
from tests.simulation.engine.place import Place
from tests.simulation.engine.policies import DAILY_LIMITS, SimPolicy, SimRule
from tests.simulation.engine.process import Process
from tests.simulation.engine.scenario import PLENTY, Counting, place_of, played, running, until
from tests.simulation.engine.world import AppWrite
from tests.simulation.small_world import APP, COMPANIES, MCA, guid, user, world

_TITLE: Final = "Controller"
_HOLDER: Final = guid(6, 1)
_OTHERS: Final = tuple(guid(7, number) for number in range(5))
_PATIENCE_SECONDS: Final = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Leave:
    """How long it took until the holder had nothing any more, and each of the others; and what went wrong."""

    seconds: float
    others: tuple[float, ...]
    left: int
    dead: int
    longest_run_seconds: float


class _Timing(Counting):
    """Notes how long runs take, in virtual time."""

    def __init__(self) -> None:
        super().__init__()
        self.longest = 0.0
        self.now: Any = None

    def ended(self, run: Any, bodies: tuple[bytes, ...], *, ok: bool) -> None:
        """Notes it."""
        del bodies, ok
        self.longest = max(self.longest, (self.now() - run.began).total_seconds())


def many_profiles(count: int) -> Leave:
    """Runs it: somebody who holds `count` profiles of ours leaves, and then a handful of others."""
    return played(count, lambda: _left(count))


async def _left(count: int) -> Leave:
    rng = random.Random(count)
    timing = _Timing()
    place = place_of(rng, _given(count), timing)
    timing.now = place.world.now
    rules = (SimRule("all-of-it", job=_TITLE, target="all"), SimRule("own", department="Finance", target="own-company"))
    policy = SimPolicy(rules, opt_in="none", daily_limits={**DAILY_LIMITS, "grants": PLENTY, "leaver_revokes": PLENTY})
    async with running(place, rng, policy) as processes:
        return await _story(place, processes[0], timing, count)


async def _story(place: Place, sweeper: Process, timing: _Timing, count: int) -> Leave:
    """A sweep finds everything as it should be; then one event about the holder, who has left, and about others."""
    last: dict[str, datetime] = {}
    taken = dict.fromkeys((_HOLDER, *_OTHERS), 0)

    def wrote(write: AppWrite) -> None:
        if write.entry.operation == "delete-role-assignment":
            last[write.entry.principal or ""] = write.at
            taken[write.entry.principal or ""] += 1

    place.world.on_app_write = wrote
    sweeper.sweep()
    await until(
        lambda: {*_OTHERS} <= {row.principal_id for _, row in place.world.managers()} and place.post.is_quiet(),
        patience_seconds=_PATIENCE_SECONDS,
        every_seconds=60.0,
    )
    place.post.events.send(Message(_event(_HOLDER)))
    await until(place.post.is_quiet, patience_seconds=_PATIENCE_SECONDS, every_seconds=60.0)
    told: dict[str, datetime] = {}
    for person in taken:
        place.world.do_graph("PATCH", f"/users/{person}", {"accountEnabled": False})
        told[person] = place.world.now()
        place.post.events.send(Message(_event(person)))
    await until(
        lambda: taken[_HOLDER] >= count and all(map(taken.get, _OTHERS)),
        patience_seconds=_PATIENCE_SECONDS,
        every_seconds=30.0,
    )
    await until(place.post.is_quiet, patience_seconds=_PATIENCE_SECONDS, every_seconds=60.0)
    waits = {person: (last[person] - at).total_seconds() for person, at in told.items()}
    left = sum(row.principal_id in taken for _, row in place.world.managers())
    dead = sum(len(place.post.dead(queue)) for queue in (place.post.events, place.post.work))
    return Leave(waits[_HOLDER], tuple(waits[one] for one in _OTHERS), left, dead, timing.longest)


def _given(count: int) -> dict[str, Any]:
    given = world()
    company = next(iter(COMPANIES))
    given["users"].append(user(_HOLDER, "holder", company, "Board", jobTitle=_TITLE))
    given["users"].append(user(guid(6, 2), "successor", company, "Board", jobTitle="Clerk"))
    given["users"] += [user(one, f"other{number}", company, "Finance") for number, one in enumerate(_OTHERS)]
    account = next(one for one in given["billingAccounts"] if one["name"] == MCA)
    managed = {"principalId": _HOLDER, "role": INVOICE_MANAGER, "createdByPrincipalId": APP}
    model = account["billingProfiles"][2]
    for number in range(count):
        profile = copy.deepcopy(model)
        profile["name"] = f"P{number:04}-BG7"
        profile["properties"]["displayName"] = f"Profile {number}"
        profile["billingRoleAssignments"] = [dict(managed)]
        account["billingProfiles"].append(profile)
    return given


def _event(person: str) -> bytes:
    return (
        f'{{"specversion":"1.0","id":"{person}","source":"/hr","type":"com.contoso.left","subject":"id:{person}"}}'
    ).encode()
