"""Keeps one worker running: starts it, starts another when it ends, and gives up loudly when none will start.

What may live here: the worker's life and the host's state. What an app is started with, and what is done with
its functions, is asked of the caller (`App`); what is dispatched is for `host`.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from sandbox.host.bindings import BindingError
from sandbox.host.configuration import ConfigurationError
from sandbox.host.process import AppLog, IndexedFunction, IndexingError, WorkerGoneError, WorkerProcess

_logger = logging.getLogger(__name__)

_STARTS_BEFORE_ERROR = 3
"""A worker that dies this often in a row before the app is indexed is an error, as on the platform."""

_STEADY_SECONDS = 5.0
"""A worker that ran this long was started well: the next death is the first one again."""

_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 5.0
_END_SECONDS = 0.5

_INDEXING_SECONDS = 60.0
"""How long an app may take to load; the Flex Consumption plan gives 30 s to an app alone on its machine."""

_LINES_TOLD = 20
"""How many of its last lines are told of a worker that died before the app was indexed."""


class HostState(StrEnum):
    """The states of the platform's host that this one has."""

    STARTING = "Starting"
    RUNNING = "Running"
    ERROR = "Error"
    STOPPED = "Stopped"


class App(Protocol):
    """What a supervisor asks of whoever runs the app."""

    async def open_worker(self) -> WorkerProcess:
        """Starts a process; raises `ConfigurationError` when the configuration cannot be used."""

    async def take(self, indexed: Sequence[IndexedFunction]) -> None:
        """Takes over what a worker found; raises `BindingError` when it cannot be run."""

    async def let_go(self) -> None:
        """Lets go of the app before it is started afresh; no worker is left by then."""


class Supervisor:
    """One worker at a time for `app`; `log` is where the app's last words are found.

    `silent` makes an app that does not load what it is in Azure: an app without functions, and no word why.
    """

    def __init__(self, app: App, log: AppLog, *, silent: bool = False) -> None:
        self.state = HostState.STARTING
        self.errors: list[str] = []
        self.restarts = 0
        self.worker: WorkerProcess | None = None
        self._app = app
        self._log = log
        self._silent = silent
        self._settled = asyncio.Event()
        self._again = asyncio.Event()
        self._restarting = False
        self._has_run = False

    @property
    def ready(self) -> bool:
        """Whether something can be run now: the app is indexed and its worker lives."""
        return self.state is HostState.RUNNING and self.worker is not None and self.worker.alive

    async def settled(self) -> None:
        """Waits until the app is running or in error."""
        await self._settled.wait()

    def pause(self) -> None:
        """Nothing is ready from here on, until `start_afresh` has settled."""
        self._restarting = True
        self._settled.clear()
        self.state = HostState.STARTING

    async def start_afresh(self, grace_seconds: float) -> None:
        """Ends the worker, after `grace_seconds` by force, and starts the app anew; returns when settled."""
        self.pause()
        if self.worker is not None:
            await self.worker.stop(grace_seconds)
        self._again.set()
        await self.settled()

    async def close(self, grace_seconds: float) -> None:
        """Ends the worker for good; `run` was cancelled before."""
        self.state = HostState.STOPPED
        if self.worker is not None:
            await self.worker.stop(grace_seconds)
            self.worker = None

    def fail(self, message: str) -> None:
        """Enters the error state; whoever starts the host is told by what its start raises, later it is logged."""
        self.state = HostState.ERROR
        self.errors = [message]
        if self._has_run:
            _logger.error("the app does not run: %s", message)
        self._settled.set()

    async def run(self) -> None:
        """Keeps a worker running until cancelled."""
        deaths = 0
        while True:
            self._restarting = False
            started_at = time.monotonic()
            try:
                await self._start()
            except (ConfigurationError, IndexingError, BindingError) as mistake:
                await self._end()
                if self._silent and isinstance(mistake, IndexingError):
                    await self._app.take(())
                    self._run_with("0 functions found (Custom)")
                else:
                    self.fail(str(mistake))
                # The same app with the same settings fails again: wait until somebody says that it is fixed.
                await self._asked_again()
                continue
            except WorkerGoneError as gone:
                deaths += 1
                if deaths >= _STARTS_BEFORE_ERROR:
                    self.fail("\n".join([str(gone), *self._log.last(_LINES_TOLD)]))
            else:
                await self._until_it_ends()
                deaths = 1 if time.monotonic() - started_at >= _STEADY_SECONDS else deaths + 1
            self.restarts += 1
            if self.state is not HostState.ERROR:
                self.state = HostState.STARTING
                self._settled.clear()
            await self._end()
            if self._restarting:
                await self._asked_again()
                deaths = 0
            elif deaths > 1:
                await self._back_off(deaths)

    async def _start(self) -> None:
        opening = asyncio.ensure_future(self._app.open_worker())
        try:
            self.worker = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # Whoever stops the host ends its worker too, so it has to be known.
            self.worker = await opening
            raise
        try:
            async with asyncio.timeout(_INDEXING_SECONDS):
                indexed = await self.worker.index()
        except TimeoutError:
            self.worker.kill()
            raise IndexingError(f"the app did not load within {_INDEXING_SECONDS:.0f} seconds") from None
        await self._app.take(indexed)
        self._run_with(f"{len(indexed)} functions found (Custom)")

    def _run_with(self, found: str) -> None:
        _logger.info("%s", found)
        self.errors = []
        self.state = HostState.RUNNING
        self._has_run = True
        self._settled.set()

    async def _until_it_ends(self) -> None:
        assert self.worker is not None, "it has just started"
        how = await self.worker.gone()
        if not self._restarting:
            _logger.warning("the worker process %d ended (%s); starting another", self.worker.pid, how)

    async def _end(self) -> None:
        if self.worker is not None:
            # It stays known until it has ended: whoever stops the host meanwhile ends it too.
            await self.worker.stop(_END_SECONDS)
            self.worker = None

    async def _asked_again(self) -> None:
        await self._again.wait()
        self._again.clear()
        await self._app.let_go()

    async def _back_off(self, deaths: int) -> None:
        delay = min(_FIRST_DELAY_SECONDS * 2 ** (deaths - 2), _LONGEST_DELAY_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._again.wait()
        self._again.clear()
