"""What is away for long, or gone: a store that refuses or is full, a state that is lost, decisions that are forgotten.

Lives here: one method per kind. What befalls everybody for some minutes is `mishaps`'.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from shared.domain.guards.holds import Status
from shared.domain.keys import PersonKey
from shared.services.app import App
from shared.services.operate import decisions
from tests.simulation.engine.faulty_rows import Store
from tests.simulation.engine.fleet import Fleet
from tests.simulation.engine.judge import Judge
from tests.simulation.engine.operators import OPERATOR, Operator
from tests.simulation.engine.world import Refused, World

_COLD: Final = 0.5
"""How often a process starts while there are no tokens."""

_SWEPT: Final = 0.7
"""How often a sweep follows at once on a lost state."""


@dataclass(eq=False)
class Outages:
    """Bad days. `behind` does something while the story goes on, `rest` stops the story for it."""

    world: World
    judge: Judge
    ledger: Store
    state: Store
    fleet: Fleet
    operator: Operator
    rng: random.Random
    behind: Callable[[Coroutine[Any, Any, None]], None]
    rest: Callable[[Coroutine[Any, Any, None]], None] = field(kw_only=True)
    somebody_leaves: Callable[[], None] = field(kw_only=True)
    somebody_is_told_of: Callable[[], None] = field(kw_only=True)
    _over: float = 0.0

    def kinds(self) -> dict[str, tuple[int, Callable[[], None]]]:
        """What may happen, how often it does, and how."""
        return {
            "state-wiped": (4, self.wipe_state),
            "release-forgotten": (4, self.forget_a_release),
            "store-refuses": (1, self.refuse),
            "store-full": (1, self.fill),
            "work-unreachable": (2, self.lose_the_work_queue),
            "queue-refuses-briefly": (2, self.refuse_briefly),
            "identity-outage": (1, self.lose_identity),
        }

    async def over(self) -> None:
        """Waits until whatever is away is back."""
        await asyncio.sleep(max(0.0, self._over - self.world.loop.time()))

    def refuse(self) -> None:
        """The store of ledger and state takes and gives nothing: our role there is gone, or its firewall is closed."""
        until = self._away()
        for store in (self.ledger, self.state):
            store.refuses_until = store.hides_until = until

    def fill(self) -> None:
        """The store takes nothing more: it is full."""
        until = self._away()
        for store in (self.ledger, self.state):
            store.refuses_until = until

    def lose_the_work_queue(self) -> None:
        """Messages are delivered, and nothing can be sent: a role that is missing, or a queue that is disabled."""
        away = timedelta(seconds=self._away() - self.world.loop.time())
        self.judge.post.sends_fail_until = self.world.now() + away

    def refuse_briefly(self) -> None:
        """Nothing can be sent for some seconds, less than a check keeps trying; somebody is told of meanwhile."""
        post, over = self.judge.post, self.world.now() + timedelta(seconds=self.rng.uniform(1, 40))
        post.sends_fail_until = max(post.sends_fail_until, over)
        self.somebody_is_told_of()

    def lose_identity(self) -> None:
        """The identity endpoint answers nobody: no token for anything; and a process may start without one."""
        until = self._away()
        over = self.world.now() + timedelta(seconds=until - self.world.loop.time())
        self.world.tokens_missing_until = self.judge.post.sends_fail_until = over
        for store in (self.ledger, self.state):
            store.locked_out_until = until
        if self.rng.random() < _COLD:
            self.fleet.some_process().crash_within(self.rng.randrange(1, 50))

    def _away(self) -> float:
        """Until when something is away, minutes or hours; people are told of meanwhile, and somebody leaves."""
        now = self.world.loop.time()
        until = now + self.rng.uniform(*self.rng.choice(((60, 900), (60, 900), (60, 900), (3_600, 7_200))))
        self._over = max(self._over, until)

        async def meanwhile() -> None:
            await asyncio.sleep(self.rng.uniform(1, 50))
            self.somebody_is_told_of()
            self.somebody_leaves()

        self.behind(meanwhile())
        return until

    def wipe_state(self) -> None:
        """The state is gone; a sweep comes when it comes, or soon, and then somebody leaves."""

        async def soon() -> None:
            await self.state.wipe()
            self.judge.state_is_lost()
            await asyncio.sleep(self.rng.uniform(1, 600))
            if self.rng.random() < _SWEPT:
                self.fleet.sweep()
                await asyncio.sleep(self.rng.uniform(60, 900))
                self.somebody_leaves()

        self.behind(soon())

    def forget_a_release(self) -> None:
        """What waits is released while writes are paused, and days pass. Raises `Refused` without any hold."""
        holds = [hold for row in self.judge.holds.values() for hold in row.holds.values()]
        if not any(hold.status is Status.OPEN for hold in holds):
            raise Refused("nothing waits for a person")
        self.rest(self._forgotten())

    async def _forgotten(self) -> None:
        await self.fleet.decide(self._pause)
        await self.fleet.decide(lambda app: self.operator.release(app, everything=True))
        await asyncio.sleep(timedelta(hours=self.rng.uniform(74, 200)).total_seconds())
        people = sorted(
            {
                hold.key.object_id
                for row in self.judge.holds.values()
                for hold in row.holds.values()
                if isinstance(hold.key, PersonKey) and hold.status is Status.RELEASED
            }
        )
        await self.fleet.decide(self.operator.resume)
        if people:
            self.operator.told_again(self.rng.choice(people))
        else:
            self.fleet.sweep()

    @staticmethod
    async def _pause(app: App) -> None:
        await decisions.pause(app, OPERATOR, "to check something for days")
