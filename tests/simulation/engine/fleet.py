"""The processes of one simulation: started, killed, deployed anew, and an operator's own beside them.

Lives here: which processes there are and with which policy. What one does is `process`'.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any

from shared.domain.policy.load import load_policy
from shared.domain.policy.model import Policy
from shared.errors import InvoiceAccessError
from tests.simulation.engine.operators import OPERATOR, Command
from tests.simulation.engine.place import Place
from tests.simulation.engine.policies import SimPolicy
from tests.simulation.engine.process import Process
from tests.simulation.engine.world import Refused


class Fleet:
    """All instances of the app. `policy` is what the next one is deployed with; `behind` does something meanwhile."""

    def __init__(
        self,
        place: Place,
        rng: random.Random,
        policy: SimPolicy,
        behind: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self.policy = policy
        self._place = place
        self._rng = rng
        self._behind = behind
        self._processes: dict[str, Process] = {}
        self._past: list[Process] = []
        self._over = False

    def start(self, name: str | None = None) -> None:
        """Starts a process, in the place of the one of that name."""
        called = name or f"app{len(self._processes) + 1}"
        process = Process(called, self._place, self._rng, (self.policy, _loaded(self.policy)), self._ended)
        self._processes[called] = process
        self._place.book.say(called, "starts")
        process.start()

    def alive(self) -> list[Process]:
        """The processes that take messages."""
        return [process for process in self._processes.values() if not process.life.over and not process.stopping]

    def some_process(self) -> Process:
        """One of them. Raises `Refused` when there is none."""
        alive = self.alive()
        if not alive:
            raise Refused("no process runs")
        return self._rng.choice(alive)

    def sweep(self) -> None:
        """The timer fires in one of them, if there is one."""
        if alive := self.alive():
            self._rng.choice(alive).sweep()

    def recover(self) -> None:
        """All clocks are right, and nobody is about to die."""
        for process in self._processes.values():
            process.recover()

    async def deploy(self, *, gently: bool) -> None:
        """Replaces one process after another, each stopped in peace or killed."""
        for name in [*self._processes]:
            process = self._processes[name]
            if gently:
                await process.stop()
            else:
                process.kill()
            self.start(name)
            await asyncio.sleep(self._rng.uniform(1, 60))

    async def decide(self, command: Command) -> None:
        """An operator's command, in a process of its own."""
        process = Process(OPERATOR, self._place, self._rng, (self.policy, _loaded(self.policy)), self._past.append)
        process.stopping = True

        async def given() -> None:
            try:
                await command(process.app)
            except InvoiceAccessError as failure:
                self._place.book.say(OPERATOR, f"is refused: {failure}")

        await asyncio.wait([process.life.begin(given(), OPERATOR)])
        process.life.end()

    async def close(self) -> None:
        """Ends every process, and lets go of what it held."""
        self._over = True
        everybody = [*self._past, *(each for each in self._processes.values() if each not in self._past)]
        for process in everybody:
            process.life.bury()
        await asyncio.sleep(0)
        for process in everybody:
            await process.close()

    def _ended(self, process: Process) -> None:
        self._past.append(process)
        if not process.stopping and not self._over:
            self._place.book.count("crash")
            self._behind(self._restart(process.name))

    async def _restart(self, name: str) -> None:
        await asyncio.sleep(self._rng.uniform(3, 90))
        if self._processes[name].life.over:
            self.start(name)


@cache
def _read(text: str) -> Policy:
    return load_policy(text, "policy.yaml")


def _loaded(policy: SimPolicy) -> Policy:
    return _read(policy.as_text())
