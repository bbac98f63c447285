"""Quarrels: somebody turns a profile's e-mail off again each time that the app turned it on.

Lives here: such a quarrel from its beginning to its end, which takes hours and many sweeps. Everything else that other
administrators do is done in a moment, and `portal`'s.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.keys import ProfileKey
from tests.simulation.engine.fleet import Fleet
from tests.simulation.engine.judge import Judge
from tests.simulation.engine.operators import Operator
from tests.simulation.engine.oracle import is_enforced
from tests.simulation.engine.portal import Portal
from tests.simulation.engine.world import Refused

_TURNS: Final = 7
"""How often somebody who fights for it turns a profile's e-mail off."""

_RELEASED: Final = 0.5
"""How often an operator gives in to that."""

_PAUSES: Final = ((230, 400), (230, 400), (400, 1140))
"""Seconds between two turns, besides `_RESUMED_AFTER`: sooner or later than an update may follow another one."""

_RESUMED_AFTER: Final = 120
"""Seconds after which an operator takes the pause off that the sweep has set: no quarrel without updates."""


@dataclass(eq=False)
class Quarrels:
    """Whoever fights for a profile. `happen` tells the story, `behind` does something while it goes on."""

    judge: Judge
    portal: Portal
    fleet: Fleet
    operator: Operator
    rng: random.Random
    happen: Callable[[str, Callable[[], Any]], None]
    behind: Callable[[Coroutine[Any, Any, None]], None]
    _open: int = 0

    def begin(self) -> None:
        """Begins one about a profile that the policy keeps opted in. Raises `Refused` when there is none."""
        policy, facts = self.fleet.policy, self.judge.world.facts[-1][1]
        wanted = [key for key, one in facts.items() if one.active and policy.names(one.name, policy.opt_in)]
        among = [key for key in wanted if is_enforced(key, policy, facts)]
        if not among:
            raise Refused("no profile is kept opted in")
        self._open += 1
        self.behind(self._fought_out(self.rng.choice(among)))

    async def over(self) -> None:
        """Waits until all of them are."""
        while self._open:  # noqa: ASYNC110 - time costs nothing
            await asyncio.sleep(60)

    async def _fought_out(self, profile: ProfileKey) -> None:
        for turn in range(_TURNS):
            self.happen("opt-out-again", lambda: self.portal.opt_out(profile))
            if turn == _TURNS - 1 and self.rng.random() < _RELEASED:
                await self.fleet.decide(lambda app: self.operator.release(app, everything=True))
            self.fleet.sweep()
            await asyncio.sleep(_RESUMED_AFTER)
            if self.judge.pauses.active:
                await self.fleet.decide(self.operator.resume)
            await asyncio.sleep(self.rng.uniform(*self.rng.choice(_PAUSES)))
        self._open -= 1
