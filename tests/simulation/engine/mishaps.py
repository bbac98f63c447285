"""What befalls everybody for a while: clocks, crashes, outages, storms, operations that hang, a ledger that is lost.

Lives here: one method per kind. What goes wrong in passing, request by request, is `faults`'.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from shared.domain.keys import ProfileKey
from tests.simulation.engine.broker_queues import Post
from tests.simulation.engine.faults import Fault, Weather
from tests.simulation.engine.faulty_rows import Store
from tests.simulation.engine.judge import Judge
from tests.simulation.engine.portal import Portal
from tests.simulation.engine.process import Process
from tests.simulation.engine.world import Refused, World

_JUST_DONE: Final = 0.1
"""Seconds after an operation's end: whoever waits for it has not read it back yet."""

_UPDATES_MEET_IT: Final = 0.7
"""How often a profile is opted out just when operations begin to hang or fail: too few are otherwise."""


@dataclass(eq=False)
class Mishaps:
    """Bad luck, with dice of its own choosing. `behind` does something while the story goes on."""

    world: World
    judge: Judge
    portal: Portal
    weather: Weather
    post: Post
    ledger: Store
    rng: random.Random
    some_process: Callable[[], Process]
    sweep: Callable[[], None]
    behind: Callable[[Coroutine[Any, Any, None]], None]

    def kinds(self) -> dict[str, tuple[int, Callable[[], None]]]:
        """What may happen, how often it does, and how."""
        return {
            "clock-jump": (2, self.jump),
            "crash-now": (2, self.crash),
            "ledger-wiped": (1, self.wipe),
            "ledger-restored": (1, self.restore),
            "queue-outage": (1, self.outage),
            "tokens-refused": (1, self.refuse_tokens),
            "storm": (3, self.storm),
            "operations-hang": (1, self.hang),
            "operations-fail": (1, self.fail),
        }

    def jump(self) -> None:
        """Some process's clock is set anew, wrongly."""
        process = self.some_process()
        self.judge.clocks_moved = self.world.now()
        process.jump(timedelta(seconds=self.rng.uniform(-200, 200)))

    def crash(self) -> None:
        """Some process dies at one of its next awaits."""
        self.some_process().crash_within(self.rng.randrange(1, 200))

    def wipe(self) -> None:
        """The ledger is gone."""

        async def soon() -> None:
            self.judge.ledger_lost = self.world.now()
            await self.ledger.wipe()
            self.judge.chains_are([])

        self.behind(soon())

    def restore(self) -> None:
        """The ledger is put back from a backup, which is older than what it replaces."""

        async def later() -> None:
            await self.ledger.back_up()
            await asyncio.sleep(self.rng.uniform(60, 3600))
            self.judge.ledger_lost = self.world.now()
            await self.ledger.restore()
            self.judge.chains_are(self.ledger.backup)

        self.behind(later())

    def outage(self) -> None:
        """Nobody reaches the queues for a while."""
        self.post.down_until = self.world.now() + timedelta(seconds=self.rng.uniform(10, 300))

    def refuse_tokens(self) -> None:
        """The services refuse our tokens for a while."""
        self.world.tokens_refused_until = self.world.now() + timedelta(seconds=self.rng.uniform(10, 300))

    def storm(self) -> None:
        """One fault strikes nearly always for a while."""
        fault = self.rng.choice(
            (
                Fault.ARM_THROTTLED,
                Fault.GRAPH_THROTTLED,
                Fault.ARM_ERROR_AFTER,
                Fault.ARM_ERROR_BEFORE,
                Fault.GRAPH_ERROR,
                Fault.GRAPH_GATEWAY,
                Fault.ARM_GATEWAY,
            )
        )
        self.weather.storm(fault, self.world.loop.time() + self.rng.uniform(5, 600))

    def meddle(self, profile: ProfileKey) -> None:
        """While the app updates a profile somebody else may edit it."""
        if not self.weather.strikes(Fault.PROFILE_EDITED):
            return

        async def soon() -> None:
            switches = self.world.billing.switches
            done = switches.update_seconds + _JUST_DONE if switches.update_status in {201, 202} else 0.0
            await asyncio.sleep(self.rng.choice((0.0, done, done, self.rng.uniform(0, 30))))
            try:
                self.portal.edit_profile(profile)
            except Refused as refused:
                self.judge.book.say("people", f"editing it meanwhile is not possible: {str(refused)[:120]}")

        self.behind(soon())

    def hang(self) -> None:
        """Grants and updates that are accepted are done late, or when nobody waits any more."""
        self.world.turn(create_status=202, create_seconds=self.rng.choice((90.0, 400.0)), create_polls=0)
        self.world.turn(update_status=202, update_seconds=self.rng.choice((90.0, 400.0)), update_polls=0)
        self._opt_out()

    def fail(self) -> None:
        """Operations that are accepted fail in the end, or do again what they should."""
        self.world.turn(operation_failure_status=self.rng.choice((None, 400, 409)))
        self._opt_out()

    def _opt_out(self) -> None:
        """Has an update of a profile meet what was just turned."""
        if self.rng.random() < _UPDATES_MEET_IT:
            self.portal.opt_out()
            self.sweep()
